// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IRegistry} from "../../contracts/interfaces/IRegistry.sol";
import {ISessions} from "../../contracts/interfaces/ISessions.sol";
import {Reason} from "../../contracts/interfaces/Reason.sol";
import {Drawing} from "./Drawing.sol";
import {Reference} from "./Reference.sol";

/// @notice The decision about an opening, which uses its session number up, and the reserves it holds.
///
/// OpenSession that may be decided
/// ├── refused, and never cleared later
/// │   ├── the grid operator is suspended or lost its role: GridOperatorInactive
/// │   ├── the station operator: StationOperatorInactive
/// │   ├── no tariff is in force at its time: NoGridTariff, NoOperatorTariff
/// │   ├── nobody supplies the vehicle, and no default supplier agrees: NoSupplier
/// │   ├── the supplier is suspended or lost its role: SupplierInactive
/// │   ├── the vehicle is in an open session elsewhere: VehicleBusy
/// │   ├── the supplier has open claims or too little: SupplierNotCovered
/// │   └── the grid operator, where it may have to pay: GridOperatorNotCovered
/// └── cleared: the reserves are held, exact to the nano-euro, until the session ends
contract ClearingTest is Drawing {
    // ------------------------------------------------------------------------------------------- Refusals

    /// @dev Everything is wrong at first and is set right one by one: the reasons come in their order.
    function test_decisions_come_in_their_order() public {
        address poorGrid = address(0x602);
        address newOperator = address(0x702);
        uint24 poor = admit(poorGrid, GRID_OPERATOR);
        uint24 fresh = admit(newOperator, STATION_OPERATOR);
        registerMeter(poorGrid, "new meter");
        uint32 n = addStation(
            newOperator, poorGrid, "new meter", vm.addr(STATION_KEY), MAX_POWER, MAX_POWER
        );
        vm.prank(supplierAccount);
        ledger.releaseVehicles(one(CAR), uint40(START + 900));
        vm.startPrank(governance);
        registry.suspend(poor);
        registry.suspend(fresh);
        registry.suspend(otherSupplier);
        vm.stopPrank();
        vm.warp(START + 900);

        expectRefusal(opening(n, 1, CAR, START + 900, 0, 0), Reason.GridOperatorInactive);
        vm.prank(governance);
        registry.reinstate(poor);
        expectRefusal(opening(n, 2, CAR, START + 900, 0, 0), Reason.StationOperatorInactive);
        vm.prank(governance);
        registry.reinstate(fresh);
        expectRefusal(opening(n, 3, CAR, START + 900, 0, 0), Reason.NoGridTariff);
        publish(poorGrid, GRID_OPERATOR, gridTariff());
        expectRefusal(opening(n, 4, CAR, START + 900, 0, 0), Reason.NoOperatorTariff);
        publish(newOperator, STATION_OPERATOR, operatorTariff());
        expectRefusal(opening(n, 5, CAR, START + 900, 0, 0), Reason.NoSupplier);
        expectRefusal(opening(n, 6, OTHER_CAR, START + 900, 0, 0), Reason.SupplierInactive);
        vm.prank(governance);
        registry.reinstate(otherSupplier);
        plugIn(feeding, OTHER_CAR);
        spend(otherSupplierAccount, otherSupplier);
        expectRefusal(opening(n, 7, OTHER_CAR, START + 900, 0, 0), Reason.VehicleBusy);
        unplug(feeding);
        spend(otherSupplierAccount, otherSupplier);
        expectRefusal(opening(n, 8, OTHER_CAR, START + 900, 0, 0), Reason.SupplierNotCovered);
        fund(otherSupplier, 100 * EURO);
        expectRefusal(opening(n, 9, OTHER_CAR, START + 900, 0, 0), Reason.GridOperatorNotCovered);
        fund(poor, 100 * EURO);
        plugIn(n, OTHER_CAR);
    }

    function test_role_taken_away() public {
        setRoles(grid, STATION_OPERATOR);
        expectRefusal(opening(station, 1, CAR, START, 0, 0), Reason.GridOperatorInactive);
        setRoles(grid, GRID_OPERATOR);
        setRoles(operator, GRID_OPERATOR);
        expectRefusal(opening(station, 2, CAR, START, 0, 0), Reason.StationOperatorInactive);
        setRoles(operator, STATION_OPERATOR);
        setRoles(supplier, GRID_OPERATOR);
        expectRefusal(opening(station, 3, CAR, START, 0, 0), Reason.SupplierInactive);
        setRoles(supplier, SUPPLIER);
        plugIn(station, CAR);
    }

    function test_tariffs_count_at_the_time_of_the_opening() public {
        vm.warp(START + 30);
        expectRefusal(opening(station, 1, CAR, START - 1, 0, 0), Reason.NoGridTariff);
        plugIn(station, CAR);
    }

    /// @dev The next version is in force when the message arrives, but was not when the vehicle plugged in.
    function test_late_opening_takes_the_tariff_of_its_time() public {
        IRegistry.Tariff memory next = gridTariff();
        next.importHigh = 1_000_000;
        next.validFrom = uint32(START + 2 days);
        publish(gridAccount, GRID_OPERATOR, next);
        vm.warp(START + 3 days);
        expectReason(signed(opening(station, 1, CAR, START + 2 days - 1, 0, 0)), Reason.None);
        assertEq(ledger.sessions(station).gridTariff, 1, "version before");
        assertEq(ledger.sessions(station).supplierReserve, 60_000 * 180_000 + 350e6, "its reserve");
        expectReason(signed(opening(feeding, 1, OTHER_CAR, START + 2 days, 0, 0)), Reason.None);
        assertEq(ledger.sessions(feeding).gridTariff, 2, "version after");
    }

    function test_supplier_counts_at_the_time_of_the_opening() public {
        vm.prank(supplierAccount);
        ledger.offerVehicles(one(CAR), otherSupplier, uint40(START + 1800));
        vm.prank(otherSupplierAccount);
        ledger.acceptVehicles(one(CAR));
        vm.warp(START + 5000);
        expectReason(signed(opening(station, 1, CAR, START + 1799, 0, 0)), Reason.None);
        assertEq(ledger.sessions(station).supplier, supplier, "before the change");
        vm.warp(START + 5000);
        unplug(station);
        expectReason(signed(opening(feeding, 1, CAR, START + 1800, 0, 0)), Reason.None);
        assertEq(ledger.sessions(feeding).supplier, otherSupplier, "from the change on");
    }

    // ----------------------------------------------------------------------------------- Default supplier

    function test_default_supplier() public {
        offerDefault(true);
        vm.prank(operatorAccount);
        registry.setDefaultSupplier(otherSupplier);
        plugIn(station, "unregistered");
        assertEq(ledger.sessions(station).supplier, otherSupplier, "supplier");
        assertEq(ledger.vehicles("unregistered").station, 0, "nobody's vehicle is not followed");
        plugIn(feeding, "unregistered");
        unplug(feeding);
        // a vehicle of its own supplier stays with it
        plugIn(feeding, CAR);
        assertEq(ledger.sessions(feeding).supplier, supplier, "own supplier");
    }

    function test_default_supplier_no_longer_agrees() public {
        offerDefault(true);
        vm.prank(operatorAccount);
        registry.setDefaultSupplier(otherSupplier);
        offerDefault(false);
        expectRefusal(opening(station, 1, "unregistered", START, 0, 0), Reason.NoSupplier);
        offerDefault(true);
        plugIn(station, "unregistered");
    }

    function test_default_supplier_suspended() public {
        offerDefault(true);
        vm.prank(operatorAccount);
        registry.setDefaultSupplier(otherSupplier);
        vm.prank(governance);
        registry.suspend(otherSupplier);
        expectRefusal(opening(station, 1, "unregistered", START, 0, 0), Reason.SupplierInactive);
    }

    function test_agreement_alone_names_nobody() public {
        offerDefault(true);
        expectRefusal(opening(station, 1, "unregistered", START, 0, 0), Reason.NoSupplier);
    }

    // --------------------------------------------------------------------------------------- Vehicle busy

    function test_vehicle_free_again_after_a_final_report() public {
        plugIn(station, CAR);
        expectRefusal(opening(feeding, 1, CAR, START, 0, 0), Reason.VehicleBusy);
        plugIn(feeding, OTHER_CAR);
        unplug(feeding);
        charge(station, 0, 0, false);
        expectRefusal(opening(feeding, 3, CAR, START, 0, 0), Reason.VehicleBusy);
        unplug(station);
        plugIn(feeding, CAR);
    }

    function test_vehicle_free_again_after_expiry() public {
        plugIn(station, CAR);
        vm.warp(START + 12 hours + 1);
        expectRefusal(opening(feeding, 1, CAR, block.timestamp, 0, 0), Reason.VehicleBusy);
        ledger.expire(station);
        plugIn(feeding, CAR);
    }

    function test_vehicle_not_busy_by_a_refusal() public {
        vm.prank(governance);
        registry.suspend(supplier);
        expectRefusal(opening(station, 1, CAR, START, 0, 0), Reason.SupplierInactive);
        vm.prank(governance);
        registry.reinstate(supplier);
        plugIn(feeding, CAR);
    }

    /// @dev The station where it was last is open again, with another vehicle.
    function test_vehicle_not_busy_by_its_last_stations_next_session() public {
        plugIn(station, CAR);
        unplug(station);
        plugIn(station, OTHER_CAR);
        plugIn(feeding, CAR);
        expectReason(signed(opening(station, 2, CAR, START, 0, 0)), Reason.SessionUsed);
    }

    /// @dev Released in the middle of a session: under default supply nobody asks where it is.
    function test_vehicle_not_busy_under_default_supply() public {
        offerDefault(true);
        vm.prank(operatorAccount);
        registry.setDefaultSupplier(otherSupplier);
        plugIn(station, CAR);
        vm.prank(supplierAccount);
        ledger.releaseVehicles(one(CAR), uint40(START + 900));
        vm.warp(START + 900);
        plugIn(feeding, CAR);
        assertEq(ledger.sessions(feeding).supplier, otherSupplier, "default supplier");
        assertEq(ledger.vehicles(CAR).station, station, "remembered where it was its own");
    }

    function test_vehicle_again_at_its_own_station() public {
        plugIn(station, CAR);
        unplug(station);
        plugIn(station, CAR);
        assertEq(ledger.vehicles(CAR).session, 2, "session");
    }

    // ------------------------------------------------------------------------------------------- Reserves

    function test_reserves_of_a_station_that_charges() public {
        plugIn(station, CAR);
        uint256 reserve = 60_000 * (120_000 + 60_000) + 350_000 * 1000;
        assertEq(ledger.sessions(station).supplierReserve, reserve, "supplier's");
        assertEq(ledger.sessions(station).gridReserve, 0, "grid operator's");
        assertEq(accountOf(supplier).reserved, reserve, "held");
        assertEq(accountOf(grid).reserved, 0, "nothing held");
        assertEq(accountOf(supplier).balance, 1000 * NANO, "the balance includes it");
    }

    function test_reserves_of_a_station_that_feeds_in() public {
        plugIn(feeding, CAR);
        uint256 reserve = 60_000 * (120_000 + 60_000) + 350_000 * 1000 + 60_000 * 20_000;
        assertEq(ledger.sessions(feeding).supplierReserve, reserve, "with the negative price");
        assertEq(ledger.sessions(feeding).gridReserve, 60_000 * 150_000, "for the highest price");
        assertEq(accountOf(grid).reserved, 60_000 * 150_000, "held");
        plugIn(station, OTHER_CAR);
        assertEq(accountOf(grid).reserved, 60_000 * 150_000, "another session holds nothing here");
    }

    function test_reserves_are_released_by_each_end() public {
        plugIn(feeding, CAR);
        unplug(feeding);
        assertEq(accountOf(supplier).reserved, 0, "final report: supplier");
        assertEq(accountOf(grid).reserved, 0, "final report: grid operator");
        plugIn(feeding, CAR);
        vm.warp(START + 12 hours + 1);
        ledger.expire(feeding);
        assertEq(accountOf(supplier).reserved, 0, "expiry: supplier");
        assertEq(accountOf(grid).reserved, 0, "expiry: grid operator");
    }

    /// @dev Limits and tariffs may change while it runs: what was held is what is released.
    function test_reserve_held_is_the_reserve_released() public {
        plugIn(feeding, CAR);
        IRegistry.Limits memory limits = defaultLimits();
        limits.reserveWh = 1;
        vm.prank(governance);
        registry.setLimits(limits);
        plugIn(station, OTHER_CAR);
        assertEq(accountOf(otherSupplier).reserved, 180_000 + 350e6, "by the new limit");
        unplug(feeding);
        assertEq(accountOf(supplier).reserved, 0, "supplier");
        assertEq(accountOf(grid).reserved, 0, "grid operator");
    }

    function test_covered_to_the_nano_euro() public {
        uint256 reserve = 60_000 * 180_000 + 350e6;
        setBalance(supplierAccount, supplier, 2 * reserve - 1000);
        uint32 next =
            addStation(operatorAccount, gridAccount, METER, vm.addr(STATION_KEY), MAX_POWER, 0);
        plugIn(station, CAR);
        bytes32 car = registerVehicle(supplierAccount, "second");
        expectRefusal(opening(next, 1, car, START, 0, 0), Reason.SupplierNotCovered);
        unplug(station);
        setBalance(supplierAccount, supplier, 2 * reserve);
        plugIn(station, CAR);
        plugIn(next, car);
    }

    function test_grid_operator_covered_to_the_nano_euro() public {
        setBalance(gridAccount, grid, 60_000 * 150_000 - 1000);
        expectRefusal(opening(feeding, 1, CAR, START, 0, 0), Reason.GridOperatorNotCovered);
        plugIn(station, CAR);
        unplug(station);
        fund(grid, 1);
        plugIn(feeding, CAR);
    }

    struct Drawn {
        IRegistry.Tariff grid;
        IRegistry.Tariff operator;
        uint32 reserveWh;
        bool feedsIn;
        bool gridSupplies;
    }

    /// @dev Against the protocol's sentence, with the smallest balances that can cover and one unit less.
    function testFuzz_reserves(Drawn memory d) public {
        (d.grid, d.operator) = (cleanTariff(d.grid, true), cleanTariff(d.operator, false));
        d.reserveWh = uint32(bound(d.reserveWh, 0, 1e6));
        IRegistry.Limits memory limits = defaultLimits();
        limits.reserveWh = d.reserveWh;
        vm.prank(governance);
        registry.setLimits(limits);
        address utilityAccount = address(0x801);
        uint24 utility = admit(utilityAccount, d.gridSupplies ? 7 : 6);
        publish(utilityAccount, GRID_OPERATOR, d.grid);
        publish(utilityAccount, STATION_OPERATOR, d.operator);
        registerMeter(utilityAccount, "utility meter");
        uint32 n = addStation(
            utilityAccount,
            utilityAccount,
            "utility meter",
            vm.addr(STATION_KEY),
            MAX_POWER,
            d.feedsIn ? 1 : 0
        );
        (uint256 supplies, uint256 feeds) =
            Reference.reserves(d.grid, d.operator, d.reserveWh, d.feedsIn);
        if (!d.gridSupplies) {
            clears(n, CAR, supplier, utility, supplies, feeds);
        } else {
            bytes32 car = registerVehicle(utilityAccount, "utility car");
            clears(n, car, utility, utility, supplies + feeds, 0);
        }
    }

    function clears(
        uint32 n,
        bytes32 vehicle,
        uint24 payer,
        uint24 utility,
        uint256 supplies,
        uint256 feeds
    ) private {
        if (payer == supplier) setBalance(supplierAccount, supplier, 0);
        if (supplies > 0) {
            fund(payer, (supplies + 999) / 1000 - 1);
            expectRefusal(opening(n, 1, vehicle, START, 0, 0), Reason.SupplierNotCovered);
            fund(payer, 1);
        }
        if (feeds > 0) {
            fund(utility, (feeds + 999) / 1000 - 1);
            expectRefusal(opening(n, 2, vehicle, START, 0, 0), Reason.GridOperatorNotCovered);
            fund(utility, 1);
        }
        expectReason(signed(opening(n, 3, vehicle, START, 0, 0), STATION_KEY), Reason.None);
        assertEq(ledger.sessions(n).supplierReserve, supplies, "supplier's reserve");
        assertEq(ledger.sessions(n).gridReserve, feeds, "grid operator's reserve");
        assertEq(accountOf(payer).reserved, supplies, "held of the supplier");
        if (payer != utility) assertEq(accountOf(utility).reserved, feeds, "of the grid operator");
    }

    // -------------------------------------------------------------------------------------------- Helpers

    function setRoles(uint24 participant, uint8 roles) private {
        vm.prank(governance);
        registry.setRoles(participant, roles);
    }

    function offerDefault(bool offered) private {
        vm.prank(otherSupplierAccount);
        registry.offerDefaultSupply(operator, offered);
    }

    /// @dev Withdraws whatever is free.
    function spend(address account, uint24 participant) private {
        uint96 free = accountOf(participant).balance - accountOf(participant).reserved;
        if (free < 1000) return;
        vm.prank(account);
        vault.withdraw(free, account);
    }

    function setBalance(address account, uint24 participant, uint256 nano) private {
        spend(account, participant);
        if (nano != 0) fund(participant, nano / 1000);
    }
}
