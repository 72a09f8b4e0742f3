// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Slots} from "../../../contracts/libraries/Slots.sol";

/// @notice For every input, not for some: slots and tariff levels against what they mean. halmos runs these.
contract SlotsSymbolic {
    // given, since solvers divide slowly; Power.t.sol draws them. The one is the largest there is.
    uint256 private constant MAX_POWER = type(uint24).max;
    uint256 private constant MAX_FEED_IN = 11_000;

    /// @dev A level is looked up in the map as rotated exactly where it stands in the day.
    function check_rotate_isTheDayFromThatSlot(uint192 levels, uint8 slot, uint8 step)
        external
        pure
    {
        if (slot >= 96 || step >= 96) return;
        uint256 seen = Slots.rotate(levels, slot) >> 2 * uint256(step) & 3;
        uint256 stands = levels >> 2 * ((uint256(slot) + step) % 96) & 3;
        assert(seen == stands);
    }

    /// @dev No price is missing: a map passes exactly if no slot of the day has the level 3.
    function check_areLevels_noSlotWithoutPrice(uint192 levels, uint8 slot) external pure {
        if (slot >= 96) return;
        if (Slots.areLevels(levels)) assert(levels >> 2 * uint256(slot) & 3 != 3);
    }

    function check_areLevels_refusesOnlyLevel3(uint192 levels) external pure {
        if (Slots.areLevels(levels)) return;
        bool found;
        for (uint256 slot = 0; slot < 96; ++slot) {
            found = found || levels >> 2 * slot & 3 == 3;
        }
        assert(found);
    }

    /// @dev Two slots, any registers: what settles runs forwards in both directions and in every slot, and no
    /// slot exceeds the power, whatever wraps in the packed words.
    function check_split_settlesOnlyWhatIsPossible(
        uint48[3] calldata imports,
        uint48[3] calldata exports
    ) external pure {
        Slots.Frame memory frame = Slots.Frame(0, 0, MAX_POWER, MAX_FEED_IN);
        (bool possible,,) =
            Slots.split(_first(imports, exports), _rest(imports, exports), 900, 2700, frame);
        if (!possible) return;
        for (uint256 i = 0; i < 2; ++i) {
            assert(imports[i + 1] >= imports[i] && exports[i + 1] >= exports[i]);
            assert(imports[i + 1] - imports[i] <= uint256(MAX_POWER) / 4 + 1);
            assert(exports[i + 1] - exports[i] <= uint256(MAX_FEED_IN) / 4 + 1);
        }
    }

    /// @dev Two slots, any registers and levels: each slot's energy, both directions apart, is counted once, at its level.
    function check_split_countsEachSlotAtItsLevel(
        uint48[3] calldata imports,
        uint48[3] calldata exports,
        uint192 levels
    ) external pure {
        if (!Slots.areLevels(levels)) return;
        Slots.Frame memory frame = Slots.Frame(levels, levels, type(uint24).max, type(uint24).max);
        (bool possible, uint256 sum, uint256 same) =
            Slots.split(_first(imports, exports), _rest(imports, exports), 900, 2700, frame);
        if (!possible) return;
        assert(sum == same);
        for (uint256 level = 0; level < 3; ++level) {
            uint256 taken;
            uint256 fed;
            for (uint256 i = 0; i < 2; ++i) {
                bool counts = levels >> 2 * (i + 1) & 3 == level;
                taken += counts ? imports[i + 1] - imports[i] : 0;
                fed += counts ? exports[i + 1] - exports[i] : 0;
            }
            assert(uint48(sum >> 80 * level) == fed);
            assert(uint256(sum >> 80 * level + 48) & 0xffffffff == taken);
        }
    }

    /// @dev Nothing possible is refused: registers that run forwards within the power of a full slot settle.
    function check_split_refusesNothingPossible(
        uint48[3] calldata imports,
        uint48[3] calldata exports
    ) external pure {
        for (uint256 i = 0; i < 2; ++i) {
            if (imports[i + 1] < imports[i] || exports[i + 1] < exports[i]) return;
            if (imports[i + 1] - imports[i] > uint256(MAX_POWER) / 4) return;
            if (exports[i + 1] - exports[i] > uint256(MAX_FEED_IN) / 4) return;
        }
        Slots.Frame memory frame = Slots.Frame(0, 0, MAX_POWER, MAX_FEED_IN);
        (bool possible,,) =
            Slots.split(_first(imports, exports), _rest(imports, exports), 900, 2700, frame);
        assert(possible);
    }

    function _first(uint48[3] calldata imports, uint48[3] calldata exports)
        private
        pure
        returns (uint256)
    {
        return uint256(imports[0]) << 48 | exports[0];
    }

    function _rest(uint48[3] calldata imports, uint48[3] calldata exports)
        private
        pure
        returns (bytes memory)
    {
        return abi.encodePacked(imports[1], exports[1], imports[2], exports[2]);
    }
}
