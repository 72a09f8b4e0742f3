// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Agreements} from "./Agreements.sol";
import {MeterReader} from "./MeterReader.sol";
import {IMeterReader} from "./interfaces/IMeterReader.sol";
import {IRegistry} from "./interfaces/IRegistry.sol";
import {Differences} from "./libraries/Differences.sol";
import {Messages, Opening, Report} from "./libraries/Messages.sol";
import {Slots} from "./libraries/Slots.sol";
import {Stories} from "./libraries/Stories.sol";

/// @notice The meter's word: what a calibrated meter signed outranks what a station says.
abstract contract Evidence is Agreements {
    /// @dev s that a synchronised meter's clock and the station's may differ by.
    uint256 private constant MOST_APART = 1 hours;
    uint256 private constant PAGES_PER_WORD = 256;

    IMeterReader private immutable READER = new MeterReader();

    mapping(bytes32 meter => mapping(uint256 word => uint256 pages)) private _pages;

    /// @dev What a record is laid beside.
    struct Claim {
        uint32 station;
        uint32 session;
        uint40 start;
        uint40 end;
        bool closed;
        uint40 settledAt;
        uint256 first; // reading
        uint256 last; // reading
        bytes32 evidence;
    }

    function prove(Proof calldata proof) external {
        Claim memory c = _claim(proof.story);
        uint256 marks = _marksOf(c.station, c.session);
        require(marks & VERIFIED == 0, AlreadyVerified());
        _requireOpen(c.station, c.session, c.settledAt);
        // slither-disable-next-line uninitialized-local it begins empty
        Version memory present;
        if (marks & ON_FILE != 0) {
            present = _present(proof, c);
            (c.first, c.last) = _ends(present.readings);
        }
        Record memory record = _readSigned(proof, c);
        (uint256 first, uint256 last) = _registers(record, c);
        _mark(c.station, c.session, VERIFIED);
        if (first != c.first || last != c.last) {
            if (marks & ON_FILE == 0) {
                present = _read(proof.story);
                _fileFirst(present);
            }
            _correct(present, first, last);
        }
        emit SessionMeterVerified(c.station, c.session, c.evidence);
    }

    function proveAll(bytes[] calldata proofs) external {
        uint256 free;
        assembly ("memory-safe") {
            free := mload(0x40)
        }
        for (uint256 i = 0; i < proofs.length; ++i) {
            uint256 gas = gasleft();
            // slither-disable-next-line delegatecall-loop,low-level-calls to this very contract's `prove`, no value
            (bool done, bytes memory reason) =
                address(this).delegatecall(bytes.concat(this.prove.selector, proofs[i]));
            // who gives too little gas must not make a good proof look refused
            require(done || gasleft() > gas / 32, NotEnoughGas());
            if (!done) emit ProofRefused(i, reason);
            // the memory of one serves the next
            assembly ("memory-safe") {
                mstore(0x40, free)
            }
        }
    }

    function reader() external view returns (IMeterReader) {
        return READER;
    }

    function isPageUsed(bytes32 meter, uint256 page) external view returns (bool) {
        return _pages[meter][page / PAGES_PER_WORD] >> (page % PAGES_PER_WORD) & 1 != 0;
    }

    // ------------------------------------------------------------------------------------------- Session

    /// @dev Opening and last report are enough to know what the station said.
    function _claim(Story calldata story) private view returns (Claim memory c) {
        uint256 count = story.reports.length;
        require(count != 0, IncompleteStory(0));
        bytes32 separator = _ledgerSeparator();
        Opening o = _opening(story, separator);
        ReportEntry calldata entry = story.reports[count - 1];
        Report r = Stories.report(entry, separator, LEDGER.batchRoot(entry.place.batch));
        (c.station, c.session) = (o.station(), o.session());
        require(r.station() == c.station && r.session() == c.session, IncompleteStory(count - 1));
        (c.start, c.end, c.closed) = (o.time(), r.time(), r.last());
        c.settledAt = _ending(story, r, c.closed);
        (c.first, c.last) = (o.reading(), r.reading());
        c.evidence = Messages.evidenceOf(entry.message);
    }

    function _present(Proof calldata proof, Claim memory c)
        private
        view
        returns (Version memory present)
    {
        require(proof.present.length == 1, OnFile(c.station, c.session));
        present = proof.present[0];
        _requirePresent(present);
        require(present.station == c.station && present.session == c.session, WrongSession());
    }

    function _ends(bytes memory readings) private pure returns (uint256 first, uint256 last) {
        first = Slots.readingAt(readings, 0);
        last = Slots.readingAt(readings, readings.length - Slots.BOUNDARY);
    }

    // -------------------------------------------------------------------------------------------- Record

    /// @dev The record behind the claim, as its meter signed it. Its page is used up.
    function _readSigned(Proof calldata proof, Claim memory c)
        private
        returns (Record memory record)
    {
        bytes32 meter = REGISTRY.meterOf(c.station);
        IRegistry.MeterKey memory key = REGISTRY.meterKeys(meter);
        require(key.curve != 0, NoMeterKey(meter));
        record = READER.read(proof.record, proof.second, proof.signatures, key);
        require(record.digest == c.evidence, WrongRecord(record.digest));
        uint256 word = _pages[meter][record.page / PAGES_PER_WORD];
        uint256 bit = 1 << (record.page % PAGES_PER_WORD);
        require(word & bit == 0, PageUsed(record.page));
        _pages[meter][record.page / PAGES_PER_WORD] = word | bit;
    }

    // ----------------------------------------------------------------------------------------- Registers

    /// @return first reading of the session by the meter
    /// @return last reading
    function _registers(Record memory record, Claim memory c)
        private
        pure
        returns (uint256 first, uint256 last)
    {
        _requireTime(record, c);
        (uint256 b, uint256 e) = _register(record, 0, c.first >> 48, c.last >> 48);
        (uint256 fedBegin, uint256 fedEnd) = _register(record, 1, uint48(c.first), uint48(c.last));
        return (b << 48 | fedBegin, e << 48 | fedEnd);
    }

    /// @dev A synchronised clock that shows another time makes it another session's record.
    function _requireTime(Record memory record, Claim memory c) private pure {
        bool near = record.beginTime == 0 || _areNear(record.beginTime, c.start);
        if (record.endTime != 0 && c.closed) near = near && _areNear(record.endTime, c.end);
        require(near, WrongSession());
    }

    /// @param direction 0 import, 1 export
    /// @param begin Wh as the station reported it, the end likewise
    /// @return the same by the meter
    function _register(Record memory record, uint256 direction, uint256 begin, uint256 end)
        private
        pure
        returns (uint256, uint256)
    {
        if (record.directions >> direction & 1 == 0) {
            require(begin == end, DirectionMissing());
            return (begin, end);
        }
        uint256 from = uint48(direction == 0 ? record.first >> 48 : record.first);
        uint256 to = uint48(direction == 0 ? record.last >> 48 : record.last);
        // a register that began anew with the transaction tells the energy only
        if (record.relative >> direction & 1 != 0) {
            require(to - from == end - begin || record.beginTime != 0, NotTied());
            to = begin + (to - from);
            require(to >> 48 == 0, Backwards());
            return (begin, to);
        }
        // registers never run backwards, so another session's lie beside this one's
        require(from == begin || (from < end && to > begin), WrongSession());
        return (from, to);
    }

    function _areNear(uint256 a, uint256 b) private pure returns (bool) {
        return a < b + MOST_APART && b < a + MOST_APART;
    }

    /// @dev The meter's ends, and what lies between cut to them; everybody keeps what he has of the time.
    function _correct(Version memory present, uint256 first, uint256 last) private {
        // slither-disable-next-line uninitialized-local it begins empty
        Change memory change;
        change.time = uint40(block.timestamp);
        change.assignments = new Assignment[](present.shares.length);
        for (uint256 i = 0; i < present.shares.length; ++i) {
            Share memory s = present.shares[i];
            change.assignments[i] = Assignment(s.supplier, s.until);
        }
        change.readings = bytes.concat(present.readings);
        uint256 end = present.readings.length - Slots.BOUNDARY;
        for (uint256 offset = Slots.BOUNDARY; offset < end; offset += Slots.BOUNDARY) {
            uint256 reading = Slots.readingAt(present.readings, offset);
            uint256 imported = _clamp(reading >> 48, first >> 48, last >> 48);
            uint256 exported = _clamp(uint48(reading), uint48(first), uint48(last));
            Slots.put(change.readings, offset, imported << 48 | exported);
        }
        Slots.put(change.readings, 0, first);
        Slots.put(change.readings, end, last);
        Version memory next = _draft(present, change);
        _apply(next, keccak256(abi.encode(next)), Differences.between(present, next));
    }

    function _clamp(uint256 value, uint256 low, uint256 high) private pure returns (uint256) {
        if (value < low) return low;
        return value > high ? high : value;
    }
}
