// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {Reason} from "./Reason.sol";

/// @title Clearing and settlement of charging sessions from signed messages
/// @notice Anybody may submit any station's messages in any batch: the signature authorises, the sender does not.
/// Each message ends in exactly one of `SessionCleared`, `ReportSettled` or `MessageRejected`, in the order of the
/// batch, and a rejected message changes nothing but, if its clearing was decided, the station's session number.
interface ISessions {
    // --------------------------------------------------------------------------------------------- Types

    /// @notice Signed by the station when a vehicle plugs in (EIP-712).
    struct OpenSession {
        uint32 station;
        uint32 session; // greater than the station's last
        bytes32 vehicle;
        uint40 time; // UTC seconds
        uint48 importRegister; // Wh, cumulative, from the grid
        uint48 exportRegister; // Wh, cumulative, into the grid
    }

    /// @notice Signed by the station while energy flows, and when the vehicle unplugs (`last`).
    struct EnergyReport {
        uint32 station;
        uint32 session;
        uint32 report; // 1, 2, 3, ... within the session
        uint40 time; // UTC seconds of the registers below
        uint48 importRegister; // Wh
        uint48 exportRegister; // Wh
        bool last; // ends the session
        bytes32 evidence; // SHA-256 of the meter's signed record, or 0
        bytes boundaries; // 12 bytes for each slot boundary between the last reading and this one: both registers
    }
    /// @notice Where a station's session stands.
    enum State {
        None,
        Open,
        Closed, // by a final report
        Expired, // the station went silent
        Refused, // the opening was decided against
        Superseded // the vehicle signed an opening elsewhere, and had not signed this one; `expire` ends it
    }

    /// @notice A station's only session; its storage is used again by the next.
    struct Session {
        uint32 number;
        uint32 report; // number of the last settled report
        uint40 time; // of the last reading, UTC seconds
        uint40 touched; // block time of the last accepted message
        uint48 importRegister; // Wh, last reading
        uint48 exportRegister; // Wh, last reading
        State state;
        uint8 flags; // bit 0: the vehicle signed; bit 1: a change of supplier is known, see `changes`
        uint24 supplier; // second word, fixed at clearing; the supplier alone may change, at a slot boundary
        uint24 gridOperator; // reports settle among these three, whatever becomes of the station
        uint24 stationOperator;
        uint16 gridTariff; // version pinned at clearing
        uint16 operatorTariff; // version pinned at clearing
        uint64 supplierReserve; // nano-euro
        uint64 gridReserve; // nano-euro
    }

    /// @notice A change of supplier that an open session meets on the road. Means something while the session's flag
    /// says so.
    struct Change {
        uint24 supplier; // from `effective` on
        uint40 effective; // start of a slot
    }

    // -------------------------------------------------------------------------------------------- Errors

    /// @notice Batches come straight from an account without code, so that the signed messages always stand in
    /// the transaction's input, where an auditor finds them.
    error OnlyDirect();
    /// @notice A batch has at least one message.
    error EmptyBatch();
    /// @notice The station has no session to end, or has not been silent for long enough.
    error NotExpirable(uint32 station);

    // -------------------------------------------------------------------------------------------- Events
    /// @notice A session is open: supplier and tariff versions are fixed until it ends.
    event SessionCleared(
        uint32 indexed station,
        bytes32 indexed vehicle,
        uint24 indexed supplier,
        uint32 session,
        uint40 time,
        uint48 importRegister,
        uint48 exportRegister,
        uint16 gridTariff,
        uint16 operatorTariff
    );
    /// @notice Energy is settled. A report over a change of supplier is settled in two parts, each with its own
    /// supplier and the `time` of its end.
    /// @param importWh since the last reading
    /// @param exportWh since the last reading
    /// @param networkCharge nano-euro, supplier to grid operator
    /// @param serviceFee nano-euro, supplier to station operator
    /// @param feedIn nano-euro, grid operator to supplier; negative: supplier to grid operator
    event ReportSettled(
        uint32 indexed station,
        uint24 indexed supplier,
        uint32 session,
        uint32 report,
        uint40 time,
        uint48 importWh,
        uint48 exportWh,
        uint80 networkCharge,
        uint80 serviceFee,
        int80 feedIn,
        bool last
    );
    /// @param station as claimed by the message, 0 if it could not be read
    /// @param digest EIP-712 digest, or keccak256 of the bytes if malformed
    event MessageRejected(uint32 indexed station, Reason indexed reason, bytes32 digest);
    /// @notice From `time` on the session is charged to another supplier.
    /// @param reserve nano-euro that the new supplier holds; 0 if it could not cover what the former one held
    event SupplierSwitched(
        uint32 indexed station,
        uint24 indexed from,
        uint24 indexed to,
        uint32 session,
        uint40 time,
        uint64 reserve
    );
    /// @notice The vehicle signed an opening elsewhere and had not signed this session's: it takes no more reports.
    event SessionSuperseded(uint32 indexed station, uint32 session);
    /// @notice A session ended without a final report; what was settled stays.
    event SessionExpired(uint32 indexed station, uint32 session);
    /// @notice Closes every batch.
    /// @param root Merkle root over the leaves of the batch, see docs/protocol.md
    event BatchRecorded(uint64 indexed batch, bytes32 root, uint32 count);

    // ----------------------------------------------------------------------------------------- Functions

    /// @notice Processes messages in their order. Reverts only as a whole: `OnlyDirect`, `EmptyBatch`, out of gas.
    /// @param messages wire format, docs/protocol.md
    /// @return reasons one for each message, `None` if accepted
    function submit(bytes[] calldata messages) external returns (Reason[] memory reasons);

    /// @notice Ends a session whose station has been silent beyond the limit, or one that was superseded. It keeps
    /// what was settled, its reserve is released. Anybody may call it; it leaves a batch of one leaf.
    function expire(uint32 station) external;

    // --------------------------------------------------------------------------------------------- Views
    /// @notice A station's present or last session.
    function sessions(uint32 station) external view returns (Session memory);
    /// @notice The last change of supplier that a session of the station met on the road.
    function changes(uint32 station) external view returns (Change memory);
    /// @notice Batches are numbered from 1 to this.
    function batchCount() external view returns (uint64);
    /// @notice Merkle root of a batch's leaves, 0 if there is no such batch.
    function batchRoot(uint64 batch) external view returns (bytes32);
    /// @notice Compute the leaf yourself: an inner node has a proof as well.
    /// @return whether `leaf` is in the batch, by its Merkle proof (sorted pairs)
    function isInBatch(uint64 batch, bytes32 leaf, bytes32[] calldata proof)
        external
        view
        returns (bool);
    /// @return the EIP-712 digests that a station signs
    function digestOf(OpenSession calldata message) external view returns (bytes32);
    /// @notice The EIP-712 digest of a report.
    function digestOf(EnergyReport calldata message) external view returns (bytes32);
}
