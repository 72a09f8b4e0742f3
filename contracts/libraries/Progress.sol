// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {ISessions} from "../interfaces/ISessions.sol";

/// @notice Where a session stands, in one word, as the first of it is stored (ISessions.Session): from the lowest bits,
/// number and report 32 each, time and touched 40 each, import and export register 48 each, state 8, flags 8.
type Progress is uint256;

using ProgressFields for Progress global;

/// @notice The fields of a session's progress.
library ProgressFields {
    uint256 internal constant VEHICLE_SIGNED = 1;
    uint256 internal constant CHANGE_KNOWN = 2;

    function number(Progress p) internal pure returns (uint256) {
        return uint32(Progress.unwrap(p));
    }

    function report(Progress p) internal pure returns (uint256) {
        return uint32(Progress.unwrap(p) >> 32);
    }

    /// @return UTC seconds of the last reading
    function time(Progress p) internal pure returns (uint256) {
        return uint40(Progress.unwrap(p) >> 64);
    }

    /// @return block time of the last accepted message
    function touched(Progress p) internal pure returns (uint256) {
        return uint40(Progress.unwrap(p) >> 104);
    }

    /// @return Wh, import register from bit 48, export register below
    function reading(Progress p) internal pure returns (uint256) {
        uint256 w = Progress.unwrap(p);
        return uint256(uint48(w >> 144)) << 48 | uint48(w >> 192);
    }

    function state(Progress p) internal pure returns (ISessions.State) {
        return ISessions.State(uint8(Progress.unwrap(p) >> 240));
    }

    function isOpen(Progress p) internal pure returns (bool) {
        return uint8(Progress.unwrap(p) >> 240) == uint8(ISessions.State.Open);
    }

    function isSuperseded(Progress p) internal pure returns (bool) {
        return uint8(Progress.unwrap(p) >> 240) == uint8(ISessions.State.Superseded);
    }

    function vehicleSigned(Progress p) internal pure returns (bool) {
        return Progress.unwrap(p) >> 248 & VEHICLE_SIGNED != 0;
    }

    function changeKnown(Progress p) internal pure returns (bool) {
        return Progress.unwrap(p) >> 248 & CHANGE_KNOWN != 0;
    }

    /// @param reading_ see `reading`
    function pack(
        uint256 number_,
        uint256 report_,
        uint256 time_,
        uint256 reading_,
        ISessions.State state_,
        uint256 flags
    ) internal view returns (Progress) {
        // stored with import below export, the other way round than a reading
        uint256 registers = reading_ >> 48 | uint256(uint48(reading_)) << 48;
        return Progress.wrap(
            number_ | report_ << 32 | time_ << 64 | block.timestamp << 104 | registers << 144
                | uint256(state_) << 240 | flags << 248
        );
    }

    function withState(Progress p, ISessions.State next) internal pure returns (Progress) {
        uint256 kept = Progress.unwrap(p) & ~(uint256(0xff) << 240);
        return Progress.wrap(kept | uint256(next) << 240);
    }

    function withChange(Progress p) internal pure returns (Progress) {
        return Progress.wrap(Progress.unwrap(p) | CHANGE_KNOWN << 248);
    }
}
