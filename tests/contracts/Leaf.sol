// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ISessions} from "../../contracts/interfaces/ISessions.sol";
import {Reason} from "../../contracts/interfaces/Reason.sol";

/// @notice The leaves of batch roots, written down as the protocol says them.
library Leaf {
    function cleared(bytes32 digest, uint256 time, ISessions.Session memory s)
        internal
        pure
        returns (bytes32)
    {
        uint256 meta = time * 2 ** 8 + pinned(s);
        return hashed(digest, meta, s.supplierReserve, s.gridReserve, 0);
    }

    /// @param until the end of what is settled
    function settled(
        bytes32 digest,
        uint256 time,
        ISessions.Session memory s,
        uint256 until,
        uint256 networkCharge,
        uint256 serviceFee,
        int256 feedIn
    ) internal pure returns (bytes32) {
        uint256 meta = time * 2 ** 8 + pinned(s) + until * 2 ** 152;
        return hashed(digest, meta, networkCharge, serviceFee, feedIn);
    }

    function rejected(bytes32 digest, Reason reason, uint256 time) internal pure returns (bytes32) {
        return hashed(digest, uint256(reason) + time * 2 ** 8, 0, 0, 0);
    }

    function expired(uint32 station, ISessions.Session memory s, uint256 time)
        internal
        pure
        returns (bytes32)
    {
        bytes32 digest = keccak256(abi.encode(3, station, s.number, s.report));
        return hashed(digest, time * 2 ** 8 + pinned(s), 0, 0, 0);
    }

    /// @return the leaf of a report that was settled in two parts
    function both(bytes32 first, bytes32 second) internal pure returns (bytes32) {
        return first < second
            ? keccak256(abi.encode(first, second))
            : keccak256(abi.encode(second, first));
    }

    /// @return the second word of a leaf with these parties and tariffs
    function metaOf(uint256 time, ISessions.Session memory s) internal pure returns (uint256) {
        return time * 2 ** 8 + pinned(s);
    }

    function pinned(ISessions.Session memory s) private pure returns (uint256) {
        uint256 parties =
            s.supplier * 2 ** 48 + s.gridOperator * 2 ** 72 + s.stationOperator * 2 ** 96;
        return parties + s.gridTariff * 2 ** 120 + s.operatorTariff * 2 ** 136;
    }

    function hashed(bytes32 digest, uint256 meta, uint256 a, uint256 b, int256 c)
        private
        pure
        returns (bytes32)
    {
        return keccak256(abi.encode(digest, meta, a, b, c));
    }
}
