// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IRegistry} from "../interfaces/IRegistry.sol";
import {Reason} from "../interfaces/Reason.sol";

/// @notice Splits the energy between two readings by quarter hour and adds it up by price level.
library Slots {
    uint256 internal constant SECONDS = 900;
    uint256 internal constant PER_DAY = 96;
    uint256 internal constant MAX_BOUNDARIES = 192; // two days

    /// @notice Cumulative registers in Wh at a time.
    struct Reading {
        uint256 time;
        uint256 imported;
        uint256 exported;
    }

    /// @notice Wh by price level: level n stands in bits 64n to 64n + 63.
    struct Levels {
        uint256 gridImport;
        uint256 gridExport;
        uint256 operatorImport;
    }

    /// @return how many slot boundaries lie strictly between two times
    function boundariesBetween(uint256 start, uint256 end) internal pure returns (uint256) {
        if (end <= start) return 0;
        return (end - 1) / SECONDS - start / SECONDS;
    }

    /// @notice Walks the slots from one reading to the next.
    /// @return reason `RegisterBackwards` or `PowerExceeded` if a slot's energy cannot be, else `None`
    function split(
        Reading memory start,
        Reading memory end,
        bytes calldata boundaries,
        IRegistry.Station memory station,
        uint192 gridLevels,
        uint192 operatorLevels
    ) internal pure returns (Reason reason, Levels memory sum) {
        // Nothing below overflows: registers have 48 bits, times 40, powers 24, a slot of the day 7.
        unchecked {
            uint256 count = boundaries.length / 12;
            uint256 slot = (start.time / SECONDS) % PER_DAY;
            uint256 duration = SECONDS - start.time % SECONDS;
            for (uint256 i = 0; i <= count; ++i) {
                uint256 imported = end.imported;
                uint256 exported = end.exported;
                if (i < count) (imported, exported) = _boundary(boundaries, i);
                else duration = end.time - start.time;
                if (imported < start.imported || exported < start.exported) {
                    return (Reason.RegisterBackwards, sum);
                }
                uint256 taken = imported - start.imported;
                uint256 fed = exported - start.exported;
                if (
                    _exceeds(taken, station.maxPower, duration)
                        || _exceeds(fed, station.maxFeedIn, duration)
                ) {
                    return (Reason.PowerExceeded, sum);
                }
                uint256 gridShift = _level(gridLevels, slot) * 64;
                sum.gridImport += taken << gridShift;
                sum.gridExport += fed << gridShift;
                sum.operatorImport += taken << (_level(operatorLevels, slot) * 64);

                (start.imported, start.exported) = (imported, exported);
                start.time += duration;
                duration = SECONDS;
                slot = slot == PER_DAY - 1 ? 0 : slot + 1;
            }
        }
    }

    /// @return whether no slot has the level 3, which has no price
    function areLevels(uint192 levels) internal pure returns (bool) {
        return levels & (levels >> 1) & 0x555555555555555555555555555555555555555555555555 == 0;
    }

    /// @dev The caller has checked the length.
    function _boundary(bytes calldata boundaries, uint256 i)
        private
        pure
        returns (uint256, uint256)
    {
        uint256 word;
        assembly ("memory-safe") {
            word := calldataload(add(boundaries.offset, mul(i, 12)))
        }
        return (word >> 208, uint48(word >> 160));
    }

    /// @dev Wh against W x s; one watt-hour is allowed for, since registers show whole ones.
    function _exceeds(uint256 energy, uint256 power, uint256 duration) private pure returns (bool) {
        unchecked {
            return energy * 3600 > power * duration + (power == 0 ? 0 : 3600);
        }
    }

    function _level(uint192 levels, uint256 slot) private pure returns (uint256) {
        return (levels >> (2 * slot)) & 3;
    }
}
