// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";

import {IRegistry} from "../../contracts/interfaces/IRegistry.sol";
import {Fixture} from "./Fixture.sol";

/// @notice Companies, their roles, and the limits of the market.
///
/// Registry
/// ├── admit, setRoles, suspend, reinstate, setLimits: by anybody but governance AccessManagedUnauthorized
/// ├── admit: InvalidRoles, InvalidAccount, AccountTaken, else the next number
/// ├── setRoles, suspend, reinstate: NoSuchParticipant
/// ├── setLimits: LimitOutOfRange outside of each bound
/// ├── moveAccount: NotAParticipant, InvalidAccount, AccountTaken
/// ├── offerDefaultSupply: only an active supplier
/// └── setDefaultSupplier: only an active station operator, only one that agreed: NoConsent
contract ParticipantsTest is Fixture {
    // ---------------------------------------------------------------------------------------- Governance

    function test_only_governance() public {
        address[4] memory others = [stranger, supplierAccount, gridAccount, operatorAccount];
        for (uint256 i = 0; i < others.length; ++i) {
            bytes memory refused = abi.encodeWithSelector(
                IAccessManaged.AccessManagedUnauthorized.selector, others[i]
            );
            vm.startPrank(others[i]);
            vm.expectRevert(refused);
            registry.admit(stranger, SUPPLIER, "");
            vm.expectRevert(refused);
            registry.setRoles(supplier, 7);
            vm.expectRevert(refused);
            registry.suspend(otherSupplier);
            vm.expectRevert(refused);
            registry.reinstate(supplier);
            vm.expectRevert(refused);
            registry.setLimits(defaultLimits());
            vm.stopPrank();
        }
    }

    function test_admit() public {
        vm.prank(governance);
        vm.expectEmit(address(registry));
        emit IRegistry.ParticipantAdmitted(5, stranger, 6, "9900000000001");
        assertEq(registry.admit(stranger, 6, "9900000000001"), 5, "next number");
        assertEq(registry.participantCount(), 5, "count");
        assertEq(registry.participantOf(stranger), 5, "by account");
        IRegistry.Participant memory p = registry.participants(5);
        assertEq(p.account, stranger, "account");
        assertEq(p.roles, 6, "roles");
        assertTrue(p.active, "active");
        assertTrue(registry.isActive(5, GRID_OPERATOR), "as a grid operator");
        assertTrue(registry.isActive(5, STATION_OPERATOR), "as a station operator");
        assertFalse(registry.isActive(5, SUPPLIER), "no supplier");
    }

    function test_admit_refuses() public {
        vm.startPrank(governance);
        vm.expectRevert(abi.encodeWithSelector(IRegistry.InvalidRoles.selector, 0));
        registry.admit(stranger, 0, "");
        vm.expectRevert(abi.encodeWithSelector(IRegistry.InvalidRoles.selector, 8));
        registry.admit(stranger, 8, "");
        vm.expectRevert(abi.encodeWithSelector(IRegistry.InvalidAccount.selector, address(0)));
        registry.admit(address(0), SUPPLIER, "");
        vm.expectRevert(abi.encodeWithSelector(IRegistry.AccountTaken.selector, supplierAccount));
        registry.admit(supplierAccount, SUPPLIER, "");
        vm.stopPrank();
        assertEq(registry.participantCount(), 4, "no number is used up");
    }

    function test_suspend_and_reinstate() public {
        vm.startPrank(governance);
        vm.expectEmit(address(registry));
        emit IRegistry.ParticipantSuspended(supplier);
        registry.suspend(supplier);
        assertFalse(registry.isActive(supplier, SUPPLIER), "suspended");
        vm.expectEmit(address(registry));
        emit IRegistry.ParticipantReinstated(supplier);
        registry.reinstate(supplier);
        assertTrue(registry.isActive(supplier, SUPPLIER), "reinstated");
        vm.stopPrank();
    }

    function test_set_roles() public {
        vm.startPrank(governance);
        vm.expectEmit(address(registry));
        emit IRegistry.RolesChanged(supplier, 3);
        registry.setRoles(supplier, 3);
        vm.expectRevert(abi.encodeWithSelector(IRegistry.InvalidRoles.selector, 0));
        registry.setRoles(supplier, 0);
        vm.expectRevert(abi.encodeWithSelector(IRegistry.InvalidRoles.selector, 255));
        registry.setRoles(supplier, 255);
        vm.stopPrank();
        assertEq(registry.participants(supplier).roles, 3, "roles");
    }

    function test_no_such_participant() public {
        bytes memory nobody = abi.encodeWithSelector(IRegistry.NoSuchParticipant.selector, 99);
        vm.startPrank(governance);
        vm.expectRevert(nobody);
        registry.setRoles(99, SUPPLIER);
        vm.expectRevert(nobody);
        registry.suspend(99);
        vm.expectRevert(nobody);
        registry.reinstate(99);
        vm.expectRevert(abi.encodeWithSelector(IRegistry.NoSuchParticipant.selector, 0));
        registry.reinstate(0);
        vm.stopPrank();
        assertFalse(registry.isActive(0, 7), "nobody is active");
    }

    // -------------------------------------------------------------------------------------------- Limits

    function test_set_limits() public {
        IRegistry.Limits memory limits = IRegistry.Limits(1, 1 hours, 2 hours, 900, 5, 6, 7);
        vm.prank(governance);
        vm.expectEmit(address(registry));
        emit IRegistry.LimitsSet(limits);
        registry.setLimits(limits);
        assertEq(keccak256(abi.encode(registry.limits())), keccak256(abi.encode(limits)), "limits");
    }

    /// @dev Field by field, at both edges of its bounds and one beyond.
    function test_bounds_of_limits() public {
        inRange(0, 0, 1 hours, "skew");
        inRange(1, 1 hours, 60 days, "backlog");
        inRange(2, 1 hours, 60 days, "silence");
        inRange(3, 15 minutes, 60 days, "notice");
        inRange(4, 0, 1_000_000, "reserveWh");
        inRange(5, 0, 100_000_000, "maxPrice");
        inRange(6, 0, 1_000_000_000, "maxSessionFee");
    }

    function test_bounds_hold_from_the_start() public {
        IRegistry.Limits memory limits = defaultLimits();
        limits.skew = 1 hours + 1;
        vm.expectRevert(abi.encodeWithSelector(IRegistry.LimitOutOfRange.selector, "skew"));
        newRegistry(governance, limits);
    }

    function inRange(uint256 field, uint32 low, uint32 high, string memory name) private {
        set(field, low);
        set(field, high);
        bytes memory refused = abi.encodeWithSelector(IRegistry.LimitOutOfRange.selector, name);
        vm.expectRevert(refused);
        set(field, high + 1);
        vm.expectRevert(refused);
        set(field, type(uint32).max);
        if (low == 0) return;
        vm.expectRevert(refused);
        set(field, low - 1);
        vm.expectRevert(refused);
        set(field, 0);
    }

    function set(uint256 field, uint32 value) private {
        uint32[7] memory l =
            [uint32(60), uint32(7 days), 12 hours, 1 days, 60_000, 2_000_000, 5_000_000];
        l[field] = value;
        vm.prank(governance);
        registry.setLimits(IRegistry.Limits(l[0], l[1], l[2], l[3], l[4], l[5], l[6]));
    }

    // ------------------------------------------------------------------------------------------ Accounts

    function test_move_account() public {
        vm.prank(supplierAccount);
        vm.expectEmit(address(registry));
        emit IRegistry.AccountMoved(supplier, supplierAccount, stranger);
        registry.moveAccount(stranger);
        assertEq(registry.participantOf(stranger), supplier, "new account");
        assertEq(registry.participantOf(supplierAccount), 0, "old account");
        assertEq(registry.participants(supplier).account, stranger, "participant");
        vm.prank(supplierAccount);
        vm.expectRevert(abi.encodeWithSelector(IRegistry.NotAParticipant.selector, supplierAccount));
        registry.moveAccount(supplierAccount);
        // the old account is free for another participant
        admit(supplierAccount, GRID_OPERATOR);
    }

    function test_move_account_refuses() public {
        vm.prank(stranger);
        vm.expectRevert(abi.encodeWithSelector(IRegistry.NotAParticipant.selector, stranger));
        registry.moveAccount(relay);
        vm.startPrank(supplierAccount);
        vm.expectRevert(abi.encodeWithSelector(IRegistry.AccountTaken.selector, gridAccount));
        registry.moveAccount(gridAccount);
        vm.expectRevert(abi.encodeWithSelector(IRegistry.InvalidAccount.selector, address(0)));
        registry.moveAccount(address(0));
        vm.stopPrank();
        assertEq(registry.participantOf(supplierAccount), supplier, "unmoved");
    }

    function test_suspended_participant_may_move_its_account() public {
        vm.prank(governance);
        registry.suspend(supplier);
        vm.prank(supplierAccount);
        registry.moveAccount(stranger);
        assertFalse(registry.isActive(supplier, SUPPLIER), "and stays suspended");
    }

    function test_require_participant_and_active() public {
        assertEq(registry.requireParticipant(gridAccount), grid, "participant");
        assertEq(registry.requireActive(gridAccount, GRID_OPERATOR), grid, "active");
        vm.expectRevert(abi.encodeWithSelector(IRegistry.MissingRole.selector, grid, SUPPLIER));
        registry.requireActive(gridAccount, SUPPLIER);
        vm.prank(governance);
        registry.suspend(grid);
        assertEq(registry.requireParticipant(gridAccount), grid, "still a participant");
        vm.expectRevert(abi.encodeWithSelector(IRegistry.NotActive.selector, grid));
        registry.requireActive(gridAccount, GRID_OPERATOR);
    }

    // ----------------------------------------------------------------------------------- Default supplier

    function test_default_supplier_needs_consent() public {
        vm.prank(operatorAccount);
        vm.expectRevert(abi.encodeWithSelector(IRegistry.NoConsent.selector, supplier, operator));
        registry.setDefaultSupplier(supplier);
        vm.prank(supplierAccount);
        vm.expectEmit(address(registry));
        emit IRegistry.DefaultSupplyOffered(supplier, operator, true);
        registry.offerDefaultSupply(operator, true);
        vm.startPrank(operatorAccount);
        vm.expectEmit(address(registry));
        emit IRegistry.DefaultSupplierSet(operator, supplier);
        registry.setDefaultSupplier(supplier);
        assertEq(registry.participants(operator).defaultSupplier, supplier, "named");
        // naming none needs no consent
        registry.setDefaultSupplier(0);
        assertEq(registry.participants(operator).defaultSupplier, 0, "none");
        vm.stopPrank();
    }

    function test_consent_is_for_one_operator() public {
        vm.prank(supplierAccount);
        registry.offerDefaultSupply(operator, true);
        address newOperator = address(0x702);
        uint24 fresh = admit(newOperator, STATION_OPERATOR);
        vm.prank(newOperator);
        vm.expectRevert(abi.encodeWithSelector(IRegistry.NoConsent.selector, supplier, fresh));
        registry.setDefaultSupplier(supplier);
    }

    function test_default_supply_is_between_supplier_and_station_operator() public {
        vm.prank(gridAccount);
        vm.expectRevert(abi.encodeWithSelector(IRegistry.MissingRole.selector, grid, SUPPLIER));
        registry.offerDefaultSupply(operator, true);
        vm.prank(gridAccount);
        vm.expectRevert(
            abi.encodeWithSelector(IRegistry.MissingRole.selector, grid, STATION_OPERATOR)
        );
        registry.setDefaultSupplier(0);
        vm.startPrank(governance);
        registry.suspend(supplier);
        registry.suspend(operator);
        vm.stopPrank();
        vm.prank(supplierAccount);
        vm.expectRevert(abi.encodeWithSelector(IRegistry.NotActive.selector, supplier));
        registry.offerDefaultSupply(operator, true);
        vm.prank(operatorAccount);
        vm.expectRevert(abi.encodeWithSelector(IRegistry.NotActive.selector, operator));
        registry.setDefaultSupplier(0);
        vm.prank(stranger);
        vm.expectRevert(abi.encodeWithSelector(IRegistry.NotAParticipant.selector, stranger));
        registry.setDefaultSupplier(0);
    }
}
