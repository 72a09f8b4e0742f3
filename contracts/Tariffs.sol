// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Participants} from "./Participants.sol";
import {PriceArithmetic, Prices} from "./libraries/Prices.sol";
import {Slots} from "./libraries/Slots.sol";
import {Storage} from "./libraries/Storage.sol";

/// @notice Tariffs of grid operators and station operators, in versions that are never changed.
abstract contract Tariffs is Participants {
    using Storage for Participant;

    /// @dev How far back a late opening's version is looked for. With a notice of at least a day that is a week.
    uint256 private constant LOOKBACK = 8;

    struct Version {
        Prices prices;
        uint192 levels;
    }

    mapping(uint256 key => Version) private _versions;

    function publishTariff(uint8 role, Tariff calldata next) external returns (uint16 version) {
        uint24 number = _callerAs(role);
        Prices prices = PriceArithmetic.pack(next);
        _checkTariff(role, next, prices);
        uint16 count = _tariffCount(_participants[number], role);
        if (count == 0) {
            require(
                next.validFrom + 900 > block.timestamp,
                TooEarly(next.validFrom, block.timestamp - 899)
            );
        } else {
            uint256 last = _prices(number, role, count).validFrom();
            require(last <= block.timestamp, VersionPending(last));
            uint256 earliest = block.timestamp + _market.unpack().notice;
            require(next.validFrom >= earliest, TooEarly(next.validFrom, earliest));
        }
        version = count + 1;
        _versions[_key(number, role, version)] = Version(prices, next.levels);
        if (role == GRID_OPERATOR) _participants[number].gridTariffs = version;
        else _participants[number].operatorTariffs = version;
        emit TariffPublished(number, role, version, next);
    }

    // --------------------------------------------------------------------------------------------- Views

    function tariffCount(uint24 number, uint8 role) external view returns (uint16) {
        return _tariffCount(_participants[number], role);
    }

    function tariffs(uint24 number, uint8 role, uint16 version)
        external
        view
        returns (Tariff memory)
    {
        (Prices prices, uint192 levels) = _version(number, role, version);
        return prices.unpack(levels);
    }

    function tariffAt(uint24 number, uint8 role, uint40 time)
        external
        view
        returns (uint16 version)
    {
        (version,) = _tariffAt(number, role, _tariffCount(_participants[number], role), time);
    }

    // ------------------------------------------------------------------------------------------ Internal

    /// @param count versions published
    /// @return version in force at `time`, 0 if none
    function _tariffAt(uint24 number, uint8 role, uint16 count, uint40 time)
        internal
        view
        returns (uint16 version, Prices prices)
    {
        uint256 oldest = count > LOOKBACK ? count - LOOKBACK : 0;
        // not below the oldest
        unchecked {
            for (version = count; version > oldest; --version) {
                prices = _prices(number, role, version);
                if (prices.validFrom() <= time) return (version, prices);
            }
        }
        return (0, Prices.wrap(0));
    }

    function _prices(uint24 number, uint8 role, uint16 version) internal view returns (Prices) {
        return _versions[_key(number, role, version)].prices;
    }

    function _version(uint24 number, uint8 role, uint16 version)
        internal
        view
        returns (Prices prices, uint192 levels)
    {
        Version storage v = _versions[_key(number, role, version)];
        return (v.prices, v.levels);
    }

    function _key(uint24 number, uint8 role, uint16 version) private pure returns (uint256) {
        return uint256(number) << 24 | uint256(role) << 16 | version;
    }

    function _tariffCount(Participant memory p, uint8 role) private pure returns (uint16) {
        return
            role == GRID_OPERATOR ? p.gridTariffs : role == STATION_OPERATOR ? p.operatorTariffs : 0;
    }

    function _checkTariff(uint8 role, Tariff calldata t, Prices prices) private view {
        require(role == GRID_OPERATOR || role == STATION_OPERATOR, InvalidRoles(role));
        Limits memory l = _market.unpack();
        require(
            prices.highestImport() <= l.maxPrice && t.sessionFee <= l.maxSessionFee,
            PriceOutOfRange()
        );
        int256 most = role == GRID_OPERATOR ? int256(uint256(l.maxPrice)) : int256(0);
        (int256 low, int256 high) = prices.exportRange();
        require(high <= most && low >= -most, PriceOutOfRange());
        require(Slots.areLevels(t.levels), InvalidLevels());
        _requireSlotStart(t.validFrom);
    }
}
