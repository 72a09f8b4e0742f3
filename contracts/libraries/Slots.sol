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

    /// @return how many slot boundaries lie strictly between two times
    function boundariesBetween(uint256 start, uint256 end) internal pure returns (uint256) {
        if (end <= start) return 0;
        return (end - 1) / SECONDS - start / SECONDS;
    }

    /// @notice Adds the energy between readings up by price level.
    /// @param first imports and exports at the start, see `pair`
    /// @param registers of every boundary after it and of the end, 12 bytes each
    /// @param startTime UTC seconds of the first reading
    /// @param endTime UTC seconds of the last
    /// @return reason `RegisterBackwards`, else `PowerExceeded`, if that is so in any slot, else `None`
    /// @return gridSum both directions by the grid operator's levels: of level n, Wh exported in the 48 bits from
    /// 80n, Wh imported in the 32 above (193 slots at 2^24 W are less than 2^30 Wh)
    /// @return operatorSum the same by the station operator's levels
    function split(
        uint256 first,
        bytes memory registers,
        uint256 startTime,
        uint256 endTime,
        IRegistry.Terms memory terms
    ) internal pure returns (Reason reason, uint256 gridSum, uint256 operatorSum) {
        unchecked {
            uint256 partly =
                registers.length == BOUNDARY ? endTime - startTime : SECONDS - startTime % SECONDS;
            bool possible = _possible(pair(registers, 0) - first, terms.station, partly);
            if (registers.length != BOUNDARY) {
                uint256 last = registers.length - BOUNDARY;
                uint256 change = pair(registers, last) - pair(registers, last - BOUNDARY);
                possible = possible && _possible(change, terms.station, (endTime - 1) % SECONDS + 1);
            }
            if (possible) {
                (possible, gridSum, operatorSum) = _sum(
                    first,
                    registers,
                    startTime / SECONDS % PER_DAY * 2,
                    terms.gridLevels,
                    terms.operatorLevels,
                    _most(terms.station.maxPower, SECONDS),
                    _most(terms.station.maxFeedIn, SECONDS)
                );
            }
            if (!possible) reason = _explain(first, registers);
        }
    }

    /// @param registers pairs of registers, 12 bytes each
    /// @return import register in the upper 128 bits, export register in the lower
    function pair(bytes memory registers, uint256 offset) internal pure returns (uint256) {
        uint256 word;
        assembly ("memory-safe") {
            word := mload(add(add(registers, 32), offset))
        }
        return word >> 208 << 128 | uint48(word >> 160);
    }

    /// @return whether no slot has the level 3, which has no price
    function areLevels(uint192 levels) internal pure returns (bool) {
        return levels & (levels >> 1) & 0x555555555555555555555555555555555555555555555555 == 0;
    }

    /// @dev The loop of a settlement, as tight as it reads: every slot against the energy of a full one.
    function _sum(
        uint256 previous,
        bytes memory registers,
        uint256 twiceSlot,
        uint256 gridLevels,
        uint256 operatorLevels,
        uint256 most,
        uint256 mostBack
    ) private pure returns (bool possible, uint256 gridSum, uint256 operatorSum) {
        unchecked {
            for (uint256 offset = 0; offset != registers.length; offset += BOUNDARY) {
                uint256 next = pair(registers, offset);
                // a register that runs backwards wraps its half to more than any power allows
                uint256 change = next - previous;
                previous = next;
                if (change >> 128 > most || uint128(change) > mostBack) return (false, 0, 0);
                change = change >> 80 | uint48(change);
                gridSum += change << ((gridLevels >> twiceSlot) & 3) * 80;
                operatorSum += change << ((operatorLevels >> twiceSlot) & 3) * 80;
                twiceSlot += 2;
                if (twiceSlot == 2 * PER_DAY) twiceSlot = 0;
            }
        }
        return (true, gridSum, operatorSum);
    }

    /// @param change of both registers, wrapped if one ran backwards
    function _possible(uint256 change, IRegistry.Station memory station, uint256 duration)
        private
        pure
        returns (bool)
    {
        return change >> 128 <= _most(station.maxPower, duration)
            && uint128(change) <= _most(station.maxFeedIn, duration);
    }

    /// @return the most Wh that a power in W gives in a time in s; one more for registers that show whole ones
    function _most(uint256 power, uint256 duration) private pure returns (uint256) {
        unchecked {
            return power == 0 ? 0 : power * duration / 3600 + 1;
        }
    }

    function _explain(uint256 previous, bytes memory registers) private pure returns (Reason) {
        for (uint256 offset = 0; offset != registers.length; offset += BOUNDARY) {
            uint256 next = pair(registers, offset);
            if (next >> 128 < previous >> 128 || uint128(next) < uint128(previous)) {
                return Reason.RegisterBackwards;
            }
            previous = next;
        }
        return Reason.PowerExceeded;
    }
}
