// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {Text} from "./Text.sol";

/// @notice Which energy register an OBIS code names, `A-B:C.D.E` with an optional `F`, each group of one or two
/// hexadecimal digits. Register codes: OCMF 1.4, "Billing-relevant OBIS codes"; C = 98 is the loss-compensated import register of meters in
/// the field.
library Obis {
    using Text for uint256;

    uint256 internal constant IMPORT = 1;
    uint256 internal constant EXPORT = 2;

    /// @param code begins with the code, of `length` bytes
    /// @return direction IMPORT, EXPORT, or 0 if it is no register of all active energy
    /// @return rank which of one direction's registers counts, the lowest first: 0 the meter's own, 1 of the
    /// transaction, 2 and 3 the same behind the cable. The registers of odd rank begin anew with each transaction
    function register(uint256 code, uint256 length)
        internal
        pure
        returns (uint256 direction, uint256 rank)
    {
        uint256 groups = _groups(code, length);
        // medium: electricity; D: cumulative energy; E: all tariffs; F: the present value
        if (groups >> 40 != 1 || uint16(groups >> 8) != 0x0800) return (0, 0);
        if (uint8(groups) != 0xff) return (0, 0);
        uint256 c = uint8(groups >> 24);
        if (c == 0x01 || c == 0xb0) return (IMPORT, 0);
        if (c == 0xb2) return (IMPORT, 1);
        if (c == 0xb1 || c == 0x98) return (IMPORT, 2);
        if (c == 0xb3) return (IMPORT, 3);
        if (c == 0x02 || c == 0xc0) return (EXPORT, 0);
        if (c == 0xc2) return (EXPORT, 1);
        if (c == 0xc1) return (EXPORT, 2);
        if (c == 0xc3) return (EXPORT, 3);
        return (0, 0);
    }

    /// @dev The groups A to F, 8 bits each, A on top, F = ff if absent or written as 255; or 0 if it is no such code.
    function _groups(uint256 w, uint256 length) private pure returns (uint256 groups) {
        uint256 separators = 0x2d3a2e2e; // - : . .
        uint256 value = 0;
        uint256 digits = 0;
        unchecked {
            for (uint256 i = 0; i < length; ++i) {
                uint256 c = w.letter(i);
                uint256 letter = (c | 0x20) - 0x61;
                uint256 digit = letter < 6 ? letter + 10 : c - 0x30;
                if (digit < 10 || letter < 6) {
                    value = value << 4 | digit;
                    ++digits;
                    continue;
                }
                // F is set off by a point or an asterisk
                bool right = c == separators >> 24 || separators == 0 && (c == 0x2e || c == 0x2a);
                if (!right || digits == 0 || digits > 2) return 0;
                groups = groups << 8 | value;
                (value, digits) = (0, 0);
                separators = separators == 0 ? 1 << 32 : uint32(separators << 8);
            }
        }
        if (digits == 0) return 0;
        // five groups, or six
        if (separators == 0 && digits < 3) return groups << 16 | value << 8 | 0xff;
        bool present = digits < 4 && (value == 0xff || value == 0x255);
        return separators == 1 << 32 && present ? groups << 8 | 0xff : 0;
    }
}
