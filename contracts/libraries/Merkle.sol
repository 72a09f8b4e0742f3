// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {Hashes} from "@openzeppelin/contracts/utils/cryptography/Hashes.sol";

/// @notice Merkle root of a batch: sorted pairs, as OpenZeppelin's MerkleProof verifies; an odd node moves up as it
/// is. Leaves are hashes of 160 bytes and nodes of 64, so that neither passes for the other.
library Merkle {
    /// @dev Overwrites `leaves`.
    function root(bytes32[] memory leaves) internal pure returns (bytes32) {
        uint256 n = leaves.length;
        // positions of an array in memory
        unchecked {
            while (n > 1) {
                uint256 half = n / 2;
                for (uint256 i = 0; i < half; ++i) {
                    leaves[i] = Hashes.commutativeKeccak256(leaves[2 * i], leaves[2 * i + 1]);
                }
                if (n % 2 == 1) leaves[half] = leaves[n - 1];
                n = half + n % 2;
            }
        }
        return leaves[0];
    }
}
