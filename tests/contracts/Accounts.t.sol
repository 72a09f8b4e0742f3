// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IAccounts} from "../../contracts/interfaces/IAccounts.sol";
import {IRegistry} from "../../contracts/interfaces/IRegistry.sol";
import {ISessions} from "../../contracts/interfaces/ISessions.sol";
import {Reason} from "../../contracts/interfaces/Reason.sol";
import {Fixture} from "./Fixture.sol";

/// @notice Who pays what at once, what stays open, and what may leave an account.
///
/// A posting
/// ├── is paid from what the balance exceeds the open claims by, reserve or not
/// ├── the rest becomes an open claim of the pair, which stops clearings and withdrawals
/// └── to oneself moves no money
/// collect
/// ├── nothing open, or an empty payer: NothingToCollect
/// └── by anybody, as far as the balance goes
/// debit (Vault.withdraw)
/// ├── claims open: ClaimsOpen
/// ├── more than the balance without the reserve: NotCovered
/// └── a suspended participant may withdraw
contract AccountsTest is Fixture {
    // --------------------------------------------------------------------------------------------- Claims

    function test_claim_opens_for_what_is_not_covered() public {
        setReserve(0);
        plugIn(station, CAR);
        payOut(supplierAccount, supplier, 350e6);
        vm.warp(START + 900);
        vm.expectEmit(address(ledger));
        emit IAccounts.ClaimOpened(supplier, grid, 10e6);
        vm.expectEmit(address(ledger));
        emit IAccounts.ClaimOpened(supplier, operator, 150e6);
        // at 0.12, the high network charge, and 0.05, the standard service fee
        charge(station, 3000, 0, false);

        account(supplier, 0, 350e6, 160e6);
        account(grid, 1000e9 + 350e6, 0, 0);
        account(operator, 0, 0, 0);
        pair(supplier, grid, 360e6, 10e6);
        pair(supplier, operator, 150e6, 150e6);
    }

    /// @dev A payer with money, but less than it owes: the new posting opens in full.
    function test_claims_come_first() public {
        openClaims();
        fund(supplier, 50_000);
        vm.warp(START + 1800);
        charge(station, 100, 0, false);
        // 100 Wh at 0.03 and 0.06
        pair(supplier, grid, 363e6, 13e6);
        pair(supplier, operator, 156e6, 156e6);
        account(supplier, 50e6, 350e6, 169e6);
    }

    /// @dev More than it owes: only what exceeds the claims pays the new posting.
    function test_only_what_exceeds_the_claims_pays() public {
        openClaims();
        fund(supplier, 164_000);
        vm.warp(START + 1800);
        charge(station, 100, 0, false);
        pair(supplier, grid, 363e6, 10e6);
        pair(supplier, operator, 156e6, 155e6);
        account(supplier, 160e6, 350e6, 165e6);
    }

    function test_reserve_blocks_no_payment() public {
        plugIn(station, CAR);
        payOut(supplierAccount, supplier, 0);
        uint80 reserved = accountOf(supplier).reserved;
        account(supplier, reserved, reserved, 0);
        vm.warp(START + 900);
        charge(station, 1000, 0, false);
        account(supplier, reserved - 170e6, reserved, 0);
    }

    function test_claim_stops_clearings() public {
        openClaims();
        fund(supplier, 1000 * EURO);
        bytes32 car = registerVehicle(supplierAccount, "second");
        expectRefusal(opening(feeding, 1, car, block.timestamp, 0, 0), Reason.SupplierNotCovered);
        ledger.collect(supplier, grid);
        expectRefusal(opening(feeding, 2, car, block.timestamp, 0, 0), Reason.SupplierNotCovered);
        ledger.collect(supplier, operator);
        plugIn(feeding, car);
    }

    function test_claim_of_the_grid_operator_stops_feed_in() public {
        setReserve(0);
        payOut(gridAccount, grid, 0);
        plugIn(feeding, CAR);
        vm.warp(START + 900);
        charge(feeding, 0, 100, true);
        pair(grid, supplier, 15e6, 15e6);
        setReserve(1);
        fund(grid, 1000 * EURO);
        expectRefusal(
            opening(feeding, 2, CAR, block.timestamp, 0, 100), Reason.GridOperatorNotCovered
        );
        // it receives for a station that only charges
        plugIn(station, CAR);
        unplug(station);
        ledger.collect(grid, supplier);
        plugIn(feeding, CAR);
    }

    /// @dev What a payer receives within a report pays what comes after it in the same report.
    function test_postings_of_a_report_are_paid_in_their_order() public {
        setReserve(0);
        plugIn(feeding, CAR);
        payOut(supplierAccount, supplier, 350e6);
        unplug(feeding);
        account(supplier, 0, 0, 0);
        fund(supplier, 350_000);
        plugIn(feeding, CAR);
        payOut(supplierAccount, supplier, 350e6);
        vm.warp(START + 900);
        charge(feeding, 5000, 5000, true);
        // 0.60 network charge, 0.25 and 0.35 service fee, 0.75 feed-in
        pair(supplier, grid, 600e6, 250e6);
        pair(supplier, operator, 350e6 + 600e6, 600e6);
        pair(grid, supplier, 750e6, 0);
        account(supplier, 750e6, 0, 850e6);
    }

    // --------------------------------------------------------------------------------------------- Collect

    function test_collect_in_full() public {
        openClaims();
        fund(supplier, 170_000);
        vm.expectEmit(address(ledger));
        emit IAccounts.Collected(supplier, operator, 150e6);
        vm.prank(stranger);
        assertEq(ledger.collect(supplier, operator), 150e6, "paid");
        account(supplier, 20e6, 350e6, 10e6);
        account(operator, 150e6, 0, 0);
        pair(supplier, operator, 150e6, 0);
        nothingToCollect(supplier, operator);
    }

    function test_collect_as_far_as_the_balance_goes() public {
        openClaims();
        fund(supplier, 6000);
        assertEq(ledger.collect(supplier, grid), 6e6, "paid");
        account(supplier, 0, 350e6, 154e6);
        pair(supplier, grid, 360e6, 4e6);
        nothingToCollect(supplier, grid);
        fund(supplier, 1);
        assertEq(ledger.collect(supplier, grid), 1000, "paid");
    }

    function test_collect_takes_the_reserve_too() public {
        openClaims();
        fund(supplier, 160_000);
        ledger.collect(supplier, grid);
        ledger.collect(supplier, operator);
        account(supplier, 0, 350e6, 0);
    }

    function test_nothing_to_collect() public {
        nothingToCollect(supplier, grid);
        nothingToCollect(0, 0);
        nothingToCollect(99, supplier);
        openClaims();
        nothingToCollect(grid, supplier);
        nothingToCollect(supplier, grid);
    }

    // ------------------------------------------------------------------------------------------ Withdrawal

    function test_withdraw_not_below_the_reserve() public {
        plugIn(station, CAR);
        uint96 free = accountOf(supplier).balance - accountOf(supplier).reserved;
        notCovered(free, free + 1000);
        vm.prank(supplierAccount);
        vault.withdraw(free, supplierAccount);
        notCovered(0, 1000);
        unplug(station);
        uint96 rest = accountOf(supplier).balance;
        vm.prank(supplierAccount);
        vault.withdraw(rest, supplierAccount);
        account(supplier, 0, 0, 0);
    }

    /// @dev Payments may take the balance below the reserve: then nothing is free.
    function test_withdraw_with_a_reserve_above_the_balance() public {
        openClaims();
        fund(supplier, 200_000);
        ledger.collect(supplier, grid);
        ledger.collect(supplier, operator);
        account(supplier, 40e6, 350e6, 0);
        notCovered(0, 1000);
    }

    function test_withdraw_not_while_claims_are_open() public {
        openClaims();
        fund(supplier, 1000 * EURO);
        vm.prank(supplierAccount);
        vm.expectRevert(abi.encodeWithSelector(IAccounts.ClaimsOpen.selector, supplier, 160e6));
        vault.withdraw(1000, supplierAccount);
    }

    function test_withdraw_while_suspended() public {
        vm.prank(governance);
        registry.suspend(supplier);
        vm.prank(supplierAccount);
        vault.withdraw(1e9, supplierAccount);
        account(supplier, 999e9, 0, 0);
    }

    function test_only_the_vault_credits_and_debits() public {
        bytes memory onlyVault = abi.encodeWithSelector(IAccounts.OnlyVault.selector, governance);
        vm.startPrank(governance);
        vm.expectRevert(onlyVault);
        ledger.credit(supplier, 1);
        vm.expectRevert(onlyVault);
        ledger.debit(supplierAccount, 1);
        vm.stopPrank();
    }

    // ---------------------------------------------------------------------------------------- One for all

    /// @dev A utility that supplies, runs the grid and the station.
    function test_postings_to_oneself_move_no_money() public {
        (uint24 utility, uint32 n) = utilityMarket();
        fund(utility, 100 * EURO);
        plugIn(n, ledger.vehicleIdOf(utility, "utility car"));
        uint80 reserve = 60_000 * (120_000 + 60_000) + 350e6 + 60_000 * 20_000 + 60_000 * 150_000;
        account(utility, 100e9, reserve, 0);
        vm.warp(START + 900);
        charge(n, 1000, 100, true);
        account(utility, 100e9, 0, 0);
        IAccounts.Pair memory p = ledger.pairs(utility, utility);
        assertEq(p.amount, 120e6 + 50e6 + 350e6 + 15e6, "amount of all three");
        assertEq(p.claim, 0, "no claim");
        assertEq(p.importWh, 2000, "behind two postings");
        assertEq(p.exportWh, 100, "export");
        assertEq(ledger.journals(utility).count, 2, "one entry for the report");
    }

    /// @dev It pays its own grid nothing, and another supplier as ever.
    function test_grid_operator_that_runs_the_station() public {
        (uint24 utility, uint32 n) = utilityMarket();
        fund(utility, 10 * EURO);
        plugIn(n, CAR);
        vm.warp(START + 900);
        charge(n, 1000, 100, true);
        account(utility, 10e9 + 120e6 + 400e6 - 15e6, 0, 0);
        account(supplier, 1000e9 - 120e6 - 400e6 + 15e6, 0, 0);
        assertEq(ledger.pairs(supplier, utility).importWh, 2000, "behind two postings");
        assertEq(ledger.journals(utility).count, 2, "one entry for the report");
    }

    function test_supplier_that_runs_the_station() public {
        vm.prank(governance);
        registry.setRoles(operator, SUPPLIER | STATION_OPERATOR);
        bytes32 car = registerVehicle(operatorAccount, "operator car");
        fund(operator, 100 * EURO);
        plugIn(feeding, car);
        vm.warp(START + 900);
        charge(feeding, 1000, 100, true);
        account(operator, 100e9 - 120e6 + 15e6, 0, 0);
        pair(operator, operator, 400e6, 0);
        assertEq(ledger.journals(operator).count, 2, "one entry for the report");
    }

    function utilityMarket() private returns (uint24 utility, uint32 n) {
        address account_ = address(0x801);
        utility = admit(account_, SUPPLIER | GRID_OPERATOR | STATION_OPERATOR);
        publish(account_, GRID_OPERATOR, gridTariff());
        publish(account_, STATION_OPERATOR, operatorTariff());
        registerMeter(account_, "utility meter");
        n = addStation(
            account_, account_, "utility meter", vm.addr(STATION_KEY), MAX_POWER, MAX_POWER
        );
        registerVehicle(account_, "utility car");
    }

    // --------------------------------------------------------------------------------------------- Helpers

    /// @dev The supplier owes 0.01 to the grid operator and 0.15 to the station operator, and has nothing left.
    function openClaims() private {
        test_claim_opens_for_what_is_not_covered();
    }

    function setReserve(uint32 reserveWh) private {
        IRegistry.Limits memory limits = defaultLimits();
        limits.reserveWh = reserveWh;
        vm.prank(governance);
        registry.setLimits(limits);
    }

    function payOut(address account_, uint24 participant, uint96 left) private {
        IAccounts.Account memory a = accountOf(participant);
        left = left < a.reserved ? a.reserved : left;
        if (a.balance == left) return;
        vm.prank(account_);
        vault.withdraw(a.balance - left, account_);
    }

    function account(uint24 participant, uint256 balance, uint256 reserved, uint256 owed)
        private
        view
    {
        IAccounts.Account memory a = accountOf(participant);
        assertEq(a.balance, balance, "balance");
        assertEq(a.reserved, reserved, "reserved");
        assertEq(a.owed, owed, "owed");
    }

    function pair(uint24 payer, uint24 payee, uint256 amount, uint256 claim) private view {
        assertEq(ledger.pairs(payer, payee).amount, amount, "amount");
        assertEq(ledger.pairs(payer, payee).claim, claim, "claim");
    }

    function nothingToCollect(uint24 payer, uint24 payee) private {
        vm.expectRevert(abi.encodeWithSelector(IAccounts.NothingToCollect.selector, payer, payee));
        ledger.collect(payer, payee);
    }

    function notCovered(uint256 free, uint96 wanted) private {
        vm.prank(supplierAccount);
        vm.expectRevert(
            abi.encodeWithSelector(IAccounts.NotCovered.selector, supplier, free, wanted)
        );
        vault.withdraw(wanted, supplierAccount);
    }
}
