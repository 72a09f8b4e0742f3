// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IRegistry} from "../../contracts/interfaces/IRegistry.sol";
import {PriceArithmetic, Prices} from "../../contracts/libraries/Prices.sol";
import {Assertions} from "./Assertions.sol";

/// @notice A tariff in one word, over all that its types can hold.
contract PricesTest is Assertions {
    function testFuzz_round_trip(IRegistry.Tariff memory t) public pure {
        Prices p = PriceArithmetic.pack(t);
        assertEq(keccak256(abi.encode(p.unpack(t.levels))), keccak256(abi.encode(t)), "tariff");
        assertEq(p.validFrom(), t.validFrom, "valid from");
        assertEq(p.fee(), uint256(t.sessionFee) * 1000, "fee");
    }

    function testFuzz_highest_and_lowest(IRegistry.Tariff memory t) public pure {
        Prices p = PriceArithmetic.pack(t);
        uint256 highest = p.highestImport();
        uint32[3] memory imports = [t.importStandard, t.importHigh, t.importLow];
        int32[3] memory exports = [t.exportStandard, t.exportHigh, t.exportLow];
        (int256 low, int256 high) = p.exportRange();
        uint256 met;
        for (uint256 i = 0; i < 3; ++i) {
            assertTrue(imports[i] <= highest, "none higher");
            assertTrue(exports[i] <= high && exports[i] >= low, "none outside");
            if (imports[i] == highest) met |= 1;
            if (exports[i] == high) met |= 2;
            if (exports[i] == low) met |= 4;
        }
        assertEq(met, 7, "each is one of them");
    }

    /// @dev Energy by level as Slots.split packs it: of level n, 48 bits exported from bit 80n, 32 imported above.
    function testFuzz_amounts(
        IRegistry.Tariff memory t,
        uint32[3] memory taken,
        uint48[3] memory fed
    ) public pure {
        Prices p = PriceArithmetic.pack(t);
        uint256 sum;
        for (uint256 i = 0; i < 3; ++i) {
            sum |= (uint256(taken[i]) << 48 | fed[i]) << (80 * i);
        }
        uint256 imported = uint256(taken[0]) * t.importStandard + uint256(taken[1]) * t.importHigh
            + uint256(taken[2]) * t.importLow;
        int256 exported = int256(uint256(fed[0])) * t.exportStandard + int256(uint256(fed[1]))
            * t.exportHigh + int256(uint256(fed[2])) * t.exportLow;
        assertEq(p.importAmount(sum), imported, "import");
        assertEq(p.exportAmount(sum), exported, "export");
    }
}
