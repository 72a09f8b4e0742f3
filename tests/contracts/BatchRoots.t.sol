// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ISessions} from "../../contracts/interfaces/ISessions.sol";
import {Reason} from "../../contracts/interfaces/Reason.sol";
import {Fixture} from "./Fixture.sol";
import {Leaf} from "./Leaf.sol";
import {Tree} from "./Tree.sol";

/// @notice The Merkle root that every batch leaves, recomputed, and the proofs against it.
///
/// submit
/// ├── one leaf per message in batch order: cleared, settled, rejected
/// ├── sorted pairs, an odd node moves up
/// └── isInBatch
///     ├── each leaf, by its proof
///     └── nothing by another leaf's proof, of another batch, of no batch
contract BatchRootsTest is Fixture {
    function test_leaves_by_outcome() public {
        ISessions.OpenSession memory o = opening(feeding, 1, CAR, START, 0, 0);
        ISessions.EnergyReport memory r = report(feeding, 1, 1, START, 0, 0, true, "");
        bytes[] memory messages = new bytes[](5);
        messages[0] = signed(o);
        messages[1] = signed(r);
        messages[2] = signed(r);
        messages[3] = "garbage";
        messages[4] = "";

        ISessions.Session memory pinned;
        (pinned.supplier, pinned.gridOperator, pinned.stationOperator) = (supplier, grid, operator);
        (pinned.gridTariff, pinned.operatorTariff) = (1, 1);
        pinned.supplierReserve = 60_000 * 200_000 + 350e6;
        pinned.gridReserve = 60_000 * 150_000;
        bytes32[] memory leaves = new bytes32[](5);
        leaves[0] = Leaf.cleared(ledger.digestOf(o), START, pinned);
        leaves[1] = Leaf.settled(ledger.digestOf(r), START, pinned, START, 0, 350e6, 0);
        leaves[2] = Leaf.rejected(ledger.digestOf(r), Reason.SessionNotOpen, START);
        leaves[3] = Leaf.rejected(keccak256("garbage"), Reason.Malformed, START);
        leaves[4] = Leaf.rejected(keccak256(""), Reason.Malformed, START);

        vm.expectEmit(address(ledger));
        emit ISessions.BatchRecorded(1, Tree.root(leaves), 5);
        submitAll(messages);
        assertEq(ledger.batchRoot(1), Tree.root(leaves), "root");
        assertEq(ledger.batchCount(), 1, "count");
    }

    function test_every_leaf_of_batches_up_to_33() public {
        for (uint256 size = 1; size <= 33; ++size) {
            bytes[] memory messages = new bytes[](size);
            bytes32[] memory leaves = new bytes32[](size);
            for (uint256 i = 0; i < size; ++i) {
                messages[i] = abi.encode(size, i);
                leaves[i] = Leaf.rejected(keccak256(messages[i]), Reason.Malformed, START);
            }
            submitAll(messages);
            uint64 number = uint64(size);
            assertEq(ledger.batchRoot(number), Tree.root(leaves), "root");
            for (uint256 i = 0; i < size; ++i) {
                bytes32[] memory proof = Tree.proof(leaves, i);
                assertTrue(ledger.isInBatch(number, leaves[i], proof), "in the batch");
                assertFalse(ledger.isInBatch(number - 1, leaves[i], proof), "the batch before");
                assertFalse(ledger.isInBatch(number + 1, leaves[i], proof), "no batch yet");
                assertFalse(ledger.isInBatch(number, ~leaves[i], proof), "another leaf");
                uint256 other = (i + 1) % size;
                if (other == i || sameHash(proof, Tree.proof(leaves, other))) continue;
                assertFalse(ledger.isInBatch(number, leaves[other], proof), "another's proof");
            }
        }
    }

    function test_nothing_is_in_a_batch_that_does_not_exist() public view {
        assertFalse(ledger.isInBatch(0, 0, new bytes32[](0)), "batch 0");
        assertFalse(ledger.isInBatch(1, 0, new bytes32[](0)), "not yet");
    }

    /// @dev Leaves hash 160 bytes and nodes 64: the tree of two batches cannot be mixed up by their shape.
    function test_same_messages_in_another_order_have_another_root() public {
        submitAll(batch("a", "b", "c"));
        submitAll(batch("a", "c", "b"));
        submitAll(batch("b", "a", "c"));
        assertTrue(ledger.batchRoot(1) != ledger.batchRoot(2), "the odd one tells");
        assertEq(ledger.batchRoot(1), ledger.batchRoot(3), "pairs are sorted");
    }

    // --------------------------------------------------------------------------------------------- Helpers

    function sameHash(bytes32[] memory a, bytes32[] memory b) private pure returns (bool) {
        return keccak256(abi.encode(a)) == keccak256(abi.encode(b));
    }
}
