// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ISessions} from "../../contracts/interfaces/ISessions.sol";
import {Reason} from "../../contracts/interfaces/Reason.sol";
import {Fixture} from "./Fixture.sol";

/// @notice The checks of a report, none of which leaves a trace (power: Power.t.sol; what it costs: Settlement.t.sol).
///
/// EnergyReport
/// ├── the station cannot sign: UnknownStation, or did not: BadSignature
/// ├── the session is closed, expired, refused, another one, or none: SessionNotOpen
/// ├── the number was settled: ReportUsed, or leaves a gap: ReportMissing
/// ├── the time lies beyond the skew: TimeInFuture, before the last reading: TimeBackwards
/// ├── not one pair of registers for each boundary strictly between, or more than 192: WrongBoundaries
/// ├── a register runs backwards in any slot: RegisterBackwards
/// ├── a slot has more energy than the power gives: PowerExceeded
/// └── else settled; `last` closes the session
contract ReportingTest is Fixture {
    uint256 private constant NEW_KEY = 0x5747103;

    // ------------------------------------------------------------------------------------------- Settled

    function test_settled() public {
        plugIn(feeding, CAR);
        vm.warp(START + 600);
        ISessions.EnergyReport memory r = nextReport(feeding, START + 590, 100, 40, false);
        r.evidence = "a meter's record";
        expectReason(signed(r), Reason.None);

        ISessions.Session memory s = ledger.sessions(feeding);
        assertEq(s.report, 1, "report");
        assertEq(s.time, START + 590, "time");
        assertEq(s.touched, START + 600, "touched");
        assertEq(s.importRegister, 100, "import register");
        assertEq(s.exportRegister, 40, "export register");
        assertTrue(s.state == ISessions.State.Open, "stays open");
        unplug(feeding);
        assertTrue(ledger.sessions(feeding).state == ISessions.State.Closed, "closed");
    }

    function test_suspended_participants_settle_what_runs() public {
        plugIn(feeding, CAR);
        vm.startPrank(governance);
        registry.suspend(supplier);
        registry.suspend(grid);
        registry.suspend(operator);
        vm.stopPrank();
        vm.warp(START + 600);
        charge(feeding, 1000, 500, false);
        unplug(feeding);
        assertEq(ledger.pairs(supplier, grid).importWh, 1000, "settled");
    }

    // ---------------------------------------------------------------------- UnknownStation, BadSignature

    function test_unknown_station() public {
        expectReason(signed(report(0, 1, 1, START, 0, 0, true, "")), Reason.UnknownStation);
        expectReason(signed(report(99, 1, 1, START, 0, 0, true, "")), Reason.UnknownStation);
    }

    function test_station_closed_or_key_revoked() public {
        plugIn(station, CAR);
        plugIn(feeding, OTHER_CAR);
        vm.prank(gridAccount);
        registry.closeStation(station);
        vm.prank(operatorAccount);
        registry.revokeStationKey(feeding);
        expectReason(signed(nextReport(station, START, 0, 0, true)), Reason.UnknownStation);
        expectReason(signed(nextReport(feeding, START, 0, 0, true)), Reason.UnknownStation);
        // a new key goes on where the revoked one stopped
        vm.prank(operatorAccount);
        registry.rotateStationKey(feeding, vm.addr(NEW_KEY), uint40(block.timestamp));
        expectReason(signed(nextReport(feeding, START, 0, 0, true)), Reason.BadSignature);
        expectReason(signed(nextReport(feeding, START, 0, 0, true), NEW_KEY), Reason.None);
        // what it held comes free by expiry
        vm.warp(START + 12 hours + 1);
        ledger.expire(station);
        assertEq(accountOf(supplier).reserved, 0, "released");
    }

    function test_any_field_changed() public {
        plugIn(feeding, CAR);
        vm.warp(START + 2000);
        ISessions.EnergyReport memory r = nextReport(feeding, START + 2000, 100, 90, true);
        bytes memory message = signed(r);
        // the first byte is the kind, the next four tell the station
        for (uint256 i = 5; i < message.length; ++i) {
            bytes memory changed = signed(r);
            changed[i] ^= 0x01;
            expectReason(changed, Reason.BadSignature);
        }
        expectReason(message, Reason.None);
    }

    function test_former_key_reports_until_the_rotation() public {
        plugIn(station, CAR);
        vm.warp(START + 500);
        vm.prank(operatorAccount);
        registry.rotateStationKey(station, vm.addr(NEW_KEY), uint40(block.timestamp));
        ISessions.EnergyReport memory r = nextReport(station, START + 500, 10, 0, false);
        expectReason(signed(r), Reason.BadSignature);
        r.time = uint40(START + 499);
        expectReason(signed(r), Reason.None);
        expectReason(signed(nextReport(station, START + 500, 0, 0, true)), Reason.BadSignature);
        expectReason(signed(nextReport(station, START + 500, 0, 0, true), NEW_KEY), Reason.None);
    }

    // ------------------------------------------------------------------ SessionNotOpen, ReportUsed, -Missing

    function test_session_not_open() public {
        expectReason(signed(report(station, 0, 1, START, 0, 0, true, "")), Reason.SessionNotOpen);
        expectReason(signed(report(station, 1, 1, START, 0, 0, true, "")), Reason.SessionNotOpen);
        plugIn(station, CAR);
        expectReason(signed(report(station, 2, 1, START, 0, 0, true, "")), Reason.SessionNotOpen);
        unplug(station);
        expectReason(signed(report(station, 1, 2, START, 0, 0, true, "")), Reason.SessionNotOpen);
    }

    function test_refused_session_settles_nothing() public {
        expectRefusal(opening(station, 1, "unknown", START, 0, 0), Reason.NoSupplier);
        expectReason(signed(report(station, 1, 1, START, 0, 0, true, "")), Reason.SessionNotOpen);
    }

    function test_expired_session_settles_nothing_more() public {
        plugIn(station, CAR);
        vm.warp(START + 600);
        charge(station, 1000, 0, false);
        vm.warp(START + 600 + 12 hours + 1);
        ledger.expire(station);
        ISessions.EnergyReport memory r = nextReport(station, START + 700, 10, 0, true);
        expectReason(signed(r), Reason.SessionNotOpen);
        assertEq(ledger.pairs(supplier, grid).importWh, 1000, "keeps what was settled");
    }

    /// @dev A report of a former session does not pass for one of the session that runs.
    function test_report_of_the_session_before() public {
        plugIn(station, CAR);
        ISessions.EnergyReport memory old = nextReport(station, START + 60, 5, 0, true);
        vm.warp(START + 60);
        unplug(station);
        plugIn(station, CAR);
        expectReason(signed(old), Reason.SessionNotOpen);
    }

    function test_report_numbers() public {
        plugIn(station, CAR);
        ISessions.EnergyReport memory r = nextReport(station, START, 0, 0, false);
        r.report = 0;
        expectReason(signed(r), Reason.ReportUsed);
        r.report = 2;
        bytes memory second = signed(r);
        expectReason(second, Reason.ReportMissing);
        r.report = type(uint32).max;
        expectReason(signed(r), Reason.ReportMissing);
        r.report = 1;
        bytes memory first = signed(r);
        expectReason(first, Reason.None);
        expectReason(first, Reason.ReportUsed);
        expectReason(second, Reason.None);
        expectReason(first, Reason.ReportUsed);
        expectReason(second, Reason.ReportUsed);
    }

    // ---------------------------------------------------------------------------------------------- Times

    function test_times() public {
        plugIn(station, CAR);
        bytes memory early = signed(report(station, 1, 1, START + 61, 0, 0, true, ""));
        expectReason(early, Reason.TimeInFuture);
        expectReason(signed(report(station, 1, 1, START - 1, 0, 0, true, "")), Reason.TimeBackwards);
        vm.warp(START + 1);
        expectReason(early, Reason.None);
    }

    /// @dev A report may be as late as it likes, as long as nobody expired the session.
    function test_late_report() public {
        plugIn(station, CAR);
        vm.warp(START + 50 days);
        expectReason(signed(report(station, 1, 1, START + 60, 10, 0, true, "")), Reason.None);
    }

    // ----------------------------------------------------------------------------------------- Boundaries

    /// @dev Time of the opening, time of the report, boundaries strictly between; both from the start of a slot.
    function test_boundaries_at_the_edges() public {
        uint256[3][12] memory cases = [
            [uint256(0), 0, 0],
            [uint256(0), 1, 0],
            [uint256(0), 899, 0],
            [uint256(0), 900, 0],
            [uint256(0), 901, 1],
            [uint256(0), 1800, 1],
            [uint256(1), 1, 0],
            [uint256(1), 900, 0],
            [uint256(899), 900, 0],
            [uint256(899), 901, 1],
            [uint256(450), 2700, 2],
            [uint256(450), 2701, 3]
        ];
        for (uint256 i = 0; i < cases.length; ++i) {
            uint256 base = START + i * 9000;
            vm.warp(base + cases[i][0]);
            plugIn(station, CAR);
            vm.warp(base + cases[i][1]);
            takes(cases[i][2]);
        }
    }

    /// @dev Naively: the boundaries are counted one by one.
    function testFuzz_boundaries(uint256 offset, uint256 duration) public {
        offset = bound(offset, 0, 1 days);
        duration = bound(duration, 0, 10 hours);
        vm.warp(START + offset);
        plugIn(station, CAR);
        uint256 count;
        for (uint256 t = START; t < START + offset + duration; t += 900) {
            if (t > START + offset) ++count;
        }
        vm.warp(START + offset + duration);
        takes(count);
    }

    function test_192_boundaries() public {
        vm.warp(START + 899);
        plugIn(station, CAR);
        vm.warp(START + 193 * 900);
        takes(192);
    }

    function test_193_boundaries() public {
        vm.warp(START + 899);
        plugIn(station, CAR);
        vm.warp(START + 193 * 900 + 1);
        ISessions.EnergyReport memory r = nextReport(station, block.timestamp, 0, 0, true);
        assertEq(r.boundaries.length, 193 * 12, "one more");
        expectReason(signed(r), Reason.WrongBoundaries);
        // it sends several reports
        expectReason(signed(nextReport(station, START + 900, 0, 0, false)), Reason.None);
        unplug(station);
    }

    function takes(uint256 count) private {
        ISessions.EnergyReport memory r = nextReport(station, block.timestamp, 0, 0, true);
        for (uint256 n = count == 0 ? 0 : count - 1; n <= count + 1; ++n) {
            if (n == count) continue;
            r.boundaries = new bytes(n * 12);
            expectReason(signed(r), Reason.WrongBoundaries);
        }
        r.boundaries = new bytes(count * 12);
        expectReason(signed(r), Reason.None);
    }

    // ------------------------------------------------------------------------------------------ Registers

    function test_registers_backwards() public {
        expectReason(signed(opening(feeding, 1, CAR, START, 1000, 500)), Reason.None);
        vm.warp(START + 1800);
        readings(1010, 505, 1009, 510, Reason.RegisterBackwards);
        readings(1010, 505, 1020, 504, Reason.RegisterBackwards);
        readings(999, 505, 1020, 510, Reason.RegisterBackwards);
        readings(1010, 499, 1020, 510, Reason.RegisterBackwards);
        readings(0, 0, type(uint48).max, type(uint48).max, Reason.RegisterBackwards);
        readings(1020, 510, 1010, 505, Reason.RegisterBackwards);
        readings(1000, 500, 1000, 500, Reason.None);
    }

    /// @dev A register that runs over its 48 bits begins at 0 again; nothing that the other one shows makes up for it.
    function test_registers_run_over() public {
        uint48 full = type(uint48).max;
        expectReason(signed(opening(feeding, 1, CAR, START, full - 2, full - 1)), Reason.None);
        vm.warp(START + 1800);
        readings(full - 1, 0, full, 0, Reason.RegisterBackwards);
        readings(full - 1, 0, full, 1, Reason.RegisterBackwards);
        readings(full - 2, full, full, 0, Reason.RegisterBackwards);
        readings(full - 1, full, full, 1, Reason.RegisterBackwards);
        readings(0, full, 1, full, Reason.RegisterBackwards);
        readings(full, full, 0, full, Reason.RegisterBackwards);
        readings(full - 1, full, full, full, Reason.None);
    }

    /// @dev Each alone would be another reason: no register may run backwards in any slot, before power counts.
    function test_backwards_comes_before_power() public {
        plugIn(feeding, CAR);
        vm.warp(START + 1800);
        readings(1_000_000, 0, 999_999, 0, Reason.RegisterBackwards);
        readings(0, 1_000_000, 0, 999_999, Reason.RegisterBackwards);
        readings(1_000_000, 1, 1_000_000, 0, Reason.RegisterBackwards);
        readings(1_000_000, 0, 1_000_000, 0, Reason.PowerExceeded);
    }

    // ---------------------------------------------------------------------------------------------- Order

    function test_checks_come_in_their_order() public {
        plugIn(station, CAR);
        vm.warp(START + 2000);
        charge(station, 100, 0, false);
        vm.prank(operatorAccount);
        registry.revokeStationKey(station);

        ISessions.EnergyReport memory r =
            report(station, 9, 1, START + 3000, 0, 10_000, true, new bytes(12));
        expectReason(signed(r), Reason.UnknownStation);
        vm.prank(operatorAccount);
        registry.rotateStationKey(station, vm.addr(NEW_KEY), uint40(block.timestamp));
        expectReason(signed(r), Reason.BadSignature);
        expectReason(signed(r, NEW_KEY), Reason.SessionNotOpen);
        r.session = 1;
        expectReason(signed(r, NEW_KEY), Reason.ReportUsed);
        r.report = 3;
        expectReason(signed(r, NEW_KEY), Reason.ReportMissing);
        r.report = 2;
        expectReason(signed(r, NEW_KEY), Reason.TimeInFuture);
        r.time = uint40(START + 1999);
        expectReason(signed(r, NEW_KEY), Reason.TimeBackwards);
        r.time = uint40(START + 2060);
        expectReason(signed(r, NEW_KEY), Reason.WrongBoundaries);
        r.boundaries = "";
        expectReason(signed(r, NEW_KEY), Reason.RegisterBackwards);
        r.importRegister = 100;
        expectReason(signed(r, NEW_KEY), Reason.PowerExceeded);
        r.exportRegister = 0;
        expectReason(signed(r, NEW_KEY), Reason.None);
    }

    // -------------------------------------------------------------------------------------------- Helpers

    /// @dev A report over two slots.
    function readings(uint48 i1, uint48 e1, uint48 i2, uint48 e2, Reason expected) private {
        ISessions.EnergyReport memory r = nextReport(feeding, block.timestamp, 0, 0, true);
        r.boundaries = abi.encodePacked(i1, e1);
        (r.importRegister, r.exportRegister) = (i2, e2);
        expectReason(signed(r), expected);
    }
}
