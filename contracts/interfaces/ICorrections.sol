// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {ILedger} from "./ILedger.sol";
import {IMeterReader} from "./IMeterReader.sol";
import {IOcmf} from "./IOcmf.sol";
import {IStory} from "./IStory.sol";

/// @title Disputes, corrections, and the meter's word
/// @notice A session that has ended can be corrected until its window closes; then it is final. A correction
/// reverses and replaces, as a new version; the ones before stay readable in the events. It needs the consent of
/// everyone whom it costs, of all parties where it moves energy in time or costs nobody, and silence is none. What the calibrated meter signed needs nobody's. Rules: docs/corrections.md,
/// docs/evidence.md.
interface ICorrections is IStory, IOcmf {
    // --------------------------------------------------------------------------------------------- Types
    /// @notice A stretch of a session, whose supplier it was, and what came of it.
    struct Share {
        uint24 supplier;
        uint40 until; // UTC s
        uint48 importWh;
        uint48 exportWh; // paid for by the grid operator
        uint48 returnWh; // also exported, but paid for by the supplier: the prices were negative
        uint80 networkCharge; // nano-euro, supplier to grid operator
        uint80 serviceFee; // nano-euro, supplier to station operator
        int88 feedIn; // nano-euro, grid operator to supplier; negative: supplier to grid operator
    }

    /// @notice A session as it stands, or stood. All up to `settledAt` is the same in every version.
    struct Version {
        uint32 station;
        uint32 session;
        uint24 gridOperator;
        uint24 stationOperator;
        uint16 gridTariff; // version pinned at clearing
        uint16 operatorTariff; // version pinned at clearing
        uint40 start; // UTC s of the first reading
        uint40 end; // UTC s of the last
        bool closed; // ended with a final report, with which the session fees were due
        uint40 settledAt; // block time of its end: the window runs from here
        uint16 number; // 1: as the ledger settled it
        uint40 time; // when it was drawn up, UTC s; of version 1 `settledAt`
        bytes32 previous; // content hash of the version before
        Share[] shares; // in order of time
        bytes readings; // 12 bytes each: at the start, at every slot boundary, at the end
    }

    /// @notice Who has the session until when. A slot is his who has it at its beginning.
    struct Assignment {
        uint24 supplier;
        uint40 until; // UTC s within the session; of the last, the session's end
    }

    /// @notice What a correction would have instead.
    struct Change {
        uint40 time; // when it was drawn up: later than the version before, not in the future
        Assignment[] assignments;
        bytes readings; // as in a version
    }

    /// @notice Where a session stands that somebody acted on.
    struct Standing {
        bytes32 content; // of the present version, 0 if nobody acted on the session
        uint16 version;
        bool disputed; // since the present version
        bool verified; // by the meter
    }

    /// @notice A meter's record and the session that it is about.
    struct Proof {
        Story story; // opening and last report suffice if the registers are equal
        Version[] present; // the present version if somebody acted on the session, else none
        bytes record; // whose SHA-256 is the last report's evidence: one OCMF record, or two one after the other
        uint256 second; // where the second record begins, 0 if there is none
        bytes signatures; // r, s of each record, 64 bytes
    }

    // -------------------------------------------------------------------------------------------- Errors
    /// @notice The ledger that this contract was deployed for names another one.
    error NotTheLedgers(address ledger);
    /// @notice The window has closed: nothing changes this session any more.
    error SessionFinal(uint32 station, uint32 session);
    /// @notice Somebody acted on the session: what counts is its present version, not its story alone.
    error OnFile(uint32 station, uint32 session);
    /// @notice That is not the session's present version.
    error NotPresent(bytes32 content);
    /// @notice The participant is no party of the session, nor of the correction.
    error NotAParty(uint24 participant);
    /// @notice A version is later than the one before it, and not of the future.
    error WrongTime(uint40 time);
    /// @notice Not one reading for each slot boundary, and one at either end.
    error WrongReadings(uint256 length, uint256 wanted);
    /// @notice A register runs backwards between two readings, or by more than 2^22 Wh at once forwards,
    /// which is what the largest station can have in a slot.
    error RegisterBackwards(uint256 reading);
    /// @notice Assignments follow each other up to the session's end, and are to suppliers; 16 at most, or as many as
    /// the version before had shares.
    error WrongAssignment(uint256 index);
    /// @notice The meter has spoken: nobody agrees on other registers.
    error MeterHasSpoken();
    /// @notice The consent's date has passed.
    error ConsentExpired(uint40 until);
    /// @notice Neither the participant's account nor its signature.
    error BadConsent(uint24 participant);

    /// @notice The meter has confirmed this session.
    error AlreadyVerified();
    /// @notice The station said nothing of a meter's record, or of another one.
    error WrongRecord(bytes32 digest);
    /// @notice The station's meter has no key on file, or it was revoked.
    error NoMeterKey(bytes32 meter);
    /// @notice A record of this page has proven another session.
    error PageUsed(uint256 page);
    /// @notice The record's registers, or its synchronised clock, are of another session.
    error WrongSession();
    /// @notice The session has energy in a direction that the record says nothing about.
    error DirectionMissing();
    /// @notice The record differs, has registers of the transaction only, and no synchronised time: nothing but the
    /// station's word ties it to the session.
    error NotTied();

    /// @notice A proof used up the gas that there was: give more, or bring fewer at once.
    error NotEnoughGas();

    // -------------------------------------------------------------------------------------------- Events
    /// @param reason code, see docs/corrections.md
    /// @param evidence digest of what the dispute rests on
    event SessionDisputed(
        uint32 indexed station,
        uint32 indexed session,
        uint24 indexed by,
        uint8 reason,
        bytes32 evidence
    );
    /// @param content hash of the version that would be
    event CorrectionProposed(
        uint32 indexed station,
        uint32 indexed session,
        uint24 indexed by,
        uint16 version,
        bytes32 content,
        Change change
    );
    /// @notice A participant agrees to a version.
    event CorrectionConsented(
        uint32 indexed station, uint32 indexed session, uint24 indexed by, bytes32 content
    );
    /// @notice A version is in force.
    event SessionCorrected(
        uint32 indexed station,
        uint32 indexed session,
        uint16 version,
        bytes32 content,
        Version corrected
    );
    /// @param record SHA-256 of the meter's record; the registers are its now, if they were not
    event SessionMeterVerified(uint32 indexed station, uint32 indexed session, bytes32 record);
    /// @param proof its index in the call
    /// @param reason the error of `prove`, as it is encoded
    event ProofRefused(uint256 indexed proof, bytes reason);

    // --------------------------------------------------------------------------------- Disputes, agreements
    /// @notice A party says that something is wrong. The window goes on.
    function dispute(Story calldata story, uint8 reason, bytes32 evidence) external;

    /// @notice The same for a session that somebody acted on.
    function disputeVersion(Version calldata present, uint8 reason, bytes32 evidence) external;

    /// @notice A party proposes a correction and consents to it; it is in force at once if nobody else's is needed.
    function propose(Story calldata story, Change calldata change) external;

    /// @notice The same for a session that somebody acted on.
    function proposeVersion(Version calldata present, Change calldata change) external;

    /// @notice The caller consents. The last consent puts the correction in force.
    function consent(Version calldata present, Change calldata change) external;

    /// @notice Brings a participant's consent, signed by its account: typed data `Consent`, or by ERC-1271.
    /// @param until UTC s after which the signature is good for nothing
    function consentBySignature(
        Version calldata present,
        Change calldata change,
        uint24 participant,
        uint40 until,
        bytes calldata signature
    ) external;

    // -------------------------------------------------------------------------------------------- Evidence
    /// @notice Brings the record behind a session's last report. Equal registers: the session is verified.
    /// Others: it is corrected to them. Anybody may call it. Reverts with the reason if the record is refused.
    function prove(Proof calldata proof) external;

    /// @notice The same for many, each `abi.encode(proof)`; one that is refused leaves `ProofRefused` and nothing else.
    function proveAll(bytes[] calldata proofs) external;

    // --------------------------------------------------------------------------------------------- Views
    /// @notice The ledger whose sessions these are.
    function ledger() external view returns (ILedger);
    /// @notice Reads meters' records, created with this contract.
    function reader() external view returns (IMeterReader);
    /// @notice Seconds from a session's end until it is final.
    function window() external view returns (uint40);
    /// @notice Where a session stands.
    function standings(uint32 station, uint32 session) external view returns (Standing memory);
    /// @notice Whether a participant agreed to a version.
    function hasConsented(bytes32 content, uint24 participant) external view returns (bool);
    /// @notice Whether a page of a meter has proven a session.
    function isPageUsed(bytes32 meter, uint256 page) external view returns (bool);
    /// @notice The version that a story tells, if all of it is proven.
    function versionOf(Story calldata story) external view returns (Version memory);
    /// @notice The version that a change would make.
    /// @return next with all its amounts
    /// @return costs whose consent it needs
    function draft(Version calldata present, Change calldata change)
        external
        view
        returns (Version memory next, uint24[] memory costs);
    /// @return keccak256(abi.encode(version)), which standings, consents and journals refer to
    function contentOf(Version calldata version) external pure returns (bytes32);
    /// @return the EIP-712 digest that a participant's account signs
    function consentDigest(
        Version calldata present,
        Change calldata change,
        uint24 participant,
        uint40 until
    ) external view returns (bytes32);
}
