// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

/// @notice keccak256 of words as abi.encode lays them out, without keeping that in memory: what is hashed lies beyond the
/// free pointer, where the next may overwrite it.
library Hashing {
    function ofWords(uint256 a, uint256 b, uint256 c, uint256 d, uint256 e)
        internal
        pure
        returns (bytes32 hash)
    {
        assembly ("memory-safe") {
            let m := mload(0x40)
            mstore(m, a)
            mstore(add(m, 0x20), b)
            mstore(add(m, 0x40), c)
            mstore(add(m, 0x60), d)
            mstore(add(m, 0x80), e)
            hash := keccak256(m, 0xa0)
        }
    }

    function ofWords(uint256 a, uint256 b, uint256 c, uint256 d, uint256 e, uint256 f, uint256 g)
        internal
        pure
        returns (bytes32 hash)
    {
        assembly ("memory-safe") {
            let m := mload(0x40)
            mstore(m, a)
            mstore(add(m, 0x20), b)
            mstore(add(m, 0x40), c)
            mstore(add(m, 0x60), d)
            mstore(add(m, 0x80), e)
            mstore(add(m, 0xa0), f)
            mstore(add(m, 0xc0), g)
            hash := keccak256(m, 0xe0)
        }
    }

    function ofWords(
        uint256 a,
        uint256 b,
        uint256 c,
        uint256 d,
        uint256 e,
        uint256 f,
        uint256 g,
        uint256 h,
        uint256 i,
        uint256 j
    ) internal pure returns (bytes32 hash) {
        assembly ("memory-safe") {
            let m := mload(0x40)
            mstore(m, a)
            mstore(add(m, 0x20), b)
            mstore(add(m, 0x40), c)
            mstore(add(m, 0x60), d)
            mstore(add(m, 0x80), e)
            mstore(add(m, 0xa0), f)
            mstore(add(m, 0xc0), g)
            mstore(add(m, 0xe0), h)
            mstore(add(m, 0x100), i)
            mstore(add(m, 0x120), j)
            hash := keccak256(m, 0x140)
        }
    }
}
