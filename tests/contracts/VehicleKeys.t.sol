// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IRegistry} from "../../contracts/interfaces/IRegistry.sol";
import {ISessions} from "../../contracts/interfaces/ISessions.sol";
import {IVehicles} from "../../contracts/interfaces/IVehicles.sol";
import {Reason} from "../../contracts/interfaces/Reason.sol";
import {Keys} from "./Keys.sol";

/// @notice Keys with which vehicles sign their openings.
///
/// setVehicleKeys, revokeVehicleKeys, clearVehicleKeys
/// ├── not the supplier of this moment: NotTheSupplier; LengthMismatch; InvalidKey
/// └── a suspended supplier may
/// an opening
/// ├── before the first key's time: needs no signature
/// ├── from then on: the key's, or before its time the former one's, else BadVehicleSignature
/// ├── after a revocation: BadVehicleSignature, whatever its time
/// └── after a clearing: needs none
contract VehicleKeysTest is Keys {
    Key private first = Key(0xca51, false);
    Key private second = Key(0xca52, true);
    Key private station_ = Key(STATION_KEY, false);

    // ------------------------------------------------------------------------------------------ Openings

    function test_needs_the_vehicles_signature_on_either_curve() public {
        give(supplierAccount, CAR, first, START);
        give(otherSupplierAccount, OTHER_CAR, second, START);
        ISessions.OpenSession memory o = opening(station, 1, CAR, START, 0, 0);
        expectReason(signed(o), Reason.BadVehicleSignature);
        expectReason(signedBy(o, station_, second), Reason.BadVehicleSignature);
        expectReason(signedBy(o, station_, first), Reason.None);
        assertEq(ledger.sessions(station).flags, 1, "the vehicle signed");
        unplug(station);
        o = opening(station, 2, OTHER_CAR, START, 0, 0);
        expectReason(signedBy(o, station_, first), Reason.BadVehicleSignature);
        expectReason(signedBy(o, station_, second), Reason.None);
        unplug(station);
    }

    function test_both_on_secp256r1() public {
        give(supplierAccount, CAR, second, START);
        Key memory new_ = r1(77);
        rotate(station, new_, 0);
        ISessions.OpenSession memory o = opening(station, 1, CAR, START, 0, 0);
        bytes memory message = signedBy(o, new_, second);
        assertEq(message.length, 58 + 128 + 128, "length");
        expectReason(signedBy(o, second, new_), Reason.BadSignature);
        expectReason(message, Reason.None);
    }

    function test_any_bit_of_the_vehicles_signature() public {
        give(supplierAccount, CAR, second, START);
        bytes memory message = signedBy(opening(station, 1, CAR, START, 0, 0), station_, second);
        for (uint256 i = 58 + 65; i < message.length; ++i) {
            bytes memory changed = bytes.concat(message);
            changed[i] ^= bytes1(uint8(1 << (i % 8)));
            expectReason(changed, Reason.BadVehicleSignature);
        }
        expectReason(message, Reason.None);
    }

    function test_before_the_first_key_none_is_needed() public {
        give(supplierAccount, CAR, first, START + 100);
        vm.warp(START + 200);
        ISessions.OpenSession memory o = opening(station, 1, CAR, START + 99, 0, 0);
        expectReason(signed(o), Reason.None);
        assertEq(ledger.sessions(station).flags, 0, "the vehicle did not sign");
        expectReason(signed(nextReport(station, START + 99, 0, 0, true)), Reason.None);
        o = opening(station, 2, CAR, START + 100, 0, 0);
        expectReason(signed(o), Reason.BadVehicleSignature);
        // but the key may sign what is older
        o.time = uint40(START + 99);
        expectReason(signedBy(o, station_, first), Reason.None);
        assertEq(ledger.sessions(station).flags, 1, "the vehicle signed");
    }

    function test_former_key_until_the_next_ones_time() public {
        give(supplierAccount, CAR, first, START);
        give(supplierAccount, CAR, second, START + 100);
        vm.warp(START + 200);
        ISessions.OpenSession memory o = opening(station, 1, CAR, START + 100, 0, 0);
        expectReason(signedBy(o, station_, first), Reason.BadVehicleSignature);
        o.time = uint40(START + 99);
        expectReason(signed(o), Reason.BadVehicleSignature);
        expectReason(signedBy(o, station_, first), Reason.None);
        expectReason(signed(nextReport(station, START + 99, 0, 0, true)), Reason.None);
        o.session = 2;
        expectReason(signedBy(o, station_, second), Reason.None);
        unplug(station);
        // a third key forgets the first
        give(supplierAccount, CAR, k1(3), START + 300);
        o = opening(station, 3, CAR, START + 200, 0, 0);
        expectReason(signedBy(o, station_, first), Reason.BadVehicleSignature);
        expectReason(signedBy(o, station_, second), Reason.None);
        IVehicles.VehicleKeys memory k = ledger.vehicleKeys(CAR);
        assertEq(k.key, addressOf(k1(3)), "key");
        assertEq(k.former, addressOf(second), "former");
        assertEq(k.from, START + 300, "from");
        assertEq(k.since, START, "since the first");
    }

    function test_revoked_keys_open_nothing() public {
        give(supplierAccount, CAR, first, START + 100);
        give(supplierAccount, CAR, second, START + 200);
        vm.prank(supplierAccount);
        vm.expectEmit(address(ledger));
        emit IVehicles.VehicleKeyRevoked(CAR);
        ledger.revokeVehicleKeys(one(CAR));
        ISessions.OpenSession memory o = opening(station, 1, CAR, START, 0, 0);
        // also what is older than the first key
        expectReason(signed(o), Reason.BadVehicleSignature);
        expectReason(signedBy(o, station_, first), Reason.BadVehicleSignature);
        expectReason(signedBy(o, station_, second), Reason.BadVehicleSignature);
        give(supplierAccount, CAR, k1(3), START + 100);
        expectReason(signed(o), Reason.BadVehicleSignature);
        expectReason(signedBy(o, station_, second), Reason.BadVehicleSignature);
        expectReason(signedBy(o, station_, k1(3)), Reason.None);
    }

    /// @dev A supplier that fears for a car can lock it before it has a key.
    function test_revoking_locks_a_vehicle_without_a_key() public {
        vm.prank(supplierAccount);
        ledger.revokeVehicleKeys(one(CAR));
        expectReason(signed(opening(station, 1, CAR, START, 0, 0)), Reason.BadVehicleSignature);
        assertTrue(ledger.vehicles(CAR).keyed, "keyed");
    }

    function test_cleared_keys_are_needed_no_more() public {
        give(supplierAccount, CAR, first, START);
        vm.prank(supplierAccount);
        vm.expectEmit(address(ledger));
        emit IVehicles.VehicleKeyCleared(CAR);
        ledger.clearVehicleKeys(one(CAR));
        ISessions.OpenSession memory o = opening(station, 1, CAR, START, 0, 0);
        expectReason(signedBy(o, station_, first), Reason.None);
        assertEq(ledger.sessions(station).flags, 0, "nobody asked");
        assertEq(ledger.vehicleKeys(CAR).key, address(0), "no key");
        unplug(station);
        // the next first key starts anew
        give(supplierAccount, CAR, second, START + 10);
        assertEq(ledger.vehicleKeys(CAR).since, START + 10, "since");
        assertEq(ledger.vehicleKeys(CAR).former, address(0), "no former key");
        expectReason(signed(opening(station, 2, CAR, START, 0, 0)), Reason.None);
    }

    function test_signature_that_nobody_needs_is_ignored() public {
        ISessions.OpenSession memory o = opening(station, 1, CAR, START, 0, 0);
        expectReason(
            bytes.concat(head(o, 0x40), signature(ledger.digestOf(o), STATION_KEY), new bytes(128)),
            Reason.None
        );
        assertEq(ledger.sessions(station).flags, 0, "flags");
    }

    function test_checked_last_of_what_leaves_no_trace() public {
        give(supplierAccount, CAR, first, START);
        plugIn(station, OTHER_CAR);
        expectReason(signed(opening(station, 2, CAR, START, 0, 0)), Reason.StationBusy);
        unplug(station);
        ISessions.OpenSession memory o = opening(station, 2, CAR, START - 1, 0, 0);
        expectReason(signed(o), Reason.TimeBackwards);
        o.time = uint40(START);
        vm.prank(governance);
        registry.pause();
        expectReason(signed(o), Reason.BadVehicleSignature);
        assertEq(submit(signedBy(o, station_, first)), Reason.MarketPaused, "the first decision");
        assertEq(ledger.sessions(station).flags, 1, "what was refused was signed, too");
    }

    // ------------------------------------------------------------------------------------- Who, and how

    function test_set() public {
        address[] memory keys_ = new address[](2);
        (keys_[0], keys_[1]) = (addressOf(first), addressOf(second));
        bytes32 another = registerAnother();
        bytes32[] memory ids = new bytes32[](2);
        (ids[0], ids[1]) = (CAR, another);
        vm.prank(supplierAccount);
        vm.expectEmit(address(ledger));
        emit IVehicles.VehicleKeySet(CAR, keys_[0], 5);
        vm.expectEmit(address(ledger));
        emit IVehicles.VehicleKeySet(another, keys_[1], 5);
        ledger.setVehicleKeys(ids, keys_, 5);
        assertEq(ledger.vehicleKeys(another).key, keys_[1], "key");
        assertTrue(ledger.vehicles(another).keyed, "keyed");
    }

    function test_refuses() public {
        address[] memory keys_ = new address[](2);
        vm.startPrank(supplierAccount);
        vm.expectRevert(abi.encodeWithSelector(IVehicles.LengthMismatch.selector, 1, 2));
        ledger.setVehicleKeys(one(CAR), keys_, 0);
        keys_ = new address[](1);
        vm.expectRevert(IRegistry.InvalidKey.selector);
        ledger.setVehicleKeys(one(CAR), keys_, 0);
        keys_[0] = stranger;
        bytes memory not = abi.encodeWithSelector(IVehicles.NotTheSupplier.selector, OTHER_CAR);
        vm.expectRevert(not);
        ledger.setVehicleKeys(one(OTHER_CAR), keys_, 0);
        vm.expectRevert(not);
        ledger.revokeVehicleKeys(one(OTHER_CAR));
        vm.expectRevert(not);
        ledger.clearVehicleKeys(one(OTHER_CAR));
        vm.stopPrank();
        vm.prank(stranger);
        vm.expectRevert(abi.encodeWithSelector(IRegistry.NotAParticipant.selector, stranger));
        ledger.setVehicleKeys(one(CAR), keys_, 0);
    }

    /// @dev Who supplies at this moment decides about the keys: not who will, not who did.
    function test_change_of_supplier() public {
        vm.prank(supplierAccount);
        ledger.offerVehicles(one(CAR), otherSupplier, uint40(START + 900));
        vm.prank(otherSupplierAccount);
        ledger.acceptVehicles(one(CAR));
        vm.warp(START + 899);
        give(supplierAccount, CAR, first, START);
        vm.prank(otherSupplierAccount);
        vm.expectRevert(abi.encodeWithSelector(IVehicles.NotTheSupplier.selector, CAR));
        ledger.clearVehicleKeys(one(CAR));
        vm.warp(START + 900);
        vm.prank(supplierAccount);
        vm.expectRevert(abi.encodeWithSelector(IVehicles.NotTheSupplier.selector, CAR));
        ledger.revokeVehicleKeys(one(CAR));
        give(otherSupplierAccount, CAR, second, START + 900);
        assertEq(ledger.vehicleKeys(CAR).former, addressOf(first), "former key");
    }

    function test_suspended_supplier_may() public {
        vm.prank(governance);
        registry.suspend(supplier);
        give(supplierAccount, CAR, first, START);
        vm.startPrank(supplierAccount);
        ledger.revokeVehicleKeys(one(CAR));
        ledger.clearVehicleKeys(one(CAR));
        vm.stopPrank();
    }

    function test_vehicle_without_a_key_is_where_it_was() public view {
        IVehicles.VehicleKeys memory none;
        bytes32 found = keccak256(abi.encode(ledger.vehicleKeys(CAR)));
        assertEq(found, keccak256(abi.encode(none)), "no keys");
    }

    function registerAnother() private returns (bytes32) {
        return registerVehicle(supplierAccount, "another");
    }
}
