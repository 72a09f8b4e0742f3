// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";

import {Participants} from "./Participants.sol";
import {Stations} from "./Stations.sol";
import {Tariffs} from "./Tariffs.sol";
import {Reason} from "./interfaces/Reason.sol";
import {Prices} from "./libraries/Prices.sol";
import {Storage} from "./libraries/Storage.sol";

/// @title The market's registry
/// @notice Immutable. Governance acts through `authority`, an OpenZeppelin AccessManager, and can admit, suspend
/// and limit; it has no way to money or to a session.
contract Registry is Stations, Tariffs {
    using Storage for Station;
    using Storage for Participant;

    constructor(address authority, Limits memory initial)
        AccessManaged(authority)
        Participants(initial)
    {}

    function openingAt(uint32 number, uint24 supplier, uint40 time)
        external
        view
        returns (Opening memory o)
    {
        o.station = _stations[number].load();
        (uint24 gridOperator, uint24 stationOperator) = (o.station.gridOperator, o.station.operator);
        Participant memory grid = _participants[gridOperator].load();
        Participant memory operator = _participants[stationOperator].load();
        o.supplier = supplier == 0 ? _defaultSupplier(stationOperator, operator) : supplier;
        Prices gridPrices;
        Prices operatorPrices;
        (o.gridTariff, gridPrices) = _tariffAt(gridOperator, GRID_OPERATOR, grid.gridTariffs, time);
        (o.operatorTariff, operatorPrices) =
            _tariffAt(stationOperator, STATION_OPERATOR, operator.operatorTariffs, time);
        o.refusal = _refusal(o, grid, operator);
        Limits storage l = _limits;
        (o.skew, o.backlog) = (l.skew, l.backlog);
        _computeReserves(o, l.reserveWh, gridPrices, operatorPrices);
    }

    function termsOf(uint32 number, uint16 gridTariff, uint16 operatorTariff)
        external
        view
        returns (Terms memory t)
    {
        t.station = _stations[number].load();
        t.gridPrices = _prices(t.station.gridOperator, GRID_OPERATOR, gridTariff);
        t.gridLevels = _levels(t.station.gridOperator, GRID_OPERATOR, gridTariff);
        t.operatorPrices = _prices(t.station.operator, STATION_OPERATOR, operatorTariff);
        t.operatorLevels = _levels(t.station.operator, STATION_OPERATOR, operatorTariff);
        t.skew = _limits.skew;
    }

    function _refusal(Opening memory o, Participant memory grid, Participant memory operator)
        private
        view
        returns (Reason)
    {
        if (!grid.active || grid.roles & GRID_OPERATOR == 0) return Reason.GridOperatorInactive;
        if (!operator.active || operator.roles & STATION_OPERATOR == 0) {
            return Reason.StationOperatorInactive;
        }
        if (o.gridTariff == 0) return Reason.NoGridTariff;
        if (o.operatorTariff == 0) return Reason.NoOperatorTariff;
        if (o.supplier == 0) return Reason.NoSupplier;
        Participant memory supplier = _participants[o.supplier].load();
        return
            supplier.active && supplier.roles & SUPPLIER != 0
                ? Reason.None
                : Reason.SupplierInactive;
    }

    /// @dev What each payer may come to owe for the reserve energy at the highest of the prices in force.
    function _computeReserves(Opening memory o, uint256 energy, Prices grid, Prices operator)
        private
        pure
    {
        uint256 supplies = energy * (grid.highestImport() + operator.highestImport()) + grid.fee()
            + operator.fee();
        uint256 feedIn = 0;
        if (o.station.maxFeedIn != 0) {
            (int256 lowest, int256 highest) = grid.exportRange();
            if (lowest < 0) supplies += energy * uint256(-lowest);
            if (highest > 0) feedIn = energy * uint256(highest);
        }
        // who is both needs cover for both in the one account
        if (o.supplier == o.station.gridOperator) (supplies, feedIn) = (supplies + feedIn, 0);
        // at most 10^6 Wh x 4 x 10^8 and fees of 2 x 10^12
        (o.supplierReserve, o.gridReserve) = (uint64(supplies), uint64(feedIn));
    }
}
