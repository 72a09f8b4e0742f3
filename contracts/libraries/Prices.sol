// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IRegistry} from "../interfaces/IRegistry.sol";

/// @notice A tariff's prices in one word, as the registry stores them and the ledger computes with them: from the
/// lowest bits, 32 each, import standard, high, low; export standard, high, low (signed); session fee; valid from.
type Prices is uint256;

using PriceArithmetic for Prices global;

/// @notice Arithmetic of a tariff. Wh x micro-euro per kWh is nano-euro, so nothing is ever rounded.
library PriceArithmetic {
    function pack(IRegistry.Tariff memory t) internal pure returns (Prices) {
        uint256 imports =
            uint256(t.importStandard) | uint256(t.importHigh) << 32 | uint256(t.importLow) << 64;
        uint256 exports = uint256(uint32(t.exportStandard)) | uint256(uint32(t.exportHigh)) << 32
            | uint256(uint32(t.exportLow)) << 64;
        return Prices.wrap(
            imports | exports << 96 | uint256(t.sessionFee) << 192 | uint256(t.validFrom) << 224
        );
    }

    function unpack(Prices p, uint192 levels) internal pure returns (IRegistry.Tariff memory) {
        uint256 w = Prices.unwrap(p);
        return IRegistry.Tariff({
            importStandard: uint32(w),
            importHigh: uint32(w >> 32),
            importLow: uint32(w >> 64),
            exportStandard: int32(uint32(w >> 96)),
            exportHigh: int32(uint32(w >> 128)),
            exportLow: int32(uint32(w >> 160)),
            sessionFee: uint32(w >> 192),
            validFrom: uint32(w >> 224),
            levels: levels
        });
    }

    /// @return UTC seconds
    function validFrom(Prices p) internal pure returns (uint256) {
        return Prices.unwrap(p) >> 224;
    }

    /// @return nano-euro
    function fee(Prices p) internal pure returns (uint256) {
        // 32 bits x 1000
        unchecked {
            return uint256(uint32(Prices.unwrap(p) >> 192)) * 1000;
        }
    }

    /// @param sum Wh by price level, see `Slots.split`
    /// @return nano-euro
    function importAmount(Prices p, uint256 sum) internal pure returns (uint256) {
        uint256 w = Prices.unwrap(p);
        // 3 x 2^32 x 2^32
        unchecked {
            return _imported(sum) * uint32(w) + _imported(sum >> 80) * uint32(w >> 32)
                + _imported(sum >> 160) * uint32(w >> 64);
        }
    }

    /// @param sum Wh by price level, see `Slots.split`
    /// @return nano-euro, negative if the prices are
    function exportAmount(Prices p, uint256 sum) internal pure returns (int256) {
        uint256 w = Prices.unwrap(p) >> 96;
        // 3 x 2^48 x 2^31
        unchecked {
            return _exported(sum) * int32(uint32(w)) + _exported(sum >> 80) * int32(uint32(w >> 32))
                + _exported(sum >> 160) * int32(uint32(w >> 64));
        }
    }

    /// @return micro-euro per kWh
    function highestImport(Prices p) internal pure returns (uint256) {
        uint256 w = Prices.unwrap(p);
        return _max(_max(uint32(w), uint32(w >> 32)), uint32(w >> 64));
    }

    /// @return low micro-euro per kWh
    /// @return high micro-euro per kWh
    function exportRange(Prices p) internal pure returns (int256 low, int256 high) {
        uint256 w = Prices.unwrap(p) >> 96;
        int256 a = int32(uint32(w));
        int256 b = int32(uint32(w >> 32));
        int256 c = int32(uint32(w >> 64));
        (low, high) = a < b ? (a, b) : (b, a);
        if (c < low) low = c;
        if (c > high) high = c;
    }

    function _max(uint256 a, uint256 b) private pure returns (uint256) {
        return a > b ? a : b;
    }

    function _imported(uint256 sum) private pure returns (uint256) {
        return uint32(sum >> 48);
    }

    function _exported(uint256 sum) private pure returns (int256) {
        return int256(uint256(uint48(sum)));
    }
}
