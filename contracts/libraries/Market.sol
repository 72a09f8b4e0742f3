// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IRegistry} from "../interfaces/IRegistry.sol";

/// @notice The market's limits in one word: from the lowest bits, 32 each, skew, backlog, silence, notice, reserve
/// energy, highest price, highest session fee; above them 1 if new clearings are paused.
type Market is uint256;

using MarketFields for Market global;

/// @notice The fields of the market's word.
library MarketFields {
    function pack(IRegistry.Limits memory l, bool isPaused) internal pure returns (Market) {
        return Market.wrap(
            uint256(l.skew) | uint256(l.backlog) << 32 | uint256(l.silence) << 64
                | uint256(l.notice) << 96 | uint256(l.reserveWh) << 128 | uint256(l.maxPrice) << 160
                | uint256(l.maxSessionFee) << 192 | (isPaused ? 1 << 224 : 0)
        );
    }

    function unpack(Market m) internal pure returns (IRegistry.Limits memory) {
        uint256 w = Market.unwrap(m);
        return IRegistry.Limits({
            skew: uint32(w),
            backlog: uint32(w >> 32),
            silence: uint32(w >> 64),
            notice: uint32(w >> 96),
            reserveWh: uint32(w >> 128),
            maxPrice: uint32(w >> 160),
            maxSessionFee: uint32(w >> 192)
        });
    }

    /// @return s
    function skew(Market m) internal pure returns (uint256) {
        return uint32(Market.unwrap(m));
    }

    /// @return s
    function backlog(Market m) internal pure returns (uint256) {
        return uint32(Market.unwrap(m) >> 32);
    }

    /// @return Wh
    function reserveWh(Market m) internal pure returns (uint256) {
        return uint32(Market.unwrap(m) >> 128);
    }

    function paused(Market m) internal pure returns (bool) {
        return Market.unwrap(m) >> 224 != 0;
    }
}
