// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

/// @notice A station in one word, as the registry stores it (IRegistry.Station): from the lowest bits, key 160, grid
/// operator 24, operator 24, power 24, power of feed-in 24.
type Device is uint256;

using DeviceFields for Device global;

/// @notice The fields of a station.
library DeviceFields {
    function key(Device d) internal pure returns (address) {
        return address(uint160(Device.unwrap(d)));
    }

    function gridOperator(Device d) internal pure returns (uint24) {
        return uint24(Device.unwrap(d) >> 160);
    }

    function operator(Device d) internal pure returns (uint24) {
        return uint24(Device.unwrap(d) >> 184);
    }

    /// @return W, from the grid
    function maxPower(Device d) internal pure returns (uint256) {
        return uint24(Device.unwrap(d) >> 208);
    }

    /// @return W, into the grid; 0: charges only
    function maxFeedIn(Device d) internal pure returns (uint256) {
        return Device.unwrap(d) >> 232;
    }
}
