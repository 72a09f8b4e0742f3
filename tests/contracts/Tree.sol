// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @notice The Merkle tree of a batch, level by level: sorted pairs, an odd node moves up.
library Tree {
    function root(bytes32[] memory leaves) internal pure returns (bytes32) {
        return leaves.length == 1 ? leaves[0] : root(levelAbove(leaves));
    }

    function proof(bytes32[] memory leaves, uint256 index)
        internal
        pure
        returns (bytes32[] memory path)
    {
        if (leaves.length == 1) return path;
        bytes32[] memory rest = proof(levelAbove(leaves), index / 2);
        uint256 sibling = index % 2 == 0 ? index + 1 : index - 1;
        if (sibling >= leaves.length) return rest;
        path = new bytes32[](rest.length + 1);
        path[0] = leaves[sibling];
        for (uint256 i = 0; i < rest.length; ++i) {
            path[i + 1] = rest[i];
        }
    }

    function levelAbove(bytes32[] memory nodes) private pure returns (bytes32[] memory above) {
        above = new bytes32[]((nodes.length + 1) / 2);
        for (uint256 i = 0; i < above.length; ++i) {
            if (2 * i + 1 == nodes.length) {
                above[i] = nodes[2 * i];
                continue;
            }
            (bytes32 a, bytes32 b) = (nodes[2 * i], nodes[2 * i + 1]);
            above[i] = a < b ? keccak256(abi.encode(a, b)) : keccak256(abi.encode(b, a));
        }
    }
}
