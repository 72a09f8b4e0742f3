// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IRegistry} from "../../contracts/interfaces/IRegistry.sol";
import {IVehicles} from "../../contracts/interfaces/IVehicles.sol";
import {Fixture} from "./Fixture.sol";

/// @notice Which supplier supplies which vehicle, and since when.
///
/// registerVehicles
/// ├── not an active supplier: NotAParticipant, MissingRole, NotActive
/// ├── supplied, or not yet released: VehicleTaken; released too lately: ChangePending
/// ├── the same commitment of another supplier: another vehicle
/// └── before the running slot: TooEarly; not at the start of a slot: NotSlotAligned
/// offerVehicles: NotTheSupplier; to no active supplier: NotActive
/// acceptVehicles: NotOffered; too late: TooEarly; no longer the offering supplier's: NotTheSupplier
/// releaseVehicles: NotTheSupplier, TooEarly, ChangePending
/// supplierAt: as far back as an opening may be late
contract VehiclesTest is Fixture {
    bytes32 private constant COMMITTED = "new car";
    bytes32 private constant NEW = keccak256(abi.encode(uint24(1), COMMITTED));

    // ------------------------------------------------------------------------------------------- Register

    function test_register() public {
        bytes32[] memory ids = new bytes32[](2);
        (ids[0], ids[1]) = (COMMITTED, "another");
        vm.warp(START + 899);
        vm.prank(supplierAccount);
        vm.expectEmit(address(ledger));
        emit IVehicles.VehicleRegistered(NEW, supplier, uint40(START));
        vm.expectEmit(address(ledger));
        bytes32 second = keccak256(abi.encode(uint256(supplier), bytes32("another")));
        emit IVehicles.VehicleRegistered(second, supplier, uint40(START));
        ledger.registerVehicles(ids, uint40(START));
        supplied(NEW, START - 1, 0);
        supplied(NEW, START, supplier);
        supplied(NEW, type(uint40).max, supplier);
    }

    function test_register_times() public {
        vm.warp(START + 900);
        registerFails(supplierAccount, COMMITTED, START, tooEarly(START, START + 1));
        registerFails(supplierAccount, COMMITTED, START + 901, misaligned(START + 901));
        vm.prank(supplierAccount);
        ledger.registerVehicles(one(COMMITTED), uint40(START + 9000));
        supplied(NEW, START + 8999, 0);
        supplied(NEW, START + 9000, supplier);
    }

    function test_who_registers() public {
        registerFails(
            stranger,
            COMMITTED,
            START,
            abi.encodeWithSelector(IRegistry.NotAParticipant.selector, stranger)
        );
        registerFails(
            gridAccount,
            COMMITTED,
            START,
            abi.encodeWithSelector(IRegistry.MissingRole.selector, grid, 1)
        );
        suspend(supplier);
        registerFails(
            supplierAccount,
            COMMITTED,
            START,
            abi.encodeWithSelector(IRegistry.NotActive.selector, supplier)
        );
    }

    function test_vehicle_taken() public {
        bytes memory taken = abi.encodeWithSelector(IVehicles.VehicleTaken.selector, CAR);
        registerFails(supplierAccount, COMMITMENT, START, taken);
        bytes32[] memory twice = new bytes32[](2);
        (twice[0], twice[1]) = (COMMITTED, COMMITTED);
        vm.prank(supplierAccount);
        vm.expectRevert(abi.encodeWithSelector(IVehicles.VehicleTaken.selector, NEW));
        ledger.registerVehicles(twice, uint40(START));
        supplied(NEW, START, 0);
    }

    /// @dev Whoever sees a registration in a pending transaction can do nothing with it.
    function test_nobody_registers_anothers_vehicle() public {
        vm.prank(otherSupplierAccount);
        ledger.registerVehicles(one(COMMITTED), uint40(START));
        supplied(NEW, START, 0);
        supplied(ledger.vehicleIdOf(otherSupplier, COMMITTED), START, otherSupplier);
        vm.prank(supplierAccount);
        ledger.registerVehicles(one(COMMITTED), uint40(START));
        supplied(NEW, START, supplier);
        // the id of a vehicle is no commitment to it
        vm.prank(otherSupplierAccount);
        ledger.registerVehicles(one(NEW), uint40(START));
        supplied(NEW, START, supplier);
    }

    // --------------------------------------------------------------------------------- Change of supplier

    function test_change() public {
        vm.prank(supplierAccount);
        vm.expectEmit(address(ledger));
        emit IVehicles.VehicleOffered(CAR, supplier, otherSupplier, uint40(START + 1800));
        ledger.offerVehicles(one(CAR), otherSupplier, uint40(START + 1800));
        supplied(CAR, START + 1800, supplier);
        vm.warp(START + 1800);
        vm.prank(otherSupplierAccount);
        vm.expectEmit(address(ledger));
        emit IVehicles.SupplierChanged(CAR, supplier, otherSupplier, uint40(START + 1800));
        ledger.acceptVehicles(one(CAR));
        supplied(CAR, START + 1799, supplier);
        supplied(CAR, START + 1800, otherSupplier);
    }

    function test_offer_refuses() public {
        offerFails(otherSupplierAccount, otherSupplier, START + 900, notTheSupplier(CAR));
        offerFails(supplierAccount, otherSupplier, START + 1, misaligned(START + 1));
        offerFails(
            supplierAccount, grid, START, abi.encodeWithSelector(IRegistry.NotActive.selector, grid)
        );
        offerFails(
            supplierAccount, 99, START, abi.encodeWithSelector(IRegistry.NotActive.selector, 99)
        );
        suspend(otherSupplier);
        offerFails(
            supplierAccount,
            otherSupplier,
            START,
            abi.encodeWithSelector(IRegistry.NotActive.selector, otherSupplier)
        );
        vm.prank(supplierAccount);
        vm.expectRevert(notTheSupplier(NEW));
        ledger.offerVehicles(one(NEW), supplier, uint40(START));
    }

    function test_accept_refuses() public {
        acceptFails(otherSupplierAccount, notOffered(CAR));
        offer(supplierAccount, otherSupplier, START + 900);
        acceptFails(supplierAccount, notOffered(CAR));
        vm.warp(START + 901);
        acceptFails(otherSupplierAccount, tooEarly(START + 900, START + 901));
        vm.warp(START + 900);
        suspend(otherSupplier);
        acceptFails(
            otherSupplierAccount,
            abi.encodeWithSelector(IRegistry.NotActive.selector, otherSupplier)
        );
    }

    function test_accept_works_once() public {
        offer(supplierAccount, otherSupplier, START + 900);
        accept(otherSupplierAccount);
        acceptFails(otherSupplierAccount, notOffered(CAR));
    }

    function test_last_offer_counts() public {
        offer(supplierAccount, otherSupplier, START + 900);
        offer(supplierAccount, supplier, START + 1800);
        acceptFails(otherSupplierAccount, notOffered(CAR));
    }

    function test_offer_dies_with_a_release() public {
        offer(supplierAccount, otherSupplier, START + 1800);
        release(supplierAccount, START + 900);
        acceptFails(otherSupplierAccount, notTheSupplier(CAR));
    }

    /// @dev The next supplier decides from the moment that it accepted, and the old one no longer.
    function test_who_decides_is_the_last_one_known() public {
        offer(supplierAccount, otherSupplier, START + 900);
        accept(otherSupplierAccount);
        offerFails(supplierAccount, otherSupplier, START + 1800, notTheSupplier(CAR));
        releaseFails(supplierAccount, START + 1800, notTheSupplier(CAR));
        releaseFails(otherSupplierAccount, START + 1800, changePending(CAR, START + 900));
    }

    // -------------------------------------------------------------------------------------------- Release

    function test_release() public {
        vm.prank(supplierAccount);
        vm.expectEmit(address(ledger));
        emit IVehicles.SupplierChanged(CAR, supplier, 0, uint40(START + 900));
        ledger.releaseVehicles(one(CAR), uint40(START + 900));
        supplied(CAR, START + 899, supplier);
        supplied(CAR, START + 900, 0);
        offerFails(supplierAccount, otherSupplier, START + 1800, notTheSupplier(CAR));
    }

    function test_release_refuses() public {
        releaseFails(otherSupplierAccount, START + 900, notTheSupplier(CAR));
        releaseFails(supplierAccount, START + 901, misaligned(START + 901));
        vm.warp(START + 1);
        releaseFails(supplierAccount, START, tooEarly(START, START + 1));
    }

    function test_release_before_its_first_second() public {
        vm.prank(supplierAccount);
        ledger.registerVehicles(one(COMMITTED), uint40(START + 1800));
        vm.prank(supplierAccount);
        vm.expectRevert(tooEarly(START + 1800, START + 1800));
        ledger.releaseVehicles(one(NEW), uint40(START + 1800));
        vm.prank(supplierAccount);
        ledger.releaseVehicles(one(NEW), uint40(START + 2700));
        supplied(NEW, START + 2699, supplier);
    }

    /// @dev A supplier that may do nothing new may still let go.
    function test_suspended_supplier_may_offer_and_release() public {
        suspend(supplier);
        offer(supplierAccount, otherSupplier, START + 900);
        release(supplierAccount, START + 900);
        supplied(CAR, START + 900, 0);
    }

    function test_register_after_a_release() public {
        release(supplierAccount, START + 900);
        vm.warp(START + 899);
        bytes memory taken = abi.encodeWithSelector(IVehicles.VehicleTaken.selector, CAR);
        registerFails(supplierAccount, COMMITMENT, START + 900, taken);
        // an opening of 7 days ago may still need to know the former supplier
        vm.warp(START + 900 + 7 days - 1);
        registerFails(
            supplierAccount, COMMITMENT, START + 900 + 7 days, changePending(CAR, START + 900)
        );
        vm.warp(START + 900 + 7 days);
        registerFails(
            supplierAccount,
            COMMITMENT,
            START + 7 days,
            tooEarly(START + 7 days, START + 1 + 7 days)
        );
        vm.prank(supplierAccount);
        ledger.registerVehicles(one(COMMITMENT), uint40(START + 900 + 7 days));
        supplied(CAR, START + 900 + 7 days - 1, 0);
        supplied(CAR, START + 900 + 7 days, supplier);
    }

    function test_register_again_starts_no_earlier_than_now() public {
        release(supplierAccount, START + 900);
        vm.warp(START + 900 + 7 days + 1);
        registerFails(
            supplierAccount,
            COMMITMENT,
            START + 900 + 7 days,
            tooEarly(START + 900 + 7 days, START + 901 + 7 days)
        );
    }

    // -------------------------------------------------------------------------------------------- History

    function test_next_change_waits_for_the_backlog() public {
        offer(supplierAccount, otherSupplier, START + 900);
        accept(otherSupplierAccount);
        offer(otherSupplierAccount, supplier, START + 30 days);
        vm.warp(START + 900 + 7 days - 1);
        acceptFails(supplierAccount, changePending(CAR, START + 900));
        vm.warp(START + 900 + 7 days);
        accept(supplierAccount);
        supplied(CAR, START + 899, 0);
        supplied(CAR, START + 900, otherSupplier);
        supplied(CAR, START + 30 days, supplier);
    }

    struct Change {
        uint40 from;
        uint24 supplier;
    }

    /// @dev Changes at random, each when it is allowed: whatever an opening may still ask is answered as it was.
    function testFuzz_history(uint256 seed) public {
        Change[] memory history = new Change[](9);
        history[0] = Change(uint40(START), supplier);
        uint256 count = 1;
        for (uint256 i = 0; i < 8; ++i) {
            seed = uint256(keccak256(abi.encode(seed)));
            vm.warp(block.timestamp + bound(seed, 1, 9 days));
            uint40 from = uint40(block.timestamp - block.timestamp % 900 + 900);
            from += uint40(900 * bound(seed >> 64, 0, 200));
            uint24 to = change(history[count - 1], from, seed);
            if (to != type(uint24).max) history[count++] = Change(from, to);

            uint256 oldest = block.timestamp - 7 days;
            for (uint256 n = 0; n < 20; ++n) {
                uint256 time = oldest + bound(uint256(keccak256(abi.encode(seed, n))), 0, 12 days);
                supplied(CAR, time, asItWas(history, count, time));
            }
        }
    }

    /// @return the new supplier, or the largest number if nothing changed
    function change(Change memory last, uint40 from, uint256 seed) private returns (uint24) {
        address[3] memory accounts = [address(0), supplierAccount, otherSupplierAccount];
        uint24 to = last.supplier == supplier ? otherSupplier : supplier;
        bool done;
        if (last.supplier == 0) {
            to = supplier; // whose vehicle it was first
            vm.prank(supplierAccount);
            (done,) = address(ledger)
                .call(abi.encodeCall(IVehicles.registerVehicles, (one(COMMITMENT), from)));
        } else if (seed % 3 == 0) {
            to = 0;
            vm.prank(accounts[last.supplier]);
            (done,) =
                address(ledger).call(abi.encodeCall(IVehicles.releaseVehicles, (one(CAR), from)));
        } else {
            offer(accounts[last.supplier], to, from);
            vm.prank(accounts[to]);
            (done,) = address(ledger).call(abi.encodeCall(IVehicles.acceptVehicles, (one(CAR))));
        }
        return done ? to : type(uint24).max;
    }

    function asItWas(Change[] memory history, uint256 count, uint256 time)
        private
        pure
        returns (uint24 supplier_)
    {
        for (uint256 i = 0; i < count; ++i) {
            if (history[i].from <= time) supplier_ = history[i].supplier;
        }
    }

    // -------------------------------------------------------------------------------------------- Helpers

    function supplied(bytes32 id, uint256 time, uint24 by) private view {
        assertEq(ledger.supplierAt(id, uint40(time)), by, "supplier");
    }

    function suspend(uint24 participant) private {
        vm.prank(governance);
        registry.suspend(participant);
    }

    function offer(address account, uint24 to, uint256 effective) private {
        vm.prank(account);
        ledger.offerVehicles(one(CAR), to, uint40(effective));
    }

    function accept(address account) private {
        vm.prank(account);
        ledger.acceptVehicles(one(CAR));
    }

    function release(address account, uint256 effective) private {
        vm.prank(account);
        ledger.releaseVehicles(one(CAR), uint40(effective));
    }

    function registerFails(address account, bytes32 id, uint256 from, bytes memory reason) private {
        vm.prank(account);
        vm.expectRevert(reason);
        ledger.registerVehicles(one(id), uint40(from));
    }

    function offerFails(address account, uint24 to, uint256 effective, bytes memory reason)
        private
    {
        vm.prank(account);
        vm.expectRevert(reason);
        ledger.offerVehicles(one(CAR), to, uint40(effective));
    }

    function acceptFails(address account, bytes memory reason) private {
        vm.prank(account);
        vm.expectRevert(reason);
        ledger.acceptVehicles(one(CAR));
    }

    function releaseFails(address account, uint256 effective, bytes memory reason) private {
        vm.prank(account);
        vm.expectRevert(reason);
        ledger.releaseVehicles(one(CAR), uint40(effective));
    }

    function tooEarly(uint256 time, uint256 earliest) private pure returns (bytes memory) {
        return abi.encodeWithSelector(IRegistry.TooEarly.selector, time, earliest);
    }

    function misaligned(uint256 time) private pure returns (bytes memory) {
        return abi.encodeWithSelector(IRegistry.NotSlotAligned.selector, time);
    }

    function notTheSupplier(bytes32 id) private pure returns (bytes memory) {
        return abi.encodeWithSelector(IVehicles.NotTheSupplier.selector, id);
    }

    function notOffered(bytes32 id) private pure returns (bytes memory) {
        return abi.encodeWithSelector(IVehicles.NotOffered.selector, id);
    }

    function changePending(bytes32 id, uint256 from) private pure returns (bytes memory) {
        return abi.encodeWithSelector(IVehicles.ChangePending.selector, id, from);
    }
}
