// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IRegistry} from "../../contracts/interfaces/IRegistry.sol";
import {Fixture} from "./Fixture.sol";

/// @notice What a session was cleared with it keeps until it ends.
///
/// a running session
/// └── the next tariffs come into force: settled at the old ones
/// (a change of supplier: OnTheRoad.t.sol)
contract PinningTest is Fixture {
    function test_session_keeps_its_versions() public {
        plugIn(station, CAR);
        IRegistry.Tariff memory t = gridTariff();
        (t.importHigh, t.importLow, t.importStandard) = (1, 1, 1);
        t.validFrom = uint32(START + 1 days);
        publish(gridAccount, GRID_OPERATOR, t);
        t = operatorTariff();
        (t.importHigh, t.importLow, t.importStandard) = (2, 2, 2);
        t.validFrom = uint32(START + 1 days);
        publish(operatorAccount, STATION_OPERATOR, t);
        vm.warp(START + 1 days);
        charge(station, 0, 0, false);
        vm.warp(START + 1 days + 900);
        charge(station, 1000, 0, false);
        assertEq(posted(supplier, grid), 1000 * 120_000, "grid operator's first version");
        assertEq(posted(supplier, operator), 1000 * 50_000, "station operator's first version");
        unplug(station);
        plugIn(feeding, CAR);
        vm.warp(START + 1 days + 1800);
        charge(feeding, 1000, 0, false);
        assertEq(posted(supplier, grid), 1000 * 120_001, "the next session has the second");
    }

    function posted(uint24 payer, uint24 payee) private view returns (uint256) {
        return ledger.pairs(payer, payee).amount;
    }
}
