// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

/// @title What a session's story is made of
/// @notice Messages are those of the wire format, docs/protocol.md, without their signatures: that they were accepted
/// is what the batch roots prove.
interface IStory {
    // --------------------------------------------------------------------------------------------- Types
    /// @notice Where something stands in the ledger's batches.
    struct Place {
        uint64 batch;
        bytes32[] proof; // of its leaf, or of a split report's two leaves' node
    }

    /// @notice A cleared opening.
    struct OpeningEntry {
        bytes message; // 58 bytes
        uint256 meta; // of its leaf
        uint256 supplierReserve; // nano-euro
        uint256 gridReserve; // nano-euro
        Place place;
    }

    /// @notice What one leaf of a settled report says.
    struct PartEntry {
        uint256 meta;
        uint256 networkCharge; // nano-euro
        uint256 serviceFee; // nano-euro
        int256 feedIn; // nano-euro
    }

    /// @notice A settled report: one part, or two if the supplier changed on the way.
    struct ReportEntry {
        bytes message; // 63 bytes, and 12 for each boundary
        PartEntry[] parts;
        Place place;
    }

    /// @notice A session from beginning to end: its opening, all its reports in order, and how it ended.
    struct Story {
        OpeningEntry opening;
        ReportEntry[] reports;
        uint64 expiryBatch; // the batch of its expiry, 0 if it ended with a final report
        uint256 expiryMeta;
    }

    // -------------------------------------------------------------------------------------------- Errors
    /// @notice A message of the story has a length that its kind cannot have.
    error NotAMessage();
    /// @notice The batch's root does not prove this: it was never accepted, or something in it is another's.
    error NotInBatch(uint64 batch);
    /// @notice The reports are not all of this session, one after the other.
    error IncompleteStory(uint256 report);
    /// @notice The story does not end with a final report or an expiry.
    error NotEnded();
}
