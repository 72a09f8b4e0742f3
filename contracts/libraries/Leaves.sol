// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {Reason} from "../interfaces/Reason.sol";
import {Hashing} from "./Hashing.sol";
import {Terms} from "./Terms.sol";

/// @notice The leaves of batch roots: five words each, see docs/protocol.md.
library Leaves {
    /// @dev Where a settled leaf's meta tells the end of what it settles, 40 bits of UTC seconds.
    uint256 internal constant UNTIL = 152;

    uint256 private constant EXPIRY = 3;

    /// @notice What every leaf tells besides its digest: reason in the lowest 8 bits, block time 40, then of a session's
    /// terms supplier, grid operator, station operator 24 each, their tariffs' versions 16 each. A settled leaf's
    /// has besides, from bit 152, the end of what it settles.
    function metaOf(Terms terms) internal view returns (uint256) {
        return block.timestamp << 8 | terms.parties() << 48;
    }

    function cleared(bytes32 digest, uint256 meta, Terms terms) internal pure returns (bytes32) {
        return
            Hashing.ofWords(uint256(digest), meta, terms.supplierReserve(), terms.gridReserve(), 0);
    }

    /// @param networkCharge nano-euro
    /// @param serviceFee nano-euro
    /// @param feedIn nano-euro, signed
    function settled(
        bytes32 digest,
        uint256 meta,
        uint256 networkCharge,
        uint256 serviceFee,
        int256 feedIn
    ) internal pure returns (bytes32) {
        return Hashing.ofWords(uint256(digest), meta, networkCharge, serviceFee, uint256(feedIn));
    }

    function rejected(bytes32 digest, Reason reason) internal view returns (bytes32) {
        uint256 meta = uint256(reason) | block.timestamp << 8;
        return Hashing.ofWords(uint256(digest), meta, 0, 0, 0);
    }

    function expired(bytes32 digest, uint256 meta) internal pure returns (bytes32) {
        return Hashing.ofWords(uint256(digest), meta, 0, 0, 0);
    }

    /// @return what stands for a message in the leaf of an expiry
    function expiryDigest(uint32 station, uint256 session, uint256 lastReport)
        internal
        pure
        returns (bytes32)
    {
        return keccak256(abi.encode(EXPIRY, station, session, lastReport));
    }
}
