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

    /// @dev A key of two letters, `"ab":` and `"ab" : `; the masks leave its letters out.
    uint256 private constant TIGHT = 0x220000223a << 216;
    uint256 private constant TIGHT_MASK = 0xff0000ffff << 216;
    uint256 private constant LOOSE = 0x22000022203a20 << 200;
    uint256 private constant LOOSE_MASK = 0xff0000ffffffff << 200;

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

    /// @return k a key of two letters as a number, 0 for any other
    /// @return value where its value begins
    /// @return end where its value ends if that is a string of up to 31 bytes, else 0
    function member(bytes memory text, uint256 pos)
        internal
        pure
        returns (uint256 k, uint256 value, uint256 end)
    {
        uint256 w = text.word(pos);
        unchecked {
            if (w & TIGHT_MASK == TIGHT) (k, value) = (uint16(w >> 232), pos + 5);
            else if (w & LOOSE_MASK == LOOSE) (k, value) = (uint16(w >> 232), pos + 7);
            else (k, value) = _anyKey(text, pos);
            w = text.word(value);
            if (w >> 248 == QUOTE) {
                uint256 n = (w << 8).indexOf(QUOTE);
                if (n != 32) end = value + n + 2;
            }
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
            while (c == 0x20 || c == 0x0a || c == 0x0d || c == 0x09) c = text.word(++pos) >> 248;
            return pos;
        }
    }

    function _anyKey(bytes memory text, uint256 pos) private pure returns (uint256 k, uint256) {
        unchecked {
            uint256 end = skipString(text, pos);
            if (end == pos + 4) k = uint16(text.word(pos) >> 232);
            return (k, open(text, skipSpace(text, end), COLON));
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
                (, pos) = _anyKey(text, pos);
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
