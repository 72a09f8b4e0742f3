// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

/// @notice A vehicle in one word, as it is stored (IVehicles.Vehicle): from the lowest bits, supplier 24, from 40, next
/// supplier 24, next from 40, station 32, session 32, keyed 8.
type Supply is uint256;

using SupplyFields for Supply global;

/// @notice The fields of a vehicle.
library SupplyFields {
    function nextSupplier(Supply s) internal pure returns (uint24) {
        return uint24(Supply.unwrap(s) >> 64);
    }

    /// @return start of a slot; 0: no change known
    function nextFrom(Supply s) internal pure returns (uint40) {
        return uint40(Supply.unwrap(s) >> 88);
    }

    function station(Supply s) internal pure returns (uint32) {
        return uint32(Supply.unwrap(s) >> 128);
    }

    function session(Supply s) internal pure returns (uint256) {
        return uint32(Supply.unwrap(s) >> 160);
    }

    function keyed(Supply s) internal pure returns (bool) {
        return Supply.unwrap(s) >> 192 != 0;
    }

    /// @return the supplier's number, 0 if nobody supplies the vehicle at `time`
    function supplierAt(Supply s, uint256 time) internal pure returns (uint24) {
        uint256 w = Supply.unwrap(s);
        uint40 next = uint40(w >> 88);
        if (next != 0 && time >= next) return uint24(w >> 64);
        uint40 from = uint40(w >> 24);
        return from != 0 && time >= from ? uint24(w) : 0;
    }

    function movedTo(Supply s, uint256 station_, uint256 session_) internal pure returns (Supply) {
        uint256 kept = Supply.unwrap(s) & ~(uint256(type(uint64).max) << 128);
        return Supply.wrap(kept | station_ << 128 | session_ << 160);
    }
}
