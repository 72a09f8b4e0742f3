// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

/// @notice Looks through text 32 bytes at a time.
library Text {
    uint256 internal constant ONES =
        0x0101010101010101010101010101010101010101010101010101010101010101;
    uint256 internal constant LOW_BITS =
        0x7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f;

    /// @return w the 32 bytes from `pos` on; beyond the end of the text they are anything
    function word(bytes memory text, uint256 pos) internal pure returns (uint256 w) {
        assembly ("memory-safe") {
            w := mload(add(add(text, 32), pos))
        }
    }

    /// @return c the byte at a position from 0 to 31
    function letter(uint256 w, uint256 pos) internal pure returns (uint256 c) {
        assembly ("memory-safe") {
            c := byte(pos, w)
        }
    }

    /// @return n position of the first byte `c` in a word, 32 if there is none
    function indexOf(uint256 w, uint256 c) internal pure returns (uint256 n) {
        uint256 ones = ONES;
        uint256 low = LOW_BITS;
        // a byte's sum stays within it; the high bit is left in each byte that was `c`, and no other bit
        assembly ("memory-safe") {
            w := xor(w, mul(ones, c))
            n := shr(3, clz(not(or(or(add(and(w, low), low), w), low))))
        }
    }

    /// @return pos where the byte `c` stands first, the text's length if nowhere
    function find(bytes memory text, uint256 c) internal pure returns (uint256 pos) {
        uint256 ones = ONES;
        uint256 low = LOW_BITS;
        uint256 length = text.length;
        assembly ("memory-safe") {
            let wanted := mul(ones, c)
            let start := add(text, 32)
            for {} lt(pos, length) {} {
                let w := xor(mload(add(start, pos)), wanted)
                let n := shr(3, clz(not(or(or(add(and(w, low), low), w), low))))
                pos := add(pos, n)
                if lt(n, 32) { break }
            }
        }
        if (pos > length) pos = length;
    }
}
