// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IOcmf} from "../interfaces/IOcmf.sol";
import {Json} from "./Json.sol";
import {Obis} from "./Obis.sol";
import {Text} from "./Text.sol";

/// @notice Reads a meter's record (OCMF 1.x) out of the very bytes that it signed. What is unusual is refused, not
/// interpreted. What it does not judge, and who does, stands in docs/evidence.md.
library Ocmf {
    using Json for bytes;
    using Json for uint256[16];
    using Text for bytes;
    using Text for uint256;

    /// @dev One direction's register at the beginning and the end of the transaction.
    struct Register {
        uint256 begin; // Wh
        uint256 end; // Wh
        uint256 rank; // which register it is, see Obis
        bool begun;
        bool ended;
    }

    /// @dev What was read so far.
    struct Readings {
        bytes32 serial; // keccak256 of the meter's serial number as printed
        uint256 page; // number of the last page
        uint256 pages; // how many were read
        Register imported;
        Register exported;
        uint256 beginTime; // UTC s, 0 unless by a synchronised clock
        uint256 endTime; // UTC s, 0 unless by a synchronised clock
    }

    /// @dev A reading's fields; what a reading leaves out stays as in the one before, but for its value.
    struct Reading {
        uint256 value; // as printed, without the point
        uint256 decimals; // digits after the point
        uint256 tm; // the text with both quotes
        uint256 tx; // letter
        uint256 status; // letter
        uint256 unit; // KWH, WH or another
        uint256 direction;
        uint256 rank;
        uint256 code; // the identification as printed
        bool faulty;
        bool valued; // has a value of its own
    }

    bytes5 internal constant HEAD = "OCMF|";

    uint256 private constant FV = 0x4656;
    uint256 private constant PG = 0x5047;
    uint256 private constant MS = 0x4d53;
    uint256 private constant GS = 0x4753;
    uint256 private constant RD = 0x5244;
    uint256 private constant TM = 0x544d;
    uint256 private constant TX = 0x5458;
    uint256 private constant RV = 0x5256;
    uint256 private constant RI = 0x5249;
    uint256 private constant RU = 0x5255;
    uint256 private constant ST = 0x5354;
    uint256 private constant EF = 0x4546;

    uint256 private constant NO_UNIT = 0;
    uint256 private constant KWH = 1;
    uint256 private constant WH = 2;

    uint256 private constant GOOD = 0x47; // G

    // ---------------------------------------------------------------------------------------------- Record

    /// @notice Reads one record's payload and adds what it says to `r`.
    /// @param text without a backslash, see `Json.requirePlain`
    /// @param start position of the record in the text
    /// @return from position of the payload's first byte
    /// @return to position after its last: what stands between was signed
    function read(bytes memory text, uint256 start, Readings memory r)
        internal
        pure
        returns (uint256 from, uint256 to)
    {
        require(text.word(start) >> 216 == uint40(HEAD), IOcmf.NotOcmf(start));
        // slither-disable-next-line uninitialized-local it begins empty
        uint256[16] memory fields;
        unchecked {
            from = start + 5;
        }
        to = text.open(from, Json.OBJECT);
        bool more = true;
        while (more) {
            bool member;
            (to, member) = text.walk(to, fields);
            if (member) {
                (uint256 k, uint256 value) = text.key(to);
                to = k == RD && fields[Json.slotOf(RD)] == 0
                    ? _readings(text, value, r)
                    : text.skip(value);
                fields.note(k, value, to);
            }
            (more, to) = text.next(to, Json.OBJECT_END);
        }
        require(to < text.length && text.word(to) >> 248 == 0x7c, IOcmf.NotOcmf(to));
        _identify(text, fields, r);
    }

    /// @dev Which meter's record, and which of its pages.
    function _identify(bytes memory text, uint256[16] memory fields, Readings memory r)
        private
        pure
    {
        (uint256 pos, uint256 end) = fields.field(FV);
        require(end == 0 || text.word(pos) >> 232 == 0x22312e, IOcmf.UnknownVersion());
        // slither-disable-next-line write-after-write it is where the page is read
        (pos, end) = fields.field(PG);
        require(end != 0, IOcmf.NoTransaction());
        uint256 page = _page(text, pos, end);
        (pos, end) = fields.field(MS);
        bytes32 serial = _hash(text, pos, end);
        if (serial == 0) {
            (pos, end) = fields.field(GS);
            serial = _hash(text, pos, end);
        }
        require(serial != 0, IOcmf.NoSerial());
        bool follows = r.pages == 0 || r.pages == 1 && page == r.page + 1 && serial == r.serial;
        require(follows, IOcmf.NotConsecutive());
        (r.serial, r.page) = (serial, page);
        ++r.pages;
    }

    /// @notice After the last record: every register has both ends, and none ran backwards.
    function complete(Readings memory r) internal pure returns (IOcmf.Record memory record) {
        (bool imports, bool exports) = (_complete(r.imported), _complete(r.exported));
        require(imports || exports, IOcmf.Incomplete());
        require(r.endTime == 0 || r.beginTime <= r.endTime, IOcmf.Backwards());
        record.page = r.page;
        record.first = r.imported.begin << 48 | r.exported.begin;
        record.last = r.imported.end << 48 | r.exported.end;
        record.directions = (imports ? 1 : 0) | (exports ? 2 : 0);
        record.relative = (r.imported.rank & 1) | (r.exported.rank & 1) << 1;
        (record.beginTime, record.endTime) = (r.beginTime, r.endTime);
    }

    function _complete(Register memory register) private pure returns (bool) {
        require(register.begun == register.ended, IOcmf.Incomplete());
        if (!register.begun) return false;
        require(register.begin <= register.end && register.end >> 48 == 0, IOcmf.Backwards());
        return true;
    }

    function _hash(bytes memory text, uint256 pos, uint256 end)
        private
        pure
        returns (bytes32 hash)
    {
        // both quotes left out; a missing or empty one says nothing
        if (end == 0 || end - pos == 2) return 0;
        require(text.word(pos) >> 248 == Json.QUOTE, IOcmf.NoSerial());
        assembly ("memory-safe") {
            hash := keccak256(add(add(text, 33), pos), sub(sub(end, pos), 2))
        }
    }

    function _page(bytes memory text, uint256 pos, uint256 end)
        private
        pure
        returns (uint256 page)
    {
        uint256 w = text.word(pos);
        require(w >> 240 == 0x2254 && end - pos > 3 && end - pos < 24, IOcmf.NoTransaction());
        unchecked {
            for (uint256 i = 2; i < end - pos - 1; ++i) {
                uint256 digit = w.letter(i) - 0x30;
                require(digit < 10, IOcmf.NoTransaction());
                page = page * 10 + digit;
            }
        }
    }

    // -------------------------------------------------------------------------------------------- Readings

    function _readings(bytes memory text, uint256 pos, Readings memory r)
        private
        pure
        returns (uint256)
    {
        // slither-disable-start uninitialized-local both begin empty
        Reading memory reading;
        uint256[16] memory fields;
        // slither-disable-end uninitialized-local
        bool more = true;
        pos = text.open(pos, Json.LIST);
        while (more) {
            uint256 start = pos;
            pos = _walkReading(text, pos, reading, fields);
            _carry(text, reading, fields);
            if (reading.direction != 0) {
                bool imports = reading.direction == Obis.IMPORT;
                _take(reading, imports ? r.imported : r.exported, r, start);
            }
            (more, pos) = text.next(pos, Json.LIST_END);
        }
        return pos;
    }

    function _walkReading(
        bytes memory text,
        uint256 pos,
        Reading memory reading,
        uint256[16] memory fields
    ) private pure returns (uint256) {
        reading.valued = false;
        pos = text.open(pos, Json.OBJECT);
        bool more = true;
        while (more) {
            bool member;
            (pos, member) = text.walk(pos, fields);
            if (member) {
                (uint256 k, uint256 value) = text.key(pos);
                pos = k == RV ? _number(text, value, reading) : text.skip(value);
                fields.note(k, value, pos);
            }
            (more, pos) = text.next(pos, Json.OBJECT_END);
        }
        return pos;
    }

    /// @dev What the reading has of its own replaces what it had of the one before.
    function _carry(bytes memory text, Reading memory reading, uint256[16] memory fields)
        private
        pure
    {
        (uint256 pos, uint256 end) = fields.take(RV);
        if (end != 0 && !reading.valued) _number(text, pos, reading);
        (pos, end) = fields.take(TM);
        if (end != 0) {
            reading.tm = text.word(pos);
            require(end - pos == 32 && reading.tm >> 248 == Json.QUOTE, IOcmf.BadValue(TM, pos));
        }
        (pos, end) = fields.take(TX);
        if (end != 0) reading.tx = _letter(text, TX, pos, end);
        (pos, end) = fields.take(ST);
        if (end != 0) reading.status = _letter(text, ST, pos, end);
        (pos, end) = fields.take(RI);
        if (end != 0) _setRegister(text, pos, end, reading);
        (pos, end) = fields.take(RU);
        if (end != 0) {
            uint256 w = text.word(pos);
            reading.unit = w >> 216 == 0x226b576822 ? KWH : w >> 224 == 0x22576822 ? WH : NO_UNIT;
        }
        (pos, end) = fields.take(EF);
        if (end != 0) {
            // "" or "t": a fault of the clock says nothing about the register
            uint256 w = text.word(pos);
            reading.faulty = w >> 240 != 0x2222 && w >> 232 != 0x227422;
        }
    }

    /// @dev A register's reading, first or last. What stands in between is not needed.
    function _take(Reading memory reading, Register memory register, Readings memory r, uint256 pos)
        private
        pure
    {
        bool good = reading.status == GOOD && !reading.faulty && reading.tx != 0x58;
        require(good, IOcmf.StatusNotGood(pos));
        if (reading.rank != register.rank && (register.begun || register.ended)) {
            // of several registers in one direction the lowest rank counts
            if (reading.rank > register.rank) return;
            (register.begun, register.ended) = (false, false);
        }
        register.rank = reading.rank;
        if (reading.tx == 0x42) {
            require(!register.begun && !register.ended, IOcmf.ReadingOutOfOrder(pos));
            register.begun = true;
            register.begin = _wattHours(reading, pos);
            r.beginTime = _synchronised(reading.tm);
        } else if (_isEnd(reading.tx)) {
            require(register.begun && !register.ended, IOcmf.ReadingOutOfOrder(pos));
            register.ended = true;
            register.end = _wattHours(reading, pos);
            r.endTime = _synchronised(reading.tm);
        }
    }

    /// @dev E, local, remote, aborted, power failure.
    function _isEnd(uint256 tx_) private pure returns (bool) {
        return tx_ == 0x45 || tx_ == 0x4c || tx_ == 0x52 || tx_ == 0x41 || tx_ == 0x50;
    }

    /// @dev Cut off, not rounded: a register that shows whole watt-hours shows the last one that is full.
    function _wattHours(Reading memory reading, uint256 pos) private pure returns (uint256) {
        require(reading.valued, IOcmf.BadValue(RV, pos));
        require(reading.unit != NO_UNIT, IOcmf.UnknownUnit(pos));
        uint256 digits = reading.unit == KWH ? 3 : 0;
        // at most 31 digits
        unchecked {
            return reading.decimals > digits
                ? reading.value / 10 ** (reading.decimals - digits)
                : reading.value * 10 ** (digits - reading.decimals);
        }
    }

    // ---------------------------------------------------------------------------------------------- Values

    function _letter(bytes memory text, uint256 k, uint256 pos, uint256 end)
        private
        pure
        returns (uint256)
    {
        uint256 w = text.word(pos);
        require(end - pos == 3 && w >> 248 == Json.QUOTE, IOcmf.BadValue(k, pos));
        return w.letter(1);
    }

    /// @dev Which register it is; two readings of one register in a row are parsed once.
    function _setRegister(bytes memory text, uint256 pos, uint256 end, Reading memory reading)
        private
        pure
    {
        uint256 length = end - pos;
        require(length > 2 && length < 33, IOcmf.BadValue(RI, pos));
        uint256 code = text.word(pos) >> (256 - 8 * length);
        if (code == reading.code) return;
        reading.code = code;
        (reading.direction, reading.rank) = Obis.register(text.word(pos + 1), length - 2);
    }

    /// @dev Digits with a point among them at most, bare or in quotes and then with spaces before; up to 31 bytes. No
    /// sign and no exponent: a register has neither.
    function _number(bytes memory text, uint256 pos, Reading memory reading)
        private
        pure
        returns (uint256)
    {
        uint256 w = text.word(pos);
        uint256 value = 0;
        uint256 i = 0;
        uint256 point = 0;
        uint256 first = 0;
        unchecked {
            if (w >> 248 == Json.QUOTE) while (w.letter(++i) == 0x20) {}
            for (first = i; i < 32; ++i) {
                uint256 digit = w.letter(i) - 0x30;
                if (digit < 10) {
                    value = value * 10 + digit;
                } else {
                    if (w.letter(i) != 0x2e || point != 0) break;
                    point = i;
                }
            }
            // a digit at either end, and something after it
            bool good =
                i < 32 && i != first && w.letter(first) != 0x2e && (point == 0 || point != i - 1);
            (reading.value, reading.decimals) = (value, point == 0 ? 0 : i - 1 - point);
            reading.valued = true;
            if (first != 0) good = good && w.letter(i++) == Json.QUOTE;
            require(good, IOcmf.BadValue(RV, pos));
            return pos + i;
        }
    }

    /// @param tm `"2018-07-24T13:22:04,000+0200 S"`, both quotes included
    /// @return time UTC s if the clock was synchronised (S), else 0
    function _synchronised(uint256 tm) private pure returns (uint256 time) {
        if (tm.letter(30) != 0x53) return 0;
        unchecked {
            uint256 minutes_ = _two(tm, 25) * 60 + _two(tm, 27);
            time = _days(_two(tm, 1) * 100 + _two(tm, 3), _two(tm, 6), _two(tm, 9)) * 1 days
                + _two(tm, 12) * 1 hours + _two(tm, 15) * 1 minutes + _two(tm, 18);
            uint256 sign = tm.letter(24);
            require(sign == 0x2b || sign == 0x2d, IOcmf.BadValue(TM, 24));
            time = sign == 0x2b ? time - minutes_ * 60 : time + minutes_ * 60;
        }
    }

    function _two(uint256 w, uint256 pos) private pure returns (uint256) {
        unchecked {
            uint256 tens = w.letter(pos) - 0x30;
            uint256 ones = w.letter(pos + 1) - 0x30;
            require(tens < 10 && ones < 10, IOcmf.BadValue(TM, pos));
            return tens * 10 + ones;
        }
    }

    /// @return since 1970-01-01, of the Gregorian calendar from 1970 on; years begin in March, so that the leap day is the last
    function _days(uint256 year, uint256 month, uint256 day) private pure returns (uint256) {
        require(year >= 1970 && month >= 1 && month <= 12, IOcmf.BadValue(TM, 1));
        unchecked {
            if (month < 3) --year;
            uint256 shifted = (month + 9) % 12;
            return 365 * year + year / 4 - year / 100 + year / 400 + (153 * shifted + 2) / 5 + day
                - 1 - 719_468;
        }
    }
}
