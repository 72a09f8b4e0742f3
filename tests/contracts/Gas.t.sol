// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ISessions} from "../../contracts/interfaces/ISessions.sol";
import {Reason} from "../../contracts/interfaces/Reason.sol";
import {Fixture} from "./Fixture.sol";

/// @notice Gas per message in a batch of 100 on a ledger in use: 100 stations, 10 suppliers, 4 grid operators and 3
/// station operators, spread evenly. Each call is a transaction of its own, its base cost and calldata included.
contract GasTest is Fixture {
    uint256 private constant STATIONS = 100;
    uint256 private constant SLOTS = 12;
    uint32 private first;
    bytes32[] private cars;
    uint256 private clock = START;
    uint48 private imported = 1_000_000_000;
    uint48 private exported = 500_000_000;

    function setUp() public override {
        super.setUp();
        address[] memory grids = many(4, 0x1000, GRID_OPERATOR);
        address[] memory operators = many(3, 0x2000, STATION_OPERATOR);
        address[] memory suppliers = many(10, 0x3000, SUPPLIER);
        for (uint256 i = 0; i < grids.length; ++i) {
            publish(grids[i], GRID_OPERATOR, gridTariff());
            registerMeter(grids[i], bytes32(i + 1));
        }
        for (uint256 i = 0; i < operators.length; ++i) {
            publish(operators[i], STATION_OPERATOR, operatorTariff());
        }
        for (uint256 i = 0; i < STATIONS; ++i) {
            uint32 number = addStation(
                operators[i % 3], grids[i % 4], bytes32(i % 4 + 1), vm.addr(key(i)), 22_000, 11_000
            );
            if (i == 0) first = number;
            cars.push(registerVehicle(suppliers[i % 10], bytes32(i)));
        }
        // the third round measures: by then every slot it writes has been written before
        round(1);
        round(2);
    }

    /// forge-config: default.isolate = true
    function test_gas_of_a_session_in_a_batch_of_100() public {
        (uint256 open, uint256 close) = round(3);
        vm.snapshotValue("Gas", "batch_100.open", open);
        vm.snapshotValue("Gas", "batch_100.report_final_12_slots", close);
        vm.snapshotValue("Gas", "batch_100.session", open + close);
    }

    function round(uint32 session) private returns (uint256 open, uint256 close) {
        bytes[] memory messages = new bytes[](STATIONS);
        uint256 start = clock + 450;
        for (uint256 i = 0; i < STATIONS; ++i) {
            // another supplier's car than last time, at another station
            bytes32 vehicle = cars[(i + 7 * session) % STATIONS];
            messages[i] = signed(
                opening(first + uint32(i), session, vehicle, start, imported, exported), key(i)
            );
        }
        vm.warp(start);
        open = measure(messages) / STATIONS;
        uint256 end = start + SLOTS * 900;
        bytes memory between = evenly(start, end, imported, exported, 2000, 1000);
        imported += uint48(SLOTS * 2000);
        exported += uint48(SLOTS * 1000);
        for (uint256 i = 0; i < STATIONS; ++i) {
            messages[i] = signed(
                report(first + uint32(i), session, 1, end, imported, exported, true, between),
                key(i)
            );
        }
        vm.warp(end);
        close = measure(messages) / STATIONS;
        clock = end - end % 900 + 900;
        vm.warp(clock);
    }

    function measure(bytes[] memory messages) private returns (uint256 gas) {
        bytes memory data = abi.encodeCall(ISessions.submit, (messages));
        vm.prank(relay, relay);
        (bool success, bytes memory returned) = address(ledger).call(data);
        gas = vm.lastCallGas().gasTotalUsed;
        assertTrue(success, "submit");
        Reason[] memory reasons = abi.decode(returned, (Reason[]));
        for (uint256 i = 0; i < reasons.length; ++i) {
            assertEq(uint256(reasons[i]), 0, "reason");
        }
    }

    function many(uint256 count, uint160 from, uint8 role)
        private
        returns (address[] memory accounts)
    {
        accounts = new address[](count);
        for (uint256 i = 0; i < count; ++i) {
            accounts[i] = address(from + uint160(i));
            fund(admit(accounts[i], role), 100_000 * EURO);
        }
    }

    function key(uint256 i) private pure returns (uint256) {
        return uint256(keccak256(abi.encode("station", i)));
    }
}
