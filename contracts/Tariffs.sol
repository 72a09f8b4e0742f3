// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Slots} from "./libraries/Slots.sol";
import {Participants} from "./Participants.sol";
import {Prices} from "./libraries/Prices.sol";

/// @notice Tariffs of grid operators and station operators, in versions that are never changed.
abstract contract Tariffs is Participants {
    using Prices for Tariff;

    /// @dev How far back a late opening's version is looked for. With a notice of at least a day that is a week.
    uint256 private constant LOOKBACK = 8;


    mapping(uint24 participant => mapping(uint8 role => Tariff[])) private _tariffs;

    function publishTariff(uint8 role, Tariff calldata next) external returns (uint16 version) {
        uint24 number = _callerAs(role);
        _checkTariff(role, next);
        Tariff[] storage versions = _tariffs[number][role];
        if (versions.length == 0) {
            require(next.validFrom + 900 > block.timestamp, TooEarly(next.validFrom, block.timestamp - 899));
        } else {
            uint256 last = versions[versions.length - 1].validFrom;
            require(last <= block.timestamp, VersionPending(last));
            uint256 earliest = block.timestamp + _limits.notice;
            require(next.validFrom >= earliest, TooEarly(next.validFrom, earliest));
        }
        versions.push(next);
        version = uint16(versions.length);
        require(version == versions.length, VersionPending(next.validFrom));
        emit TariffPublished(number, role, version, next);
    }

    // --------------------------------------------------------------------------------------------- Views

    function tariffCount(uint24 number, uint8 role) external view returns (uint16) {
        return uint16(_tariffs[number][role].length);
    }

    function tariffs(uint24 number, uint8 role, uint16 version) external view returns (Tariff memory) {
        return _tariff(number, role, version);
    }

    function tariffAt(uint24 number, uint8 role, uint40 time) external view returns (uint16) {
        return _tariffAt(number, role, time);
    }

    // ------------------------------------------------------------------------------------------ Internal

    /// @return t the version, empty for version 0
    function _tariff(uint24 number, uint8 role, uint16 version) internal view returns (Tariff memory t) {
        if (version != 0) t = _tariffs[number][role][version - 1];
    }

    function _tariffAt(uint24 number, uint8 role, uint40 time) internal view returns (uint16) {
        Tariff[] storage versions = _tariffs[number][role];
        uint256 count = versions.length;
        for (uint256 i = count; i > 0 && i + LOOKBACK > count; --i) {
            if (versions[i - 1].validFrom <= time) return uint16(i);
        }
        return 0;
    }

    function _checkTariff(uint8 role, Tariff calldata t) private view {
        require(role == GRID_OPERATOR || role == STATION_OPERATOR, InvalidRoles(role));
        Limits memory l = _limits;
        int256 most = role == GRID_OPERATOR ? int256(uint256(l.maxPrice)) : int256(0);
        require(t.highestImport() <= l.maxPrice && t.sessionFee <= l.maxSessionFee, PriceOutOfRange());
        require(t.highestExport() <= most && t.lowestExport() >= -most, PriceOutOfRange());
        require(Slots.areLevels(t.levels), InvalidLevels());
        _requireSlotStart(t.validFrom);
    }
}
