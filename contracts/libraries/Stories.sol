// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {Hashes} from "@openzeppelin/contracts/utils/cryptography/Hashes.sol";
import {MerkleProof} from "@openzeppelin/contracts/utils/cryptography/MerkleProof.sol";
import {MessageHashUtils} from "@openzeppelin/contracts/utils/cryptography/MessageHashUtils.sol";

import {IStory} from "../interfaces/IStory.sol";
import {Leaves} from "./Leaves.sol";
import {Messages, Opening, Report} from "./Messages.sol";
import {Terms} from "./Terms.sol";

/// @notice Proves what the ledger accepted, from its batch roots. Session state is used again by the next session; the roots stay.
library Stories {
    uint256 private constant OPENING = 58; // bytes without signature
    uint256 private constant REPORT = 63; // the same, without boundaries
    uint256 private constant BOUNDARY = 12;

    /// @param separator of the ledger's EIP-712 domain
    /// @param root of the batch
    /// @return o the cleared opening
    function opening(IStory.OpeningEntry calldata entry, bytes32 separator, bytes32 root)
        internal
        pure
        returns (Opening o)
    {
        bytes calldata m = entry.message;
        require(m.length == OPENING, IStory.NotAMessage());
        o = Messages.opening(m);
        bytes32 digest =
            MessageHashUtils.toTypedDataHash(separator, Messages.hash(o, Messages.vehicleOf(m)));
        bytes32 leaf = keccak256(
            abi.encode(digest, entry.meta, entry.supplierReserve, entry.gridReserve, uint256(0))
        );
        _require(entry.place, root, leaf, entry.meta);
    }

    /// @return r the settled report
    function report(IStory.ReportEntry calldata entry, bytes32 separator, bytes32 root)
        internal
        pure
        returns (Report r)
    {
        bytes calldata m = entry.message;
        require(m.length >= REPORT && (m.length - REPORT) % BOUNDARY == 0, IStory.NotAMessage());
        r = Messages.report(m);
        bytes32 digest = MessageHashUtils.toTypedDataHash(
            separator, Messages.hash(r, Messages.evidenceOf(m), readings(entry))
        );
        IStory.PartEntry[] calldata parts = entry.parts;
        require(parts.length == 1 || parts.length == 2, IStory.NotAMessage());
        bytes32 leaf = _leaf(digest, parts[0]);
        if (parts.length == 2) leaf = Hashes.commutativeKeccak256(leaf, _leaf(digest, parts[1]));
        _require(entry.place, root, leaf, parts[0].meta);
    }

    /// @dev An expiry is a batch of its own.
    function requireExpiry(IStory.Story calldata story, bytes32 root, Report last) internal pure {
        Opening o = Messages.opening(story.opening.message);
        uint256 number = story.reports.length == 0 ? 0 : last.number();
        bytes32 digest = Leaves.expiryDigest(o.station(), o.session(), number);
        bool right = root == Leaves.expired(digest, story.expiryMeta);
        require(right, IStory.NotInBatch(story.expiryBatch));
    }

    /// @return the readings that a report adds to its session's: at its boundaries, and its own
    function readings(IStory.ReportEntry calldata entry) internal pure returns (bytes memory) {
        return bytes.concat(entry.message[REPORT:], entry.message[18:30]);
    }

    /// @return participants and tariffs, see `Leaves.metaOf`
    function terms(uint256 meta) internal pure returns (Terms) {
        return Terms.wrap(uint104(meta >> 48));
    }

    /// @return UTC s of the block
    function blockTime(uint256 meta) internal pure returns (uint40) {
        return uint40(meta >> 8);
    }

    /// @return UTC s
    function until(uint256 meta) internal pure returns (uint40) {
        return uint40(meta >> Leaves.UNTIL);
    }

    function _leaf(bytes32 digest, IStory.PartEntry calldata p) private pure returns (bytes32) {
        return Leaves.settled(digest, p.meta, p.networkCharge, p.serviceFee, p.feedIn);
    }

    /// @dev A leaf with a reason was rejected.
    function _require(IStory.Place calldata place, bytes32 root, bytes32 leaf, uint256 meta)
        private
        pure
    {
        bool stands = root != 0 && uint8(meta) == 0
            && MerkleProof.verifyCalldata(place.proof, root, leaf);
        require(stands, IStory.NotInBatch(place.batch));
    }
}
