// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";

import {Prices} from "./libraries/Prices.sol";
import {Participants} from "./Participants.sol";
import {Stations} from "./Stations.sol";
import {Tariffs} from "./Tariffs.sol";

/// @title The market's registry
/// @notice Immutable. Governance acts through `authority`, an OpenZeppelin AccessManager, and can admit, suspend
/// and limit; it has no way to money or to a session.
contract Registry is Stations, Tariffs {
    using Prices for Tariff;

    constructor(address authority, Limits memory initial) AccessManaged(authority) Participants(initial) {}

    function openingAt(uint32 number, uint24 supplier, uint40 time) external view returns (Opening memory o) {
        o.station = _stations[number];
        (uint24 grid, uint24 operator) = (o.station.gridOperator, o.station.operator);
        o.supplier = supplier == 0 ? _defaultSupplier(operator) : supplier;
        o.gridOperatorActive = isActive(grid, GRID_OPERATOR);
        o.operatorActive = isActive(operator, STATION_OPERATOR);
        o.supplierActive = isActive(o.supplier, SUPPLIER);
        o.gridTariff = _tariffAt(grid, GRID_OPERATOR, time);
        o.operatorTariff = _tariffAt(operator, STATION_OPERATOR, time);
        Limits memory l = _limits;
        (o.skew, o.backlog) = (l.skew, l.backlog);
        if (o.gridTariff != 0 && o.operatorTariff != 0) _computeReserves(o, l.reserveWh);
    }

    function termsOf(uint32 number, uint16 gridTariff, uint16 operatorTariff) external view returns (Terms memory t) {
        t.station = _stations[number];
        t.grid = _tariff(t.station.gridOperator, GRID_OPERATOR, gridTariff);
        t.operator = _tariff(t.station.operator, STATION_OPERATOR, operatorTariff);
        t.skew = _limits.skew;
    }

    /// @dev What each payer may come to owe for the reserve energy at the highest of the prices in force.
    function _computeReserves(Opening memory o, uint256 energy) private view {
        Tariff memory grid = _tariff(o.station.gridOperator, GRID_OPERATOR, o.gridTariff);
        Tariff memory operator = _tariff(o.station.operator, STATION_OPERATOR, o.operatorTariff);
        uint256 supplies = energy * (grid.highestImport() + operator.highestImport()) + grid.fee() + operator.fee();
        uint256 feedIn = 0;
        if (o.station.maxFeedIn != 0) {
            (int256 lowest, int256 highest) = (grid.lowestExport(), grid.highestExport());
            if (lowest < 0) supplies += energy * uint256(-lowest);
            if (highest > 0) feedIn = energy * uint256(highest);
        }
        // who is both needs cover for both in the one account
        if (o.supplier == o.station.gridOperator) (supplies, feedIn) = (supplies + feedIn, 0);
        // at most 10^6 Wh x 3 x 10^8 plus fees of 2 x 10^12
        (o.supplierReserve, o.gridReserve) = (uint64(supplies), uint64(feedIn));
    }
}
