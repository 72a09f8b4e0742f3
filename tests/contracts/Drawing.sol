// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IRegistry} from "../../contracts/interfaces/IRegistry.sol";
import {Fixture} from "./Fixture.sol";

/// @notice Makes what a fuzzer draws into what a market could have.
abstract contract Drawing is Fixture {
    /// @param exports whether it is a grid operator's
    function cleanTariff(IRegistry.Tariff memory t, bool exports)
        internal
        pure
        returns (IRegistry.Tariff memory)
    {
        (t.importStandard, t.importHigh, t.importLow) =
        (cleanPrice(t.importStandard), cleanPrice(t.importHigh), cleanPrice(t.importLow));
        t.exportStandard = exports ? cleanSigned(t.exportStandard) : int32(0);
        t.exportHigh = exports ? cleanSigned(t.exportHigh) : int32(0);
        t.exportLow = exports ? cleanSigned(t.exportLow) : int32(0);
        t.sessionFee = uint32(bound(t.sessionFee, 0, 5_000_000));
        t.validFrom = uint32(START);
        t.levels = cleanLevels(t.levels);
        return t;
    }

    /// @dev There is no level 3: it becomes 2.
    function cleanLevels(uint192 levels) internal pure returns (uint192) {
        return
            levels ^ (levels & (levels >> 1) & 0x555555555555555555555555555555555555555555555555);
    }

    function cleanPrice(uint32 seed) internal pure returns (uint32) {
        return uint32(bound(seed, 0, 2_000_000));
    }

    function cleanSigned(int32 seed) internal pure returns (int32) {
        return int32(int256(bound(uint32(seed), 0, 4_000_000)) - 2_000_000);
    }

    function draw(uint256 seed, uint256 index, uint256 low, uint256 high)
        internal
        pure
        returns (uint256)
    {
        return bound(uint256(keccak256(abi.encode(seed, index))), low, high);
    }
}
