// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IRegistry} from "../../contracts/interfaces/IRegistry.sol";
import {ISessions} from "../../contracts/interfaces/ISessions.sol";
import {IVehicles} from "../../contracts/interfaces/IVehicles.sol";
import {Reason} from "../../contracts/interfaces/Reason.sol";
import {Fixture} from "./Fixture.sol";
import {Leaf} from "./Leaf.sol";
import {Vm} from "./Vm.sol";

/// @notice A change of supplier while the vehicle is in a session.
///
/// the session learns of it
/// ├── when the new supplier accepts, or at an opening before a change that is known
/// ├── not: another session than the open one, a release, default supply, a second change (ChangePending)
/// a report
/// ├── up to the change: the old supplier's
/// ├── over the change: two parts, split at the boundary, each its own supplier's, in both journals
/// ├── from the change on: the new supplier's, switched before it is priced
/// └── that cannot be: rejected whole, nothing switches
/// the reserve: the old one's is released, the new one's is held if covered
/// the session fee: who supplies in the end
contract OnTheRoadTest is Fixture {
    uint256 private constant CHANGE = START + 1800;

    // --------------------------------------------------------------------------------------- The split

    function test_report_over_the_change() public {
        plugIn(feeding, CAR);
        change(otherSupplier, otherSupplierAccount);
        vm.warp(START + 2700);
        // 300, 600 before the change, 500 after it
        ISessions.EnergyReport memory r =
            report(feeding, 1, 1, START + 2700, 1400, 70, true, boundaries(300, 10, 900, 30));
        ISessions.Session memory old = ledger.sessions(feeding);
        vm.recordLogs();
        assertEq(submit(signed(r)), Reason.None, "reason");
        Vm.Log[] memory logs = vm.getRecordedLogs();
        assertEq(logs.length, 4, "events");
        assertEq(logs[0].topics[0], ISessions.ReportSettled.selector, "first part");
        assertEq(logs[1].topics[0], ISessions.SupplierSwitched.selector, "switch");
        assertEq(logs[2].topics[0], ISessions.ReportSettled.selector, "second part");

        // levels of the grid operator: slots 32 to 34 are high (1), low (2), standard (0)
        uint256 network = 300 * 120_000 + 600 * 30_000;
        uint256 service = 300 * 50_000 + 600 * 60_000;
        int256 feedIn = 10 * 150_000 - 20 * 20_000;
        settledAs(logs[0], supplier, CHANGE, 900, 30, network, service, feedIn, false);
        uint256 network2 = 500 * 80_000;
        uint256 service2 = 500 * 40_000 + 350e6;
        settledAs(
            logs[2], otherSupplier, START + 2700, 500, 40, network2, service2, 40 * 60_000, true
        );
        assertEq(ledger.pairs(supplier, grid).importWh, 900, "energy before");
        assertEq(ledger.pairs(otherSupplier, grid).importWh, 500, "energy after");
        assertEq(ledger.pairs(otherSupplier, operator).amount, service2, "session fee");
        assertEq(accountOf(supplier).reserved, 0, "old reserve");
        assertEq(accountOf(otherSupplier).reserved, 0, "new reserve");
        assertEq(accountOf(grid).reserved, 0, "grid operator's reserve");

        bytes32 digest = ledger.digestOf(r);
        bytes32 first = Leaf.settled(digest, START + 2700, old, CHANGE, network, service, feedIn);
        old.supplier = otherSupplier;
        bytes32 second =
            Leaf.settled(digest, START + 2700, old, START + 2700, network2, service2, 40 * 60_000);
        assertEq(ledger.batchRoot(ledger.batchCount()), Leaf.both(first, second), "root");
        uint64 batch_ = ledger.batchCount();
        assertTrue(ledger.isInBatch(batch_, first, one(second)), "the first leaf has a proof");
        assertTrue(ledger.isInBatch(batch_, second, one(first)), "the second, too");
        assertEq(headOf(supplier), chain(chain(0, deposited(supplier)), first), "old supplier's");
        assertEq(
            headOf(otherSupplier), chain(chain(0, deposited(otherSupplier)), second), "new one's"
        );
        assertEq(headOf(operator), chain(chain(0, first), second), "operator's");
    }

    function test_reserve_moves_on() public {
        plugIn(feeding, CAR);
        uint64 reserve = ledger.sessions(feeding).supplierReserve;
        change(otherSupplier, otherSupplierAccount);
        vm.warp(START + 2700);
        vm.expectEmit(address(ledger));
        emit ISessions.SupplierSwitched(
            feeding, supplier, otherSupplier, 1, uint40(CHANGE), reserve
        );
        charge(feeding, 100, 0, false);
        assertEq(accountOf(supplier).reserved, 0, "released");
        assertEq(accountOf(otherSupplier).reserved, reserve, "held");
        ISessions.Session memory s = ledger.sessions(feeding);
        assertEq(s.supplier, otherSupplier, "supplier");
        assertEq(s.supplierReserve, reserve, "reserve");
        assertEq(s.gridReserve, 60_000 * 150_000, "grid operator's reserve");
        assertEq(s.flags, 0, "no change is waited for");
        // the next report is the new supplier's alone
        vm.warp(START + 3600);
        charge(feeding, 50, 0, true);
        assertEq(ledger.pairs(supplier, operator).importWh, 66, "before");
        assertEq(ledger.pairs(otherSupplier, operator).importWh, 84, "after");
        assertEq(accountOf(otherSupplier).reserved, 0, "released");
    }

    function test_reserve_that_is_not_covered() public {
        plugIn(station, CAR);
        change(otherSupplier, otherSupplierAccount);
        uint96 balance = accountOf(otherSupplier).balance;
        vm.prank(otherSupplierAccount);
        vault.withdraw(balance - 11_000e6, stranger);
        vm.warp(START + 2700);
        charge(station, 100, 0, false);
        assertEq(ledger.sessions(station).supplier, otherSupplier, "switched all the same");
        assertEq(ledger.sessions(station).supplierReserve, 0, "nothing is held");
        assertEq(accountOf(otherSupplier).reserved, 0, "nothing is held");
        charge(station, 0, 0, true);
        assertEq(accountOf(otherSupplier).reserved, 0, "and nothing released");
    }

    // ---------------------------------------------------------------------------------- Time at its edges

    function test_report_up_to_the_change_is_the_old_suppliers() public {
        plugIn(station, CAR);
        change(otherSupplier, otherSupplierAccount);
        vm.warp(CHANGE);
        charge(station, 100, 0, false);
        assertEq(ledger.sessions(station).supplier, supplier, "not yet");
        assertEq(ledger.sessions(station).flags, 2, "still known");
        // the last reading is the change: the next report is the new supplier's from its start
        vm.warp(CHANGE + 1);
        charge(station, 5, 0, true);
        assertEq(ledger.pairs(supplier, grid).importWh, 100, "old supplier's");
        assertEq(ledger.pairs(otherSupplier, grid).importWh, 5, "new supplier's");
    }

    function test_last_report_at_the_change_is_the_old_suppliers() public {
        plugIn(station, CAR);
        change(otherSupplier, otherSupplierAccount);
        vm.warp(CHANGE);
        charge(station, 100, 0, true);
        assertEq(ledger.pairs(supplier, operator).amount, 50 * 50_000 + 50 * 60_000 + 350e6, "all");
    }

    function test_report_of_no_duration_at_the_change() public {
        plugIn(station, CAR);
        change(otherSupplier, otherSupplierAccount);
        vm.warp(CHANGE);
        charge(station, 100, 0, false);
        charge(station, 0, 0, false);
        assertEq(ledger.sessions(station).supplier, otherSupplier, "switched");
        assertEq(ledger.sessions(station).flags, 0, "no change is waited for");
    }

    function test_one_second_on_either_side() public {
        vm.warp(CHANGE - 901);
        plugIn(station, CAR);
        change(otherSupplier, otherSupplierAccount);
        vm.warp(CHANGE + 1);
        expectReason(
            signed(report(station, 1, 1, CHANGE + 1, 12, 0, true, boundaries(1, 0, 11, 0))),
            Reason.None
        );
        assertEq(ledger.pairs(supplier, grid).importWh, 11, "old supplier's");
        assertEq(ledger.pairs(otherSupplier, grid).importWh, 1, "new supplier's");
    }

    // ---------------------------------------------------------------------------- What cannot be, changes nothing

    function test_either_part_beyond_the_power() public {
        plugIn(station, CAR);
        change(otherSupplier, otherSupplierAccount);
        vm.warp(START + 2700);
        rejected(5502, 5502, 5502, Reason.PowerExceeded);
        rejected(0, 0, 5502, Reason.PowerExceeded);
        rejected(0, 9000, 8999, Reason.RegisterBackwards);
        rejected(9000, 8999, 8999, Reason.RegisterBackwards);
        // backwards anywhere is said before too much power anywhere else
        rejected(5502, 5502, 5501, Reason.RegisterBackwards);
        assertEq(ledger.sessions(station).supplier, supplier, "not switched");
        charge(station, 100, 0, true);
    }

    // ------------------------------------------------------------------------------- Who learns, who does not

    function test_opening_before_a_known_change() public {
        offerAndAccept(otherSupplier, otherSupplierAccount);
        plugIn(station, CAR);
        assertEq(ledger.sessions(station).flags, 2, "known");
        assertEq(ledger.changes(station).supplier, otherSupplier, "supplier");
        assertEq(ledger.changes(station).effective, CHANGE, "effective");
        vm.warp(START + 2700);
        charge(station, 300, 0, true);
        assertEq(ledger.pairs(supplier, grid).importWh, 200, "old supplier's");
        assertEq(ledger.pairs(otherSupplier, grid).importWh, 100, "new supplier's");
    }

    function test_late_opening_before_a_change_that_is_past() public {
        offerAndAccept(otherSupplier, otherSupplierAccount);
        vm.warp(START + 1 days);
        ISessions.OpenSession memory o = opening(station, 1, CAR, CHANGE - 1, 0, 0);
        expectReason(signed(o), Reason.None);
        assertEq(ledger.sessions(station).supplier, supplier, "old supplier");
        assertEq(ledger.sessions(station).flags, 2, "known");
        // from the change on there is none to come
        expectReason(signed(opening(feeding, 1, CAR, CHANGE, 0, 0)), Reason.VehicleBusy, true);
        charge(station, 0, 0, true);
        expectReason(signed(opening(feeding, 2, CAR, CHANGE, 0, 0)), Reason.None);
        assertEq(ledger.sessions(feeding).supplier, otherSupplier, "new supplier");
        assertEq(ledger.sessions(feeding).flags, 0, "none");
    }

    function test_release_leaves_the_session_alone() public {
        plugIn(station, CAR);
        vm.prank(supplierAccount);
        ledger.releaseVehicles(one(CAR), uint40(CHANGE));
        assertEq(ledger.sessions(station).flags, 0, "none");
        vm.warp(START + 2700);
        charge(station, 300, 0, true);
        assertEq(ledger.pairs(supplier, grid).importWh, 300, "all");
        // an opening before a release that is known stays with its supplier, too
        plugIn(feeding, OTHER_CAR);
        unplug(feeding);
        vm.warp(START + 9000);
        vm.prank(otherSupplierAccount);
        ledger.releaseVehicles(one(OTHER_CAR), uint40(START + 9900));
        plugIn(feeding, OTHER_CAR);
        assertEq(ledger.sessions(feeding).flags, 0, "none");
    }

    function test_session_that_has_ended_learns_nothing() public {
        plugIn(station, CAR);
        unplug(station);
        offerAndAccept(otherSupplier, otherSupplierAccount);
        assertEq(ledger.sessions(station).flags, 0, "closed");
        plugIn(station, OTHER_CAR);
        assertEq(ledger.sessions(station).flags, 0, "another car's");
    }

    /// @dev A session under default supply is not the vehicle's.
    function test_default_supply_learns_nothing() public {
        vm.prank(otherSupplierAccount);
        registry.offerDefaultSupply(operator, true);
        vm.prank(operatorAccount);
        registry.setDefaultSupplier(otherSupplier);
        plugIn(station, "unknown");
        assertEq(ledger.sessions(station).supplier, otherSupplier, "default supplier");
        offerAndAccept(otherSupplier, otherSupplierAccount);
        assertEq(ledger.sessions(station).flags, 0, "none");
    }

    /// @dev The vehicle's history moves on, while its session is still the supplier's before.
    function test_session_of_an_earlier_supplier_learns_nothing() public {
        vm.warp(START + 10);
        plugIn(station, CAR);
        offerAndAccept(otherSupplier, otherSupplierAccount);
        vm.warp(START + 1800);
        charge(station, 0, 0, false);
        vm.warp(START + 1801);
        charge(station, 0, 0, false);
        assertEq(ledger.sessions(station).supplier, otherSupplier, "switched");
        vm.warp(CHANGE + 7 days);
        offer(otherSupplierAccount, supplier, CHANGE + 8 days);
        vm.prank(supplierAccount);
        ledger.acceptVehicles(one(CAR));
        assertEq(ledger.sessions(station).flags, 2, "a second change after the first");
    }

    function test_second_change_while_one_is_waited_for() public {
        vm.prank(governance);
        IRegistry.Limits memory limits = defaultLimits();
        limits.backlog = 1 hours;
        registry.setLimits(limits);
        plugIn(station, CAR);
        change(otherSupplier, otherSupplierAccount);
        vm.warp(CHANGE + 1 hours);
        offer(otherSupplierAccount, supplier, CHANGE + 2 hours);
        vm.prank(supplierAccount);
        vm.expectRevert(abi.encodeWithSelector(IVehicles.ChangePending.selector, CAR, CHANGE));
        ledger.acceptVehicles(one(CAR));
        charge(station, 100, 0, false);
        vm.prank(supplierAccount);
        ledger.acceptVehicles(one(CAR));
        assertEq(ledger.changes(station).supplier, supplier, "back again");
    }

    /// @dev What is settled from the change on is the new supplier's, whoever is suspended.
    function test_suspended_suppliers_settle() public {
        plugIn(station, CAR);
        change(otherSupplier, otherSupplierAccount);
        vm.startPrank(governance);
        registry.suspend(supplier);
        registry.suspend(otherSupplier);
        registry.pause();
        vm.stopPrank();
        vm.warp(START + 2700);
        charge(station, 300, 0, true);
        assertEq(ledger.pairs(otherSupplier, grid).importWh, 100, "new supplier's");
    }

    function test_expiry_while_a_change_is_waited_for() public {
        plugIn(station, CAR);
        change(otherSupplier, otherSupplierAccount);
        vm.warp(START + 12 hours + 1);
        ledger.expire(station);
        assertEq(accountOf(supplier).reserved, 0, "released");
        assertEq(accountOf(otherSupplier).reserved, 0, "nothing was held");
    }

    // ------------------------------------------------------------------------------------------- Helpers

    function change(uint24 to, address account) private {
        offerAndAccept(to, account);
        uint32 where = ledger.vehicles(CAR).station;
        assertEq(ledger.sessions(where).flags, 2, "the session knows");
        assertEq(ledger.changes(where).supplier, to, "supplier");
        assertEq(ledger.changes(where).effective, CHANGE, "effective");
    }

    function offerAndAccept(uint24 to, address account) private {
        offer(supplierAccount, to, CHANGE);
        vm.prank(account);
        ledger.acceptVehicles(one(CAR));
    }

    function offer(address account, uint24 to, uint256 effective) private {
        vm.prank(account);
        ledger.offerVehicles(one(CAR), to, uint40(effective));
    }

    function boundaries(uint48 a, uint48 b, uint48 c, uint48 d)
        private
        pure
        returns (bytes memory)
    {
        return abi.encodePacked(a, b, c, d);
    }

    function rejected(uint48 a, uint48 b, uint48 c, Reason reason) private {
        bytes memory between = boundaries(a, 0, b, 0);
        expectReason(signed(report(station, 1, 1, START + 2700, c, 0, true, between)), reason);
    }

    /// @dev A refusal leaves the session's number used, so it is no trace-free rejection.
    function expectReason(bytes memory message, Reason reason, bool) private {
        assertEq(submit(message), reason, "reason");
    }

    function settledAs(
        Vm.Log memory log,
        uint24 by,
        uint256 until,
        uint256 taken,
        uint256 fed,
        uint256 network,
        uint256 service,
        int256 feedIn,
        bool last
    ) private view {
        assertEq(uint256(log.topics[1]), feeding, "station");
        assertEq(uint256(log.topics[2]), by, "supplier");
        bytes memory head = abi.encode(1, 1, until, taken, fed);
        bytes memory wanted = bytes.concat(head, abi.encode(network, service, feedIn, last));
        assertEq(keccak256(log.data), keccak256(wanted), "part");
    }

    function deposited(uint24 participant) private pure returns (bytes32) {
        return keccak256(abi.encode(1, participant, 1000 * NANO));
    }

    function chain(bytes32 before, bytes32 what) private pure returns (bytes32) {
        return bytes32(bytes26(keccak256(abi.encode(before, what))));
    }

    function headOf(uint24 participant) private view returns (bytes32) {
        return bytes32(ledger.journals(participant).head);
    }
}
