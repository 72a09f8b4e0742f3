// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IRegistry} from "../interfaces/IRegistry.sol";

/// @notice Arithmetic of a tariff. Wh x micro-euro per kWh is nano-euro, so nothing is ever rounded.
library Prices {
    /// @param levels Wh by price level, level n in bits 64n to 64n + 63
    /// @return nano-euro
    function importAmount(IRegistry.Tariff memory t, uint256 levels) internal pure returns (uint256) {
        return uint64(levels) * uint256(t.importStandard) + uint64(levels >> 64) * uint256(t.importHigh)
            + uint64(levels >> 128) * uint256(t.importLow);
    }

    /// @param levels Wh by price level, level n in bits 64n to 64n + 63
    /// @return nano-euro
    function exportAmount(IRegistry.Tariff memory t, uint256 levels) internal pure returns (int256) {
        return _signed(levels) * t.exportStandard + _signed(levels >> 64) * t.exportHigh
            + _signed(levels >> 128) * t.exportLow;
    }

    /// @return nano-euro
    function fee(IRegistry.Tariff memory t) internal pure returns (uint256) {
        return uint256(t.sessionFee) * 1000;
    }

    /// @return micro-euro per kWh
    function highestImport(IRegistry.Tariff memory t) internal pure returns (uint256) {
        uint256 high = t.importHigh > t.importStandard ? t.importHigh : t.importStandard;
        return t.importLow > high ? t.importLow : high;
    }

    /// @return micro-euro per kWh
    function highestExport(IRegistry.Tariff memory t) internal pure returns (int256) {
        int256 high = t.exportHigh > t.exportStandard ? t.exportHigh : t.exportStandard;
        return t.exportLow > high ? t.exportLow : high;
    }

    /// @return micro-euro per kWh
    function lowestExport(IRegistry.Tariff memory t) internal pure returns (int256) {
        int256 low = t.exportHigh < t.exportStandard ? t.exportHigh : t.exportStandard;
        return t.exportLow < low ? t.exportLow : low;
    }

    function _signed(uint256 levels) private pure returns (int256) {
        return int256(uint256(uint64(levels)));
    }
}
