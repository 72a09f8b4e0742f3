// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

/// @notice A participant in one word, as the registry stores it (IRegistry.Participant): from the lowest bits, account
/// 160, roles 8, active 8, default supplier 24, versions as grid operator 16, as station operator 16.
type Member is uint256;

using MemberFields for Member global;

/// @notice The fields of a participant that a clearing asks for.
library MemberFields {
    /// @return whether it is active and has the role
    function isActive(Member m, uint256 role) internal pure returns (bool) {
        uint256 w = Member.unwrap(m) >> 160;
        return uint8(w >> 8) != 0 && w & role != 0;
    }

    function defaultSupplier(Member m) internal pure returns (uint24) {
        return uint24(Member.unwrap(m) >> 176);
    }

    function gridTariffs(Member m) internal pure returns (uint16) {
        return uint16(Member.unwrap(m) >> 200);
    }

    function operatorTariffs(Member m) internal pure returns (uint16) {
        return uint16(Member.unwrap(m) >> 216);
    }
}
