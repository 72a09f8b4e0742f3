// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ISessions} from "../../contracts/interfaces/ISessions.sol";
import {Reason} from "../../contracts/interfaces/Reason.sol";
import {Keys} from "./Keys.sol";
import {Leaf} from "./Leaf.sol";
import {Vm} from "./Vm.sol";

/// @notice A forged opening does not lock a car out: one that the vehicle signed wins over one that it did not.
///
/// the vehicle is in an open session elsewhere
/// ├── neither, or both, or only that one is signed: VehicleBusy
/// ├── only this one is signed, and everything else is good: that one is superseded, this one cleared
/// └── only this one is signed, but it is refused: nothing happens to that one
/// a superseded session
/// ├── reports: SessionNotOpen; its own number: SessionUsed; other openings: StationBusy
/// └── anybody ends it at once: reserve released, a batch of its own
contract SupersedingTest is Keys {
    Key private car = Key(0xca51, false);
    Key private here = Key(FEEDING_KEY, false);

    function setUp() public override {
        super.setUp();
        // a forged opening of a time before the first key, which needs no signature
        give(supplierAccount, CAR, car, START + 100);
        plugIn(station, CAR);
        vm.warp(START + 100);
    }

    function test_signed_wins_over_unsigned() public {
        ISessions.OpenSession memory o = opening(feeding, 1, CAR, START + 100, 0, 0);
        uint80 reserved = accountOf(supplier).reserved;
        vm.recordLogs();
        assertEq(submit(signedBy(o, here, car)), Reason.None, "reason");
        Vm.Log[] memory logs = vm.getRecordedLogs();
        assertEq(logs.length, 3, "events");
        assertEq(logs[0].topics[0], ISessions.SessionSuperseded.selector, "superseded first");
        assertEq(uint256(logs[0].topics[1]), station, "station");
        assertEq(abi.decode(logs[0].data, (uint256)), 1, "session");
        assertEq(logs[1].topics[0], ISessions.SessionCleared.selector, "then cleared");
        assertTrue(stateOf(station) == ISessions.State.Superseded, "superseded");
        assertTrue(stateOf(feeding) == ISessions.State.Open, "open");
        assertEq(ledger.vehicles(CAR).station, feeding, "the vehicle's station");
        uint64 held = ledger.sessions(feeding).supplierReserve;
        assertEq(accountOf(supplier).reserved, reserved + held, "both are held");
    }

    function test_superseded_session_takes_nothing() public {
        supersede();
        expectReason(signed(nextReport(station, START + 100, 0, 0, true)), Reason.SessionNotOpen);
        expectReason(signed(opening(station, 1, OTHER_CAR, START + 100, 0, 0)), Reason.SessionUsed);
        expectReason(signed(opening(station, 2, OTHER_CAR, START + 100, 0, 0)), Reason.StationBusy);
    }

    function test_anybody_ends_it_at_once() public {
        supersede();
        ISessions.Session memory s = ledger.sessions(station);
        uint80 reserved = accountOf(supplier).reserved;
        bytes32 root = Leaf.expired(station, s, START + 100);
        uint64 batch_ = ledger.batchCount() + 1;
        vm.prank(stranger);
        vm.expectEmit(address(ledger));
        emit ISessions.SessionExpired(station, 1);
        vm.expectEmit(address(ledger));
        emit ISessions.BatchRecorded(batch_, root, 1);
        ledger.expire(station);
        assertEq(accountOf(supplier).reserved, reserved - s.supplierReserve, "released");
        assertEq(ledger.batchRoot(batch_), root, "root");
        assertTrue(ledger.isInBatch(batch_, root, new bytes32[](0)), "proven by itself");
        assertTrue(stateOf(station) == ISessions.State.Expired, "expired");
        vm.expectRevert(abi.encodeWithSelector(ISessions.NotExpirable.selector, station));
        ledger.expire(station);
        plugIn(station, OTHER_CAR);
        // the true session goes on
        vm.warp(START + 200);
        charge(feeding, 100, 0, true);
    }

    function test_signed_against_signed() public {
        supersede();
        ledger.expire(station);
        ISessions.OpenSession memory o = opening(station, 2, CAR, START + 99, 0, 0);
        assertEq(submit(signed(o)), Reason.VehicleBusy, "only the other is signed");
        o = opening(station, 3, CAR, START + 100, 0, 0);
        assertEq(submit(signedBy(o, k1(STATION_KEY), car)), Reason.VehicleBusy, "both are signed");
        assertTrue(stateOf(feeding) == ISessions.State.Open, "still open");
    }

    function test_unsigned_against_unsigned() public {
        ISessions.OpenSession memory o = opening(feeding, 1, CAR, START + 99, 0, 0);
        assertEq(submit(signed(o)), Reason.VehicleBusy, "neither is signed");
        assertTrue(stateOf(station) == ISessions.State.Open, "still open");
    }

    /// @dev A signed opening that is refused leaves the other session alone. The reserve of both must be covered.
    function test_refused_supersedes_nothing() public {
        uint96 free = accountOf(supplier).balance - accountOf(supplier).reserved;
        vm.prank(supplierAccount);
        vault.withdraw(free, stranger);
        ISessions.OpenSession memory o = opening(feeding, 1, CAR, START + 100, 0, 0);
        assertEq(submit(signedBy(o, here, car)), Reason.SupplierNotCovered, "not both");
        assertTrue(stateOf(station) == ISessions.State.Open, "still open");
        vm.prank(governance);
        registry.pause();
        o.session = 2;
        assertEq(submit(signedBy(o, here, car)), Reason.MarketPaused, "paused");
        assertTrue(stateOf(station) == ISessions.State.Open, "still open");
    }

    /// @dev All in one batch: the car is superseded at one station, opened and closed at another.
    function test_within_one_batch() public {
        ISessions.OpenSession memory o = opening(feeding, 1, CAR, START + 100, 0, 0);
        Reason[] memory reasons = submitAll(
            batch(
                signedBy(o, here, car),
                signed(report(station, 1, 1, START + 100, 0, 0, true, "")),
                signed(report(feeding, 1, 1, START + 100, 0, 0, true, ""))
            )
        );
        assertEq(reasons[0], Reason.None, "cleared");
        assertEq(reasons[1], Reason.SessionNotOpen, "superseded");
        assertEq(reasons[2], Reason.None, "closed");
    }

    function supersede() private {
        ISessions.OpenSession memory o = opening(feeding, 1, CAR, START + 100, 0, 0);
        expectReason(signedBy(o, here, car), Reason.None);
    }

    function stateOf(uint32 n) private view returns (ISessions.State) {
        return ledger.sessions(n).state;
    }
}
