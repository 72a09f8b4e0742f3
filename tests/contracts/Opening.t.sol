// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ISessions} from "../../contracts/interfaces/ISessions.sol";
import {Reason} from "../../contracts/interfaces/Reason.sol";
import {Fixture} from "./Fixture.sol";

/// @notice The checks of an opening that leave no trace (what is decided for good: Clearing.t.sol).
///
/// OpenSession
/// ├── the station was never requested, is not approved, is closed, or its key is revoked: UnknownStation
/// ├── signed by another key, or over another content: BadSignature
/// ├── signed by the former key
/// │   ├── with a time before the rotation: cleared
/// │   └── with a later time, after a second rotation, or after a revocation: BadSignature
/// ├── the station's session is open: StationBusy, for the open one's own number SessionUsed
/// ├── the number is not greater than the last, whatever became of that: SessionUsed
/// ├── the time lies beyond the skew: TimeInFuture, beyond the backlog: TooOld, before the last: TimeBackwards
/// ├── a register is below the last reading: RegisterBackwards
/// └── else cleared
contract OpeningTest is Fixture {
    uint256 private constant NEW_KEY = 0x5747103;

    function test_cleared() public {
        ISessions.OpenSession memory o = opening(feeding, 7, CAR, START, 1000, 500);
        vm.warp(START + 40);
        vm.expectEmit(address(ledger));
        emit ISessions.SessionCleared(feeding, CAR, supplier, 7, uint40(START), 1000, 500, 1, 1);
        assertEq(submit(signed(o)), Reason.None, "reason");

        ISessions.Session memory s = ledger.sessions(feeding);
        assertEq(s.number, 7, "number");
        assertEq(s.report, 0, "report");
        assertEq(s.time, START, "time");
        assertEq(s.touched, START + 40, "touched");
        assertEq(s.importRegister, 1000, "import register");
        assertEq(s.exportRegister, 500, "export register");
        assertTrue(s.state == ISessions.State.Open, "open");
        assertEq(s.supplier, supplier, "supplier");
        assertEq(s.gridTariff, 1, "grid tariff");
        assertEq(s.operatorTariff, 1, "operator tariff");
        assertEq(ledger.vehicles(CAR).station, feeding, "the vehicle's station");
        assertEq(ledger.vehicles(CAR).session, 7, "the vehicle's session");
        assertEq(ledger.journals(supplier).count, 1, "only the deposit is in the journal");
    }

    // ------------------------------------------------------------------------------------ UnknownStation

    function test_station_never_requested() public {
        expectReason(signed(opening(0, 1, CAR, START, 0, 0)), Reason.UnknownStation);
        expectReason(signed(opening(99, 1, CAR, START, 0, 0)), Reason.UnknownStation);
    }

    function test_station_not_approved() public {
        vm.prank(operatorAccount);
        uint32 requested = registry.requestStation(METER, vm.addr(NEW_KEY), 11_000, 0, "");
        bytes memory message = signed(opening(requested, 1, CAR, START, 0, 0), NEW_KEY);
        expectReason(message, Reason.UnknownStation);
        vm.prank(gridAccount);
        registry.approveStations(one(requested));
        expectReason(message, Reason.None);
    }

    function test_station_closed() public {
        vm.prank(gridAccount);
        registry.closeStation(station);
        expectReason(signed(opening(station, 1, CAR, START, 0, 0)), Reason.UnknownStation);
    }

    function test_key_revoked() public {
        vm.prank(operatorAccount);
        registry.revokeStationKey(station);
        bytes memory message = signed(opening(station, 1, CAR, START, 0, 0));
        expectReason(message, Reason.UnknownStation);
        rotate(NEW_KEY);
        expectReason(message, Reason.BadSignature);
        expectReason(signed(opening(station, 1, CAR, START, 0, 0), NEW_KEY), Reason.None);
    }

    // -------------------------------------------------------------------------------------- BadSignature

    function test_signed_by_another_station() public {
        expectReason(
            signed(opening(station, 1, CAR, START, 0, 0), FEEDING_KEY), Reason.BadSignature
        );
    }

    function test_any_field_changed() public {
        ISessions.OpenSession memory o = opening(station, 2, CAR, START, 5, 6);
        bytes memory message = signed(o);
        // the first byte is the kind, the next four tell the station; the last byte is v
        for (uint256 i = 5; i < message.length; ++i) {
            bytes memory changed = signed(o);
            changed[i] ^= 0x01;
            expectReason(changed, Reason.BadSignature);
        }
        expectReason(message, Reason.None);
    }

    function test_former_key_signs_until_the_rotation() public {
        vm.warp(START + 1000);
        rotate(NEW_KEY);
        bytes memory late = signed(opening(station, 1, CAR, START + 1000, 0, 0));
        expectReason(late, Reason.BadSignature);
        expectReason(signed(opening(station, 1, CAR, START + 999, 0, 0)), Reason.None);
    }

    function test_new_key_signs_for_any_time() public {
        vm.warp(START + 1000);
        rotate(NEW_KEY);
        expectReason(signed(opening(station, 1, CAR, START + 10, 0, 0), NEW_KEY), Reason.None);
    }

    function test_second_rotation_forgets_the_first_key() public {
        vm.warp(START + 1000);
        rotate(NEW_KEY);
        rotate(NEW_KEY + 1);
        expectReason(signed(opening(station, 1, CAR, START, 0, 0)), Reason.BadSignature);
        expectReason(signed(opening(station, 1, CAR, START, 0, 0), NEW_KEY), Reason.None);
    }

    function test_revocation_cuts_the_former_key_off() public {
        vm.warp(START + 1000);
        rotate(NEW_KEY);
        vm.prank(operatorAccount);
        registry.revokeStationKey(station);
        rotate(NEW_KEY + 1);
        expectReason(signed(opening(station, 1, CAR, START, 0, 0)), Reason.BadSignature);
        expectReason(signed(opening(station, 1, CAR, START, 0, 0), NEW_KEY), Reason.BadSignature);
    }

    /// @dev A revoked key leaves the address 0 behind, which is also what a broken signature recovers to.
    function test_zero_signature_after_a_revocation() public {
        vm.prank(operatorAccount);
        registry.revokeStationKey(station);
        rotate(NEW_KEY);
        bytes memory message = signed(opening(station, 1, CAR, START - 1, 0, 0));
        for (uint256 i = 58; i < 123; ++i) {
            message[i] = 0;
        }
        expectReason(message, Reason.BadSignature);
    }

    // ------------------------------------------------------------------- StationBusy, SessionUsed, expiry

    function test_busy_while_open() public {
        plugIn(station, CAR);
        expectReason(signed(opening(station, 2, OTHER_CAR, START, 0, 0)), Reason.StationBusy);
        expectReason(signed(opening(station, 1, OTHER_CAR, START, 0, 0)), Reason.SessionUsed);
        expectReason(signed(opening(station, 0, OTHER_CAR, START, 0, 0)), Reason.StationBusy);
        unplug(station);
        expectReason(signed(opening(station, 1, OTHER_CAR, START, 0, 0)), Reason.SessionUsed);
        expectReason(signed(opening(station, 2, OTHER_CAR, START, 0, 0)), Reason.None);
    }

    function test_number_0_is_used() public {
        expectReason(signed(opening(station, 0, CAR, START, 0, 0)), Reason.SessionUsed);
    }

    function test_numbers_may_leave_gaps() public {
        expectReason(signed(opening(station, 5, CAR, START, 0, 0)), Reason.None);
        unplug(station);
        expectReason(signed(opening(station, 4, CAR, START, 0, 0)), Reason.SessionUsed);
        uint32 last = type(uint32).max;
        expectReason(signed(opening(station, last, CAR, START, 0, 0)), Reason.None);
        unplug(station);
        expectReason(signed(opening(station, last, CAR, START, 0, 0)), Reason.SessionUsed);
    }

    function test_after_an_expired_session() public {
        ISessions.OpenSession memory o = plugIn(station, CAR);
        vm.warp(START + 600);
        charge(station, 100, 0, false);
        vm.warp(START + 600 + 12 hours + 1);
        ledger.expire(station);
        expectReason(signed(o), Reason.SessionUsed);
        // it goes on from the last reading
        expectReason(signed(opening(station, 2, CAR, START + 599, 100, 0)), Reason.TimeBackwards);
        expectReason(signed(opening(station, 2, CAR, START + 600, 99, 0)), Reason.RegisterBackwards);
        expectReason(signed(opening(station, 2, CAR, START + 600, 100, 0)), Reason.None);
        assertEq(ledger.sessions(station).report, 0, "reports start again");
    }

    function test_after_a_refused_session() public {
        expectRefusal(opening(station, 1, "unknown", START, 70, 0), Reason.NoSupplier);
        expectReason(signed(opening(station, 2, CAR, START, 69, 0)), Reason.RegisterBackwards);
        expectReason(signed(opening(station, 2, CAR, START - 1, 70, 0)), Reason.TimeBackwards);
        expectReason(signed(opening(station, 2, CAR, START, 70, 0)), Reason.None);
    }

    // --------------------------------------------------------------------------------- Time and registers

    function test_skew_to_the_second() public {
        bytes memory early = signed(opening(station, 1, CAR, START + 61, 0, 0));
        expectReason(early, Reason.TimeInFuture);
        vm.warp(START + 1);
        expectReason(early, Reason.None);
    }

    function test_backlog_to_the_second() public {
        vm.warp(START + 3 days + 7 days);
        expectReason(signed(opening(station, 1, CAR, START + 3 days - 1, 0, 0)), Reason.TooOld);
        expectReason(signed(opening(station, 1, CAR, START + 3 days, 0, 0)), Reason.None);
    }

    function test_largest_time() public {
        expectReason(signed(opening(station, 1, CAR, type(uint40).max, 0, 0)), Reason.TimeInFuture);
        expectReason(signed(opening(station, 1, CAR, 0, 0, 0)), Reason.TooOld);
    }

    function test_time_and_registers_backwards() public {
        expectReason(signed(opening(feeding, 1, CAR, START, 1000, 500)), Reason.None);
        vm.warp(START + 100);
        charge(feeding, 10, 5, true);
        expectReason(signed(opening(feeding, 2, CAR, START + 99, 1010, 505)), Reason.TimeBackwards);
        expectReason(
            signed(opening(feeding, 2, CAR, START + 100, 1009, 505)), Reason.RegisterBackwards
        );
        expectReason(
            signed(opening(feeding, 2, CAR, START + 100, 1010, 504)), Reason.RegisterBackwards
        );
        expectReason(signed(opening(feeding, 2, CAR, START + 100, 1010, 505)), Reason.None);
    }

    /// @dev What a meter counted between two sessions belongs to none.
    function test_registers_may_jump_between_sessions() public {
        plugIn(station, CAR);
        unplug(station);
        uint48 most = type(uint48).max;
        expectReason(signed(opening(station, 2, CAR, START, most, most)), Reason.None);
        unplug(station);
    }

    // --------------------------------------------------------------------------------------------- Order

    function test_checks_come_in_their_order() public {
        vm.warp(START + 9 days);
        plugIn(station, CAR);
        vm.warp(START + 9 days + 60);
        charge(station, 100, 0, false);
        vm.prank(operatorAccount);
        registry.revokeStationKey(station);

        ISessions.OpenSession memory o = opening(station, 1, "unknown", START + 10 days, 0, 0);
        expectReason(signed(o, NEW_KEY), Reason.UnknownStation);
        rotate(NEW_KEY);
        expectReason(signed(o, STATION_KEY), Reason.BadSignature);
        expectReason(signed(o, NEW_KEY), Reason.SessionUsed);
        o.session = 2;
        expectReason(signed(o, NEW_KEY), Reason.StationBusy);
        expectReason(
            signed(nextReport(station, START + 9 days + 60, 0, 0, true), NEW_KEY), Reason.None
        );
        o.session = 1;
        expectReason(signed(o, NEW_KEY), Reason.SessionUsed);
        o.session = 2;
        expectReason(signed(o, NEW_KEY), Reason.TimeInFuture);
        o.time = uint40(START + 2 days - 1);
        expectReason(signed(o, NEW_KEY), Reason.TooOld);
        o.time = uint40(START + 9 days + 59);
        expectReason(signed(o, NEW_KEY), Reason.TimeBackwards);
        o.time = uint40(START + 9 days + 60);
        expectReason(signed(o, NEW_KEY), Reason.RegisterBackwards);
        o.importRegister = 100;
        assertEq(submit(signed(o, NEW_KEY)), Reason.NoSupplier, "the first decision");
    }

    function rotate(uint256 key) private {
        vm.prank(operatorAccount);
        registry.rotateStationKey(station, vm.addr(key), uint40(block.timestamp));
    }
}
