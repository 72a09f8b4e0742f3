// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IOcmf} from "../interfaces/IOcmf.sol";
import {Text} from "./Text.sol";

/// @notice Walks over JSON without escapes. Between the quotes of a text without backslashes nothing can be
/// mistaken for structure, so one pass tells keys from values for certain. What is written as meters write it, without
/// spaces or with one on either side of a colon, takes the short way; the rest of JSON the long one.
/// Every position that is returned lies after the one that was given, and may lie beyond the end: whoever calls last
/// checks where the walk has ended.
library Json {
    using Text for bytes;
    using Text for uint256;

    uint256 internal constant QUOTE = 0x22;
    uint256 internal constant COMMA = 0x2c;
    uint256 internal constant LIST = 0x5b;
    uint256 internal constant LIST_END = 0x5d;
    uint256 internal constant OBJECT = 0x7b;
    uint256 internal constant OBJECT_END = 0x7d;
    uint256 private constant BACKSLASH = 0x5c;
    uint256 private constant COLON = 0x3a;
    uint256 private constant TRUE = 0x74727565;
    uint256 private constant FALSE = 0x66616c7365;

    /// @dev The keys that are read, each at its slot of 16 bits: RV MS EF TX FV PG RD ST - RI - GS - TM - RU.
    uint256 private constant WANTED =
        0x52550000544d000047530000524900005354524450474656545845464d535256;

    /// @dev Escapes would let a quote stand within a string.
    function requirePlain(bytes memory text) internal pure {
        uint256 pos = text.find(BACKSLASH);
        require(pos == text.length, IOcmf.NotOcmf(pos));
    }

    /// @return the position of the first element
    function open(bytes memory text, uint256 pos, uint256 bracket) internal pure returns (uint256) {
        require(text.word(pos) >> 248 == bracket, IOcmf.NotOcmf(pos));
        unchecked {
            return skipSpace(text, pos + 1);
        }
    }

    /// @notice Walks over the members of an object whose keys have two letters and whose values are strings of up to 31
    /// bytes, which is most of what meters print, and notes those that are wanted.
    /// @dev The one place with assembly for speed: it takes a quarter of what the compiler makes of the same.
    /// @param pos of the first member
    /// @param fields gets, at the key's slot, where the value begins, and from bit 32 where it ends
    /// @return rest where it stopped
    /// @return member whether at a member that is none of these, or twice; else after a value, where no further member follows at once
    function walk(bytes memory text, uint256 pos, uint256[16] memory fields)
        internal
        pure
        returns (uint256 rest, bool member)
    {
        uint256 quotes = Text.ONES * QUOTE;
        uint256 low = Text.LOW_BITS;
        uint256 wanted = WANTED;
        assembly ("memory-safe") {
            let start := add(text, 32)
            for {} 1 {} {
                let w := mload(add(start, pos))
                let value := add(pos, 5)
                // `"AB":`, or `"AB" : `; a quote for a letter has not the bit 40
                if xor(and(shr(216, w), 0xff4040ffff), 0x224040223a) {
                    if xor(and(shr(200, w), 0xff4040ffffffff), 0x22404022203a20) {
                        member := 1
                        break
                    }
                    value := add(pos, 7)
                }
                let v := mload(add(start, value))
                let x := xor(shl(8, v), quotes)
                x := not(or(or(add(and(x, low), low), x), low))
                // not a string, or a long one: the last byte is none of its
                if or(xor(shr(248, v), QUOTE), lt(x, 0x100)) {
                    member := 1
                    break
                }
                let end := add(add(value, 2), shr(3, clz(x)))
                let k := and(shr(232, w), 0xffff)
                let slot := and(shr(8, mul(k, 137)), 15)
                if eq(and(shr(shl(4, slot), wanted), 0xffff), k) {
                    let place := add(fields, shl(5, slot))
                    if mload(place) {
                        member := 1
                        break
                    }
                    mstore(place, or(value, shl(32, end)))
                }
                pos := end
                if iszero(eq(shr(240, mload(add(start, end))), 0x2c22)) { break }
                pos := add(end, 1)
            }
            rest := pos
        }
    }

    /// @notice Notes a value under its key, as `walk` does.
    function note(uint256[16] memory fields, uint256 k, uint256 value, uint256 end) internal pure {
        unchecked {
            uint256 slot = slotOf(k);
            if (WANTED >> (16 * slot) & 0xffff != k) return;
            require(fields[slot] == 0, IOcmf.KeyTwice(k));
            fields[slot] = value | end << 32;
        }
    }

    /// @return value where the value of a key begins
    /// @return end where it ends, 0 if it is not there
    function field(uint256[16] memory fields, uint256 k)
        internal
        pure
        returns (uint256 value, uint256 end)
    {
        uint256 noted = fields[slotOf(k)];
        return (uint32(noted), noted >> 32);
    }

    /// @notice The same, and clears it for the next object.
    function take(uint256[16] memory fields, uint256 k)
        internal
        pure
        returns (uint256 value, uint256 end)
    {
        (value, end) = field(fields, k);
        fields[slotOf(k)] = 0;
    }

    /// @return where among the fields a key stands
    function slotOf(uint256 k) internal pure returns (uint256) {
        unchecked {
            return (k * 137 >> 8) & 15;
        }
    }

    /// @return k a key of two letters as a number, 0 for any other
    /// @return the position of its value
    function key(bytes memory text, uint256 pos) internal pure returns (uint256 k, uint256) {
        unchecked {
            uint256 end = skipString(text, pos);
            if (end == pos + 4) k = uint16(text.word(pos) >> 232);
            return (k, open(text, skipSpace(text, end), COLON));
        }
    }

    /// @return the position after a value of any kind
    function skip(bytes memory text, uint256 pos) internal pure returns (uint256) {
        uint256 w = text.word(pos);
        unchecked {
            if (w >> 216 == FALSE) return pos + 5;
            if (w >> 224 == TRUE) return pos + 4;
        }
        w >>= 248;
        if (w == QUOTE) return skipString(text, pos);
        if (w == LIST) return _skipList(text, pos);
        if (w == OBJECT) return _skipObject(text, pos);
        return _skipScalar(text, pos);
    }

    /// @return the position after the closing quote
    function skipString(bytes memory text, uint256 pos) internal pure returns (uint256) {
        require(text.word(pos) >> 248 == QUOTE, IOcmf.NotOcmf(pos));
        unchecked {
            uint256 end = pos + 1;
            uint256 n = 32;
            while (n == 32) {
                require(end < text.length, IOcmf.NotOcmf(pos));
                n = text.word(end).indexOf(QUOTE);
                end += n;
            }
            return end + 1;
        }
    }

    /// @return more whether another element follows
    /// @return its position, or the one after the closing bracket
    function next(bytes memory text, uint256 pos, uint256 closing)
        internal
        pure
        returns (bool more, uint256)
    {
        unchecked {
            if (text.word(pos) >> 240 == 0x2c22) return (true, pos + 1);
            pos = skipSpace(text, pos);
            uint256 c = text.word(pos) >> 248;
            if (c == closing) return (false, pos + 1);
            return (true, open(text, pos, COMMA));
        }
    }

    function skipSpace(bytes memory text, uint256 pos) internal pure returns (uint256) {
        unchecked {
            uint256 c = text.word(pos) >> 248;
            if (c > 0x20) return pos;
            while (c == 0x20 || c == 0x0a || c == 0x0d || c == 0x09) c = text.word(++pos) >> 248;
            return pos;
        }
    }

    /// @dev A list of strings and scalars: OCMF has no other lists but that of the readings.
    function _skipList(bytes memory text, uint256 pos) private pure returns (uint256) {
        pos = open(text, pos, LIST);
        unchecked {
            if (text.word(pos) >> 248 == LIST_END) return pos + 1;
            bool more = true;
            while (more) {
                uint256 w = text.word(pos);
                uint256 n = w >> 248 == QUOTE ? (w << 8).indexOf(QUOTE) : 32;
                pos = n != 32 ? pos + n + 2 : _skipPlain(text, pos);
                (more, pos) = next(text, pos, LIST_END);
            }
        }
        return pos;
    }

    /// @dev An object of strings and scalars, as the loss compensation is.
    function _skipObject(bytes memory text, uint256 pos) private pure returns (uint256) {
        pos = open(text, pos, OBJECT);
        unchecked {
            if (text.word(pos) >> 248 == OBJECT_END) return pos + 1;
            bool more = true;
            while (more) {
                (, pos) = key(text, pos);
                pos = _skipPlain(text, pos);
                (more, pos) = next(text, pos, OBJECT_END);
            }
        }
        return pos;
    }

    function _skipPlain(bytes memory text, uint256 pos) private pure returns (uint256) {
        return text.word(pos) >> 248 == QUOTE ? skipString(text, pos) : _skipScalar(text, pos);
    }

    /// @dev A number, or true, false, null: at least one letter, digit, sign or point.
    function _skipScalar(bytes memory text, uint256 pos) private pure returns (uint256 end) {
        end = pos;
        unchecked {
            while (_isScalar(text.word(end) >> 248)) ++end;
        }
        require(end != pos, IOcmf.NotOcmf(pos));
    }

    function _isScalar(uint256 c) private pure returns (bool) {
        unchecked {
            return (c | 0x20) - 0x61 < 26 || c - 0x30 < 10 || c == 0x2e || c == 0x2d || c == 0x2b;
        }
    }
}
