// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";

import {Participants} from "./Participants.sol";
import {Stations} from "./Stations.sol";
import {Tariffs} from "./Tariffs.sol";
import {Reason} from "./interfaces/Reason.sol";
import {Device} from "./libraries/Device.sol";
import {Market} from "./libraries/Market.sol";
import {Member} from "./libraries/Member.sol";
import {Prices} from "./libraries/Prices.sol";
import {Storage} from "./libraries/Storage.sol";
import {Terms, TermsFields} from "./libraries/Terms.sol";

/// @title The market's registry
/// @notice Immutable. Governance acts through `authority`, an OpenZeppelin AccessManager, and can admit, suspend
/// and limit; it has no way to money or to a session.
contract Registry is Stations, Tariffs {
    using Storage for Station;
    using Storage for Participant;

    /// @dev A station's two operators and their tariffs in force.
    struct Operators {
        Member grid;
        Member operator;
        uint16 gridTariff; // version, 0: none
        uint16 operatorTariff; // version, 0: none
        Prices gridPrices;
        Prices operatorPrices;
    }

    constructor(address authority, Limits memory initial)
        AccessManaged(authority)
        Participants(initial)
    {}

    function openingTerms(uint32 number, uint24 supplier, uint40 time)
        external
        view
        returns (Device device, Terms terms, Reason refusal, Market market)
    {
        device = _stations[number].load();
        market = _market;
        Member grid = _participants[device.gridOperator()].load();
        Member operator = _participants[device.operator()].load();
        if (supplier == 0) supplier = _defaultSupplier(device.operator(), operator);
        (uint16 gridTariff, Prices gridPrices) =
            _tariffAt(device.gridOperator(), GRID_OPERATOR, grid.gridTariffs(), time);
        (uint16 operatorTariff, Prices operatorPrices) =
            _tariffAt(device.operator(), STATION_OPERATOR, operator.operatorTariffs(), time);
        Operators memory c =
            Operators(grid, operator, gridTariff, operatorTariff, gridPrices, operatorPrices);
        refusal = market.paused() ? Reason.MarketPaused : _refusal(c, supplier);
        terms = _terms(device, supplier, c, market.reserveWh());
    }

    function tariffsOf(uint32 number, Terms terms)
        external
        view
        returns (
            Device device,
            Prices grid,
            uint256 gridLevels,
            Prices operator,
            uint256 operatorLevels,
            Market market
        )
    {
        device = _stations[number].load();
        (grid, gridLevels) = _version(terms.gridOperator(), GRID_OPERATOR, terms.gridTariff());
        (operator, operatorLevels) =
            _version(terms.stationOperator(), STATION_OPERATOR, terms.operatorTariff());
        market = _market;
    }

    function _refusal(Operators memory c, uint24 supplier) private view returns (Reason) {
        if (!c.grid.isActive(GRID_OPERATOR)) return Reason.GridOperatorInactive;
        if (!c.operator.isActive(STATION_OPERATOR)) return Reason.StationOperatorInactive;
        if (c.gridTariff == 0) return Reason.NoGridTariff;
        if (c.operatorTariff == 0) return Reason.NoOperatorTariff;
        if (supplier == 0) return Reason.NoSupplier;
        bool active = _participants[supplier].load().isActive(SUPPLIER);
        return active ? Reason.None : Reason.SupplierInactive;
    }

    function _terms(Device device, uint24 supplier, Operators memory c, uint256 reserveWh)
        private
        pure
        returns (Terms)
    {
        (uint256 supplies, uint256 feedIn) =
            _reserves(reserveWh, c.gridPrices, c.operatorPrices, device.maxFeedIn() != 0);
        // who is both needs cover for both in the one account
        if (supplier == device.gridOperator()) (supplies, feedIn) = (supplies + feedIn, 0);
        return TermsFields.pack(
            supplier,
            device.gridOperator(),
            device.operator(),
            c.gridTariff,
            c.operatorTariff,
            supplies,
            feedIn
        );
    }

    /// @dev What each payer may come to owe for the reserve energy at the highest of the prices in force:
    /// at most 10^6 Wh x 4 x 10^8 and fees of 2 x 10^12.
    function _reserves(uint256 energy, Prices grid, Prices operator, bool feedsIn)
        private
        pure
        returns (uint256 supplies, uint256 feedIn)
    {
        // prices and energy of 32 bits
        unchecked {
            supplies = energy * (grid.highestImport() + operator.highestImport()) + grid.fee()
                + operator.fee();
            if (!feedsIn) return (supplies, 0);
            (int256 lowest, int256 highest) = grid.exportRange();
            if (lowest < 0) supplies += energy * uint256(-lowest);
            if (highest > 0) feedIn = energy * uint256(highest);
        }
    }
}
