// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Slots} from "../../contracts/libraries/Slots.sol";
import {Assertions} from "./Assertions.sol";

/// @notice `Slots.boundariesBetween` for every second of a slot, against counting.
contract BoundariesTest is Assertions {
    /// @dev What matters of a time is where it stands in its slot; an end also at either side of a boundary.
    function test_boundariesBetween_fromEverySecondOfASlot() external pure {
        for (uint256 start = 1800; start < 2700; ++start) {
            for (uint256 boundary = 1800; boundary <= 3600; boundary += 900) {
                for (uint256 end = boundary - 1; end <= boundary + 1; ++end) {
                    assertEq(Slots.boundariesBetween(start, end), _count(start, end), "boundaries");
                }
            }
        }
    }

    function test_boundariesBetween_toEverySecondOfASlot() external pure {
        for (uint256 end = 2700; end < 3600; ++end) {
            assertEq(Slots.boundariesBetween(1799, end), _count(1799, end), "boundaries");
            assertEq(Slots.boundariesBetween(1800, end), _count(1800, end), "boundaries");
            assertEq(Slots.boundariesBetween(1801, end), _count(1801, end), "boundaries");
        }
    }

    function _count(uint256 start, uint256 end) private pure returns (uint256 count) {
        for (uint256 boundary = 0; boundary < end; boundary += 900) {
            if (boundary > start) ++count;
        }
    }
}
