// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IRegistry} from "../interfaces/IRegistry.sol";
import {Reason} from "../interfaces/Reason.sol";

/// @notice Splits the energy between two readings by quarter hour and adds it up by price level.
library Slots {
    uint256 internal constant SECONDS = 900;
    uint256 internal constant PER_DAY = 96;
    uint256 internal constant BOUNDARY = 12; // bytes of a pair of registers
    uint256 internal constant MAX_BOUNDARIES = 192; // two days

    /// @notice Cumulative registers in Wh at a time.
    struct Reading {
        uint256 time;
        uint256 imported;
        uint256 exported;
    }

    /// @return how many slot boundaries lie strictly between two times
    function boundariesBetween(uint256 start, uint256 end) internal pure returns (uint256) {
        if (end <= start) return 0;
        return (end - 1) / SECONDS - start / SECONDS;
    }

    /// @notice Walks the slots from one reading to the next and adds their energy up by price level.
    /// @return reason `RegisterBackwards` or `PowerExceeded` if a slot's energy cannot be, else `None`
    /// @return gridImport Wh by the grid operator's levels: level n in bits 64n to 64n + 63
    /// @return gridExport the same for what was fed in
    /// @return operatorImport Wh by the station operator's levels
    function split(
        Reading memory start,
        Reading memory end,
        bytes calldata boundaries,
        IRegistry.Terms memory terms
    )
        internal
        pure
        returns (Reason reason, uint256 gridImport, uint256 gridExport, uint256 operatorImport)
    {
        // In the loop everything is a local: reading a struct costs a call, twelve times a session.
        (uint256 time, uint256 imported, uint256 exported) =
            (start.time, start.imported, start.exported);
        (uint256 gridLevels, uint256 operatorLevels) = (terms.gridLevels, terms.operatorLevels);
        (uint256 maxPower, uint256 maxFeedIn) = (terms.station.maxPower, terms.station.maxFeedIn);
        uint256 left = boundaries.length / BOUNDARY;
        uint256 offset = 0;
        // Nothing overflows: registers have 48 bits, times 40, powers 24, a slot of the day 7.
        unchecked {
            uint256 twiceSlot = (time / SECONDS) % PER_DAY * 2;
            uint256 duration = SECONDS - time % SECONDS;
            while (true) {
                (uint256 nextImported, uint256 nextExported) =
                    left == 0 ? (end.imported, end.exported) : _boundary(boundaries, offset);
                if (left == 0) duration = end.time - time;
                if (nextImported < imported || nextExported < exported) {
                    return (Reason.RegisterBackwards, 0, 0, 0);
                }
                imported = nextImported - imported;
                exported = nextExported - exported;
                // Wh against W x s; one watt-hour is allowed for, since registers show whole ones
                if (
                    imported * 3600 > maxPower * duration + 3600
                        || (exported != 0
                            && (maxFeedIn == 0 || exported * 3600 > maxFeedIn * duration + 3600))
                ) return (Reason.PowerExceeded, 0, 0, 0);

                uint256 shift = ((gridLevels >> twiceSlot) & 3) * 64;
                gridImport += imported << shift;
                gridExport += exported << shift;
                operatorImport += imported << (((operatorLevels >> twiceSlot) & 3) * 64);
                if (left == 0) break;

                (imported, exported) = (nextImported, nextExported);
                (time, duration) = (time + duration, SECONDS);
                twiceSlot = twiceSlot == 2 * PER_DAY - 2 ? 0 : twiceSlot + 2;
                (left, offset) = (left - 1, offset + BOUNDARY);
            }
        }
    }

    /// @return whether no slot has the level 3, which has no price
    function areLevels(uint192 levels) internal pure returns (bool) {
        return levels & (levels >> 1) & 0x555555555555555555555555555555555555555555555555 == 0;
    }

    /// @dev The caller has checked the length.
    function _boundary(bytes calldata boundaries, uint256 offset)
        private
        pure
        returns (uint256, uint256)
    {
        uint256 word;
        assembly ("memory-safe") {
            word := calldataload(add(boundaries.offset, offset))
        }
        return (word >> 208, uint48(word >> 160));
    }
}
