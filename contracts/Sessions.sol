// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {MerkleProof} from "@openzeppelin/contracts/utils/cryptography/MerkleProof.sol";

import {Settlement} from "./Settlement.sol";
import {Reason} from "./interfaces/Reason.sol";
import {Leaves} from "./libraries/Leaves.sol";
import {Merkle} from "./libraries/Merkle.sol";
import {Messages} from "./libraries/Messages.sol";
import {Progress} from "./libraries/Progress.sol";
import {Storage} from "./libraries/Storage.sol";
import {Terms} from "./libraries/Terms.sol";

/// @notice Takes batches of messages, and ends sessions that no message will end.
abstract contract Sessions is Settlement {
    using Storage for Session;

    uint64 public batchCount;
    mapping(uint64 batch => bytes32 root) public batchRoot;

    function submit(bytes[] calldata messages) external returns (Reason[] memory reasons) {
        // an account that delegates to code (EIP-7702) has code as well
        require(msg.sender == tx.origin && msg.sender.code.length == 0, OnlyDirect());
        require(messages.length != 0, EmptyBatch());
        reasons = new Reason[](messages.length);
        bytes32[] memory leaves = new bytes32[](messages.length);
        uint256 free;
        assembly ("memory-safe") {
            free := mload(0x40)
        }
        bytes32 separator = _domainSeparatorV4();
        for (uint256 i = 0; i < messages.length; ++i) {
            (reasons[i], leaves[i]) = _process(messages[i], separator);
            // the memory of one message serves the next: what grows with a batch costs its square
            assembly ("memory-safe") {
                mstore(0x40, free)
            }
        }
        _recordBatch(Merkle.root(leaves), messages.length);
    }

    function expire(uint32 station) external {
        Session storage session = _sessions[station];
        (Progress s, Terms t) = (session.loadProgress(), session.loadTerms());
        bool silent = s.isOpen() && block.timestamp > s.touched() + REGISTRY.limits().silence;
        require(silent || s.isSuperseded(), NotExpirable(station));
        session.save(s.withState(State.Expired));
        _release(t.supplier(), t.supplierReserve());
        _release(t.gridOperator(), t.gridReserve());
        emit SessionExpired(station, uint32(s.number()));
        bytes32 digest = Leaves.expiryDigest(station, s.number(), s.report());
        _recordBatch(Leaves.expired(digest, Leaves.metaOf(t)), 1);
    }

    // ----------------------------------------------------------------------------------------------- Views

    function sessions(uint32 station) external view returns (Session memory) {
        return _sessions[station];
    }

    function changes(uint32 station) external view returns (Change memory) {
        return _changes[station];
    }

    function isInBatch(uint64 batch, bytes32 leaf, bytes32[] calldata proof)
        external
        view
        returns (bool)
    {
        bytes32 root = batchRoot[batch];
        return root != 0 && MerkleProof.verifyCalldata(proof, root, leaf);
    }

    function digestOf(OpenSession calldata message) external view returns (bytes32) {
        return _hashTypedDataV4(Messages.hash(message));
    }

    function digestOf(EnergyReport calldata message) external view returns (bytes32) {
        return _hashTypedDataV4(Messages.hash(message));
    }

    // -------------------------------------------------------------------------------------------- Internal

    function _process(bytes calldata message, bytes32 separator)
        private
        returns (Reason, bytes32 leaf)
    {
        uint8 kind = Messages.kindOf(message);
        if (kind == Messages.OPENING) return _open(message, separator);
        if (kind == Messages.REPORT) return _report(message, separator);
        return (Reason.Malformed, _reject(0, keccak256(message), Reason.Malformed));
    }

    function _recordBatch(bytes32 root, uint256 count) private {
        uint64 batch = ++batchCount;
        batchRoot[batch] = root;
        emit BatchRecorded(batch, root, uint32(count));
    }
}
