// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

/// @notice What a clearing fixes, in one word, as the second of a session is stored (ISessions.Session): from the
/// lowest bits, supplier, grid operator and station operator 24 each, the versions of their tariffs 16 each, the
/// supplier's and the grid operator's reserve 64 each.
type Terms is uint256;

using TermsFields for Terms global;

/// @notice The fields of a session's terms.
library TermsFields {
    uint256 private constant RESERVE = 104;
    uint256 private constant PARTIES = 0xffffffffffffffffffffffffff; // the five fields below the reserves

    /// @dev Reserves of 64 bits at most.
    function pack(
        uint24 supplier_,
        uint24 gridOperator_,
        uint24 stationOperator_,
        uint16 gridTariff_,
        uint16 operatorTariff_,
        uint256 supplierReserve_,
        uint256 gridReserve_
    ) internal pure returns (Terms) {
        return Terms.wrap(
            supplier_ | uint256(gridOperator_) << 24 | uint256(stationOperator_) << 48
                | uint256(gridTariff_) << 72 | uint256(operatorTariff_) << 88 | supplierReserve_
                << RESERVE | gridReserve_ << 168
        );
    }

    function supplier(Terms t) internal pure returns (uint24) {
        return uint24(Terms.unwrap(t));
    }

    function gridOperator(Terms t) internal pure returns (uint24) {
        return uint24(Terms.unwrap(t) >> 24);
    }

    function stationOperator(Terms t) internal pure returns (uint24) {
        return uint24(Terms.unwrap(t) >> 48);
    }

    function gridTariff(Terms t) internal pure returns (uint16) {
        return uint16(Terms.unwrap(t) >> 72);
    }

    function operatorTariff(Terms t) internal pure returns (uint16) {
        return uint16(Terms.unwrap(t) >> 88);
    }

    /// @return nano-euro
    function supplierReserve(Terms t) internal pure returns (uint64) {
        return uint64(Terms.unwrap(t) >> RESERVE);
    }

    /// @return nano-euro
    function gridReserve(Terms t) internal pure returns (uint64) {
        return uint64(Terms.unwrap(t) >> 168);
    }

    /// @return participants and tariffs, all but the reserves, in the lowest 104 bits
    function parties(Terms t) internal pure returns (uint256) {
        return Terms.unwrap(t) & PARTIES;
    }

    function withSupplier(Terms t, uint24 next, uint64 reserve) internal pure returns (Terms) {
        uint256 kept =
            Terms.unwrap(t) & ~(uint256(type(uint24).max) | uint256(type(uint64).max) << RESERVE);
        return Terms.wrap(kept | next | uint256(reserve) << RESERVE);
    }
}
