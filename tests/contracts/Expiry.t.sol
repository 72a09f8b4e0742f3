// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IRegistry} from "../../contracts/interfaces/IRegistry.sol";
import {ISessions} from "../../contracts/interfaces/ISessions.sol";
import {Fixture} from "./Fixture.sol";

/// @notice The end of a session whose station went silent.
///
/// expire
/// ├── the station has no session, or its session is closed, expired or refused: NotExpirable
/// ├── a message was accepted within the limit, to the second: NotExpirable
/// └── else, by anybody: expired, reserves released, what was settled stays
contract ExpiryTest is Fixture {
    function test_not_open() public {
        notExpirable(0);
        notExpirable(99);
        notExpirable(station);
        plugIn(station, CAR);
        unplug(station);
        vm.warp(START + 30 days);
        notExpirable(station);
    }

    function test_refused_session_does_not_expire() public {
        plugIn(station, CAR);
        unplug(station);
        submit(signed(opening(station, 2, "unknown", START, 0, 0)));
        vm.warp(START + 30 days);
        notExpirable(station);
    }

    function test_silence_to_the_second() public {
        plugIn(station, CAR);
        vm.warp(START + 12 hours);
        notExpirable(station);
        vm.warp(START + 12 hours + 1);
        vm.expectEmit(address(ledger));
        emit ISessions.SessionExpired(station, 1);
        vm.prank(stranger);
        ledger.expire(station);
        assertTrue(ledger.sessions(station).state == ISessions.State.Expired, "expired");
        notExpirable(station);
    }

    /// @dev What counts is when a message arrived, not the time that it tells.
    function test_silence_counts_from_the_last_accepted_message() public {
        plugIn(station, CAR);
        vm.warp(START + 12 hours + 1);
        submit(signed(nextReport(station, START + 10, 5, 0, false)));
        notExpirable(station);
        vm.warp(START + 24 hours + 1);
        // a rejected message is none
        submit(signed(report(station, 1, 1, START + 10, 5, 0, false, "")));
        notExpirable(station);
        vm.warp(START + 24 hours + 2);
        ledger.expire(station);
    }

    function test_what_was_settled_stays() public {
        plugIn(feeding, CAR);
        vm.warp(START + 900);
        charge(feeding, 1000, 0, false);
        uint96 balance = accountOf(supplier).balance;
        vm.warp(START + 900 + 12 hours + 1);
        ledger.expire(feeding);
        assertEq(accountOf(supplier).balance, balance, "no session fee");
        assertEq(accountOf(supplier).reserved, 0, "supplier's reserve");
        assertEq(accountOf(grid).reserved, 0, "grid operator's reserve");
        assertEq(ledger.pairs(supplier, grid).importWh, 1000, "energy");
        assertEq(ledger.journals(supplier).count, 2, "deposit and report");
    }

    function test_limit_of_now_counts() public {
        plugIn(station, CAR);
        IRegistry.Limits memory limits = defaultLimits();
        limits.silence = 1 hours;
        vm.prank(governance);
        registry.setLimits(limits);
        vm.warp(START + 1 hours);
        notExpirable(station);
        vm.warp(START + 1 hours + 1);
        ledger.expire(station);
    }

    function notExpirable(uint32 n) private {
        vm.expectRevert(abi.encodeWithSelector(ISessions.NotExpirable.selector, n));
        ledger.expire(n);
    }
}
