// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

import {IAccounts} from "./interfaces/IAccounts.sol";
import {ICorrections} from "./interfaces/ICorrections.sol";
import {ILedger} from "./interfaces/ILedger.sol";
import {IRegistry} from "./interfaces/IRegistry.sol";
import {Differences} from "./libraries/Differences.sol";
import {Opening, Report} from "./libraries/Messages.sol";
import {Slots} from "./libraries/Slots.sol";
import {Stories} from "./libraries/Stories.sol";
import {Terms, TermsFields} from "./libraries/Terms.sol";
import {Versions} from "./libraries/Versions.sol";

/// @notice Sessions as their stories tell them, the versions that came after, and their place on file.
abstract contract Standings is ICorrections, EIP712("Gridroam Corrections", "1") {
    using SafeCast for uint256;
    using SafeCast for int256;

    struct File {
        bytes32 content;
        uint16 version;
        bool disputed;
    }

    /// @dev Two bits for each session, so that a meter's confirmation costs no word of its own.
    uint256 private constant PER_WORD = 128;
    uint256 internal constant ON_FILE = 1;
    uint256 internal constant VERIFIED = 2;

    ILedger internal immutable LEDGER;
    IRegistry internal immutable REGISTRY;
    uint40 internal immutable WINDOW;
    uint256 private immutable CHAIN;
    bytes32 private immutable SEPARATOR;

    mapping(uint32 station => mapping(uint256 word => uint256 marks)) private _marks;
    mapping(uint32 station => mapping(uint32 session => File)) private _files;

    constructor(address ledger_, uint40 window_) {
        LEDGER = ILedger(ledger_);
        REGISTRY = LEDGER.registry();
        WINDOW = window_;
        (CHAIN, SEPARATOR) = (block.chainid, _buildSeparator());
        require(LEDGER.corrections() == address(this), NotTheLedgers(ledger_));
    }

    // ----------------------------------------------------------------------------------------------- Views

    function ledger() external view returns (ILedger) {
        return LEDGER;
    }

    function window() external view returns (uint40) {
        return WINDOW;
    }

    function standings(uint32 station, uint32 session) external view returns (Standing memory s) {
        File storage f = _files[station][session];
        (s.content, s.version, s.disputed) = (f.content, f.version, f.disputed);
        s.verified = _marksOf(station, session) & VERIFIED != 0;
        if (s.version == 0) s.version = 1;
    }

    function versionOf(Story calldata story) external view returns (Version memory) {
        return _read(story);
    }

    function contentOf(Version calldata version) external pure returns (bytes32) {
        return keccak256(abi.encode(version));
    }

    function draft(Version calldata present, Change calldata change)
        external
        view
        returns (Version memory next, uint24[] memory costs)
    {
        next = _draft(present, change);
        costs = Differences.consents(present, next, Differences.between(present, next));
    }

    // ----------------------------------------------------------------------------------------------- Story

    /// @dev The whole story, as version 1.
    function _read(Story calldata story) internal view returns (Version memory v) {
        bytes32 separator = _ledgerSeparator();
        Opening o = _opening(story, separator);
        Terms terms = Stories.terms(story.opening.meta);
        (v.station, v.session) = (o.station(), o.session());
        (v.gridOperator, v.stationOperator) = (terms.gridOperator(), terms.stationOperator());
        (v.gridTariff, v.operatorTariff) = (terms.gridTariff(), terms.operatorTariff());
        (v.start, v.end) = (o.time(), o.time());
        v.number = 1;
        uint256 reading = o.reading();
        bytes memory readings = new bytes(_mostReadings(story));
        Slots.put(readings, 0, reading);
        uint256 length = Slots.BOUNDARY;
        v.shares = new Share[](2 * story.reports.length + 1);
        uint256 shares = 0;
        // slither-disable-next-line uninitialized-local it begins empty
        Report r;
        for (uint256 i = 0; i < story.reports.length; ++i) {
            ReportEntry calldata entry = story.reports[i];
            require(!v.closed, IncompleteStory(i));
            r = Stories.report(entry, separator, LEDGER.batchRoot(entry.place.batch));
            bool follows =
                r.station() == v.station && r.session() == v.session && r.number() == i + 1;
            require(follows, IncompleteStory(i));
            bytes memory added = Stories.readings(entry);
            shares = _share(v, shares, entry.parts, added, reading);
            // a reading within a slot ends nothing; of two at one moment the first is what came before
            bool onGrid = r.time() % Slots.SECONDS == 0 && r.time() != v.end;
            uint256 kept = onGrid ? added.length : added.length - Slots.BOUNDARY;
            _copy(readings, length, added, kept);
            length += kept;
            (v.end, reading, v.closed) = (r.time(), r.reading(), r.last());
        }
        if (story.reports.length == 0) {
            v.shares[shares++] = Share(terms.supplier(), v.end, 0, 0, 0, 0, 0, 0);
        }
        _truncate(v.shares, shares);
        // what the last report says is the end, also where it is a boundary
        length = (Versions.readingsBetween(v.start, v.end) - 1) * Slots.BOUNDARY;
        v.readings = abi.encodePacked(_firstBytes(readings, length), uint96(reading));
        v.settledAt = _ending(story, r, v.closed);
        v.time = v.settledAt;
    }

    /// @return o proven to have been cleared
    function _opening(Story calldata story, bytes32 separator) internal view returns (Opening o) {
        OpeningEntry calldata entry = story.opening;
        return Stories.opening(entry, separator, LEDGER.batchRoot(entry.place.batch));
    }

    /// @return when the session ended, UTC s of the block
    function _ending(Story calldata story, Report last, bool closed)
        internal
        view
        returns (uint40)
    {
        if (closed) {
            PartEntry[] calldata parts = story.reports[story.reports.length - 1].parts;
            return Stories.blockTime(parts[parts.length - 1].meta);
        }
        require(story.expiryBatch != 0, NotEnded());
        Stories.requireExpiry(story, LEDGER.batchRoot(story.expiryBatch), last);
        return Stories.blockTime(story.expiryMeta);
    }

    /// @dev Adds a report's parts to the shares; what one supplier has in a row is one share.
    function _share(
        Version memory v,
        uint256 count,
        PartEntry[] calldata parts,
        bytes memory added,
        uint256 reading
    ) private pure returns (uint256) {
        for (uint256 i = 0; i < parts.length; ++i) {
            PartEntry calldata p = parts[i];
            uint40 until = Stories.until(p.meta);
            uint256 offset = added.length - Slots.BOUNDARY;
            if (i + 1 < parts.length) {
                require(until < Stories.until(parts[i + 1].meta), NotAMessage());
                offset = Slots.boundariesBetween(v.end, until) * Slots.BOUNDARY;
            }
            uint256 next = Slots.readingAt(added, offset);
            uint24 supplier = Stories.terms(p.meta).supplier();
            if (count == 0 || v.shares[count - 1].supplier != supplier) ++count;
            Share memory s = v.shares[count - 1];
            (s.supplier, s.until) = (supplier, until);
            s.importWh += uint48((next >> 48) - (reading >> 48));
            uint48 fed = uint48(next) - uint48(reading);
            if (p.feedIn < 0) s.returnWh += fed;
            else s.exportWh += fed;
            s.networkCharge += p.networkCharge.toUint80();
            s.serviceFee += p.serviceFee.toUint80();
            s.feedIn += p.feedIn.toInt88();
            reading = next;
        }
        return count;
    }

    // ------------------------------------------------------------------------------------------ Versions

    /// @dev The version that a change would make of the present one.
    function _draft(Version memory present, Change memory change)
        internal
        view
        returns (Version memory)
    {
        Terms terms = TermsFields.pack(
            0,
            present.gridOperator,
            present.stationOperator,
            present.gridTariff,
            present.operatorTariff,
            0,
            0
        );
        // slither-disable-next-line uninitialized-local it begins empty
        Versions.Tariffs memory t;
        // slither-disable-next-line unused-return neither device nor market
        (, t.grid, t.gridLevels, t.operator, t.operatorLevels,) =
            REGISTRY.tariffsOf(present.station, terms);
        bool later = change.time > present.time && change.time <= block.timestamp;
        require(later, WrongTime(change.time));
        return Versions.next(present, change, keccak256(abi.encode(present)), t);
    }

    /// @dev Puts a version in force: postings, journals, file.
    function _apply(Version memory next, bytes32 content, Differences.Difference memory d)
        internal
    {
        File storage f = _files[next.station][next.session];
        (f.content, f.version, f.disputed) = (content, next.number, false);
        emit SessionCorrected(next.station, next.session, next.number, content, next);
        bytes32 entry = keccak256(
            abi.encode(IAccounts.Entry.Correction, next.station, next.session, next.number, content)
        );
        LEDGER.adjust(d.adjustments, d.parties, entry);
    }

    // ---------------------------------------------------------------------------------------------- File

    /// @dev A session's first version, put on file when somebody acts on it.
    function _fileStory(Story calldata story) internal returns (Version memory present) {
        present = _read(story);
        _requireOpen(present.station, present.session, present.settledAt);
        uint256 marks = _marksOf(present.station, present.session);
        require(marks & ON_FILE == 0, OnFile(present.station, present.session));
        _fileFirst(present);
    }

    function _fileFirst(Version memory present) internal {
        File storage f = _files[present.station][present.session];
        (f.content, f.version) = (keccak256(abi.encode(present)), present.number);
        _mark(present.station, present.session, ON_FILE);
    }

    function _requirePresent(Version memory present) internal view {
        bytes32 content = keccak256(abi.encode(present));
        bool right = _files[present.station][present.session].content == content;
        require(right, NotPresent(content));
        _requireOpen(present.station, present.session, present.settledAt);
    }

    function _requireOpen(uint32 station, uint32 session, uint40 settledAt) internal view {
        require(block.timestamp <= uint256(settledAt) + WINDOW, SessionFinal(station, session));
    }

    function _setDisputed(uint32 station, uint32 session) internal {
        _files[station][session].disputed = true;
    }

    function _marksOf(uint32 station, uint32 session) internal view returns (uint256) {
        return _marks[station][session / PER_WORD] >> (2 * (session % PER_WORD)) & 3;
    }

    function _mark(uint32 station, uint32 session, uint256 mark) internal {
        _marks[station][session / PER_WORD] |= mark << (2 * (session % PER_WORD));
    }

    // ------------------------------------------------------------------------------------------ Internal

    /// @dev Of the ledger's EIP-712 domain.
    function _ledgerSeparator() internal view returns (bytes32) {
        return block.chainid == CHAIN ? SEPARATOR : _buildSeparator();
    }

    function _buildSeparator() private view returns (bytes32) {
        return keccak256(
            abi.encode(
                keccak256(
                    "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
                ),
                keccak256("Gridroam"),
                keccak256("1"),
                block.chainid,
                LEDGER
            )
        );
    }

    /// @dev Bytes that a story's readings take at most: no report adds more than it is long.
    function _mostReadings(Story calldata story) private pure returns (uint256 length) {
        length = Slots.BOUNDARY;
        for (uint256 i = 0; i < story.reports.length; ++i) {
            length += story.reports[i].message.length;
        }
    }

    function _copy(bytes memory to, uint256 offset, bytes memory from, uint256 length)
        private
        pure
    {
        assembly ("memory-safe") {
            mcopy(add(add(to, 32), offset), add(from, 32), length)
        }
    }

    function _firstBytes(bytes memory b, uint256 length) private pure returns (bytes memory) {
        assembly ("memory-safe") {
            mstore(b, length)
        }
        return b;
    }

    function _truncate(Share[] memory list, uint256 count) private pure {
        assembly ("memory-safe") {
            mstore(list, count)
        }
    }
}
