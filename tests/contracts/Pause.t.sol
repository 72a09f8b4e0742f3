// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IRegistry} from "../../contracts/interfaces/IRegistry.sol";
import {Reason} from "../../contracts/interfaces/Reason.sol";
import {Fixture} from "./Fixture.sol";

/// @notice Governance stops new clearings, and nothing else.
///
/// paused
/// ├── openings: decided MarketPaused, before any other decision
/// ├── reports, claims, withdrawals, expiry: as ever
/// └── limits may change meanwhile, and stay what they are
contract PauseTest is Fixture {
    function test_openings_are_refused_and_used_up() public {
        pause();
        expectRefusal(opening(station, 1, CAR, START, 0, 0), Reason.MarketPaused);
        expectRefusal(opening(station, 2, "unknown", START, 0, 0), Reason.MarketPaused);
        vm.prank(governance);
        vm.expectEmit(address(registry));
        emit IRegistry.Unpaused();
        registry.unpause();
        assertFalse(registry.paused(), "unpaused");
        expectReason(signed(opening(station, 3, CAR, START, 0, 0)), Reason.None);
    }

    function test_what_runs_settles_and_money_moves() public {
        plugIn(feeding, CAR);
        pause();
        vm.warp(START + 900);
        charge(feeding, 1000, 100, true);
        uint96 free = accountOf(supplier).balance;
        vm.prank(supplierAccount);
        vault.withdraw(free, stranger);
        fund(supplier, EURO);
    }

    function test_silence_still_expires() public {
        plugIn(station, CAR);
        pause();
        vm.warp(START + 12 hours + 1);
        ledger.expire(station);
    }

    function test_limits_and_pause_leave_each_other_alone() public {
        pause();
        assertEq(hashOf(registry.limits()), hashOf(defaultLimits()), "limits");
        IRegistry.Limits memory next = defaultLimits();
        next.skew = 1;
        vm.prank(governance);
        registry.setLimits(next);
        assertTrue(registry.paused(), "still paused");
        assertEq(hashOf(registry.limits()), hashOf(next), "limits");
    }

    function test_only_governance() public {
        vm.startPrank(supplierAccount);
        vm.expectRevert();
        registry.pause();
        vm.expectRevert();
        registry.unpause();
        vm.stopPrank();
    }

    function pause() private {
        vm.prank(governance);
        vm.expectEmit(address(registry));
        emit IRegistry.Paused();
        registry.pause();
        assertTrue(registry.paused(), "paused");
    }

    function hashOf(IRegistry.Limits memory limits) private pure returns (bytes32) {
        return keccak256(abi.encode(limits));
    }
}
