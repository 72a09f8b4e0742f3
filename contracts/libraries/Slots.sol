// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {Reason} from "../interfaces/Reason.sol";

/// @notice Splits the energy between two readings by quarter hour and adds it up by price level. A *reading* is a pair
/// of registers as it stands on the wire: import from bit 48, export below.
library Slots {
    uint256 internal constant SECONDS = 900;
    uint256 internal constant PER_DAY = 96;
    uint256 internal constant BOUNDARY = 12; // bytes of a reading
    uint256 internal constant MAX_BOUNDARIES = 192; // two days

    /// @dev The highest bit of a word, and of the export register below an import register: no slot's energy reaches
    /// either, and what is less than nothing in one of the two sets it.
    uint256 private constant GUARDS = 1 << 255 | 1 << 47;

    /// @notice What a station and its tariffs ask of a split.
    struct Frame {
        uint256 gridLevels; // 2 bits for each slot of a day, the first slot lowest
        uint256 operatorLevels;
        uint256 maxPower; // W, from the grid
        uint256 maxFeedIn; // W, into the grid
    }

    /// @return how many slot boundaries lie strictly between two times
    function boundariesBetween(uint256 start, uint256 end) internal pure returns (uint256) {
        // end - 1 is not less than start, and what rounds down keeps its order
        unchecked {
            return end <= start ? 0 : (end - 1) / SECONDS - start / SECONDS;
        }
    }

    /// @notice Adds the energy between readings up by price level.
    /// @param first reading at the start
    /// @param registers readings at every boundary after it and at the end, 12 bytes each
    /// @param startTime UTC seconds of the first reading
    /// @param endTime UTC seconds of the last
    /// @return possible whether no register runs backwards, and no slot has more energy than the power gives
    /// @return gridSum both directions by the grid operator's levels: of level n, Wh exported in the 48 bits from
    /// 80n, Wh imported in the 32 above (193 slots at 2^24 W are less than 2^30 Wh)
    /// @return operatorSum the same by the station operator's levels
    function split(
        uint256 first,
        bytes memory registers,
        uint256 startTime,
        uint256 endTime,
        Frame memory frame
    ) internal pure returns (bool possible, uint256 gridSum, uint256 operatorSum) {
        if (!_endsArePossible(first, registers, startTime, endTime, frame)) return (false, 0, 0);
        uint256 limit = _most(frame, SECONDS);
        uint256 slot = startTime / SECONDS % PER_DAY;
        uint256 grid = rotate(frame.gridLevels, slot);
        uint256 operator = rotate(frame.operatorLevels, slot);
        uint256 bad;
        (bad, gridSum, operatorSum) = _sumDays(first, registers, grid, operator, limit);
        possible = bad & GUARDS == 0;
    }

    /// @return `RegisterBackwards`, if that is so anywhere, else `PowerExceeded`
    function explain(uint256 first, bytes memory registers) internal pure returns (Reason) {
        for (uint256 offset = 0; offset != registers.length; offset += BOUNDARY) {
            uint256 next = readingAt(registers, offset);
            if (next >> 48 < first >> 48 || uint48(next) < uint48(first)) {
                return Reason.RegisterBackwards;
            }
            first = next;
        }
        return Reason.PowerExceeded;
    }

    /// @return reading at this offset
    function readingAt(bytes memory registers, uint256 offset) internal pure returns (uint256) {
        return _read(_pointer(registers, offset));
    }

    /// @notice Puts a reading at this offset, in place of the one that is there.
    function put(bytes memory registers, uint256 offset, uint256 reading) internal pure {
        uint256 place = _pointer(registers, offset);
        assembly ("memory-safe") {
            mstore(place, or(shl(160, reading), shr(96, shl(96, mload(place)))))
        }
    }

    /// @return the map of a day as seen from one of its slots
    function rotate(uint256 levels, uint256 slot) internal pure returns (uint256) {
        // 192 bits at most either way; a day needs no more than the lowest 192
        unchecked {
            return levels >> 2 * slot | levels << 2 * (PER_DAY - slot);
        }
    }

    /// @return whether no slot has the level 3, which has no price
    function areLevels(uint192 levels) internal pure returns (bool) {
        return levels & (levels >> 1) & 0x555555555555555555555555555555555555555555555555 == 0;
    }

    /// @dev A map of the day serves one day after the other.
    function _sumDays(
        uint256 first,
        bytes memory registers,
        uint256 gridLevels,
        uint256 operatorLevels,
        uint256 limit
    ) private pure returns (uint256 bad, uint256 gridSum, uint256 operatorSum) {
        uint256 place = _pointer(registers, 0);
        uint256 end = _pointer(registers, registers.length);
        // places in memory; a wrong day may overflow what nobody will look at
        unchecked {
            while (place != end) {
                uint256 stop = end - place > PER_DAY * BOUNDARY ? place + PER_DAY * BOUNDARY : end;
                (uint256 badDay, uint256 gridDay, uint256 operatorDay) =
                    _sum(first, place, stop, gridLevels, operatorLevels, limit);
                bad |= badDay;
                (gridSum, operatorSum) = (gridSum + gridDay, operatorSum + operatorDay);
                (place, first) = (stop, _read(stop - BOUNDARY));
            }
        }
    }

    /// @dev The loop of a settlement, as tight as it reads: every slot of a day, or of what is left, against the energy
    /// of a full one. The guards catch what is borrowed when a register runs backwards, or when the limit is less than
    /// the change. An export register that runs over its 48 bits is not seen here, see `_endsArePossible`.
    /// @param previous reading before these
    /// @param place where the readings begin in memory
    /// @param end where they end
    /// @param limit the most energy of a slot, like a reading
    function _sum(
        uint256 previous,
        uint256 place,
        uint256 end,
        uint256 gridLevels,
        uint256 operatorLevels,
        uint256 limit
    ) private pure returns (uint256 bad, uint256 gridSum, uint256 operatorSum) {
        unchecked {
            for (; place != end; place += BOUNDARY) {
                uint256 next = _read(place);
                uint256 change = next - previous;
                previous = next;
                bad |= change | (limit - change);
                gridSum += change << (gridLevels & 3) * 80;
                operatorSum += change << (operatorLevels & 3) * 80;
                gridLevels >>= 2;
                operatorLevels >>= 2;
            }
        }
    }

    function _pointer(bytes memory registers, uint256 offset) private pure returns (uint256 place) {
        assembly ("memory-safe") {
            place := add(add(registers, 32), offset)
        }
    }

    function _read(uint256 place) private pure returns (uint256 reading) {
        assembly ("memory-safe") {
            reading := shr(160, mload(place))
        }
    }

    /// @dev The first slot and the last may be shorter. An export register that runs over its 48 bits, which takes less than
    /// all the energy that they hold, ends below its beginning.
    function _endsArePossible(
        uint256 first,
        bytes memory registers,
        uint256 startTime,
        uint256 endTime,
        Frame memory frame
    ) private pure returns (bool) {
        unchecked {
            uint256 last = registers.length - BOUNDARY;
            if (uint48(readingAt(registers, last)) < uint48(first)) return false;
            uint256 partly = last == 0 ? endTime - startTime : SECONDS - startTime % SECONDS;
            if (!_isPossible(readingAt(registers, 0) - first, frame, partly)) return false;
            if (last == 0) return true;
            uint256 change = readingAt(registers, last) - readingAt(registers, last - BOUNDARY);
            return _isPossible(change, frame, (endTime - 1) % SECONDS + 1);
        }
    }

    /// @param change of a reading; what runs backwards has wrapped around in it, to more than any limit
    function _isPossible(uint256 change, Frame memory frame, uint256 duration)
        private
        pure
        returns (bool)
    {
        uint256 limit = _most(frame, duration);
        return change >> 48 <= limit >> 48 && uint48(change) <= uint48(limit);
    }

    /// @return like a reading, the most Wh of a time in s; one more for registers that show whole ones
    function _most(Frame memory frame, uint256 duration) private pure returns (uint256) {
        (uint256 power, uint256 feedIn) = (frame.maxPower, frame.maxFeedIn);
        // 24 bits x 900
        unchecked {
            uint256 limit = power == 0 ? 0 : power * duration / 3600 + 1;
            return limit << 48 | (feedIn == 0 ? 0 : feedIn * duration / 3600 + 1);
        }
    }
}
