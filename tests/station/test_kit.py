"""The kit: typed results, offline and catching up, rejected reports, restarts at any moment."""

import signal
import subprocess
import sys

import pytest

from gridroam.domain.delivery import Status
from gridroam.domain.reasons import Reason
from gridroam.domain.slots import MAX_BOUNDARIES, boundary_count
from gridroam.errors import InvalidInputError, RelayProblemError
from gridroam.messages import EnergyReport, OpenSession
from gridroam.station.meter import Registers
from gridroam.station.simulator import SimulatedMeter, constant, nothing

CAR = bytes([9]) * 32
START = 1_700_000_100
ZERO = Registers(0, 0)


def numbers(messages):
    """(session, report) of each, an opening being report 0."""
    return [(m.session, m.report if isinstance(m, EnergyReport) else 0) for m in messages]


def meter_to(end, energy):
    return SimulatedMeter(ZERO, constant(START, end, energy, 50_000), nothing(START))


def test_open__cleared__session_runs(station, relay):
    receipt = station.open(CAR, START, ZERO)
    assert (receipt.accepted, receipt.queued, receipt.rejected) == (True, False, False)
    assert station.in_session
    assert station.pending == 0
    (opening,) = relay.messages
    assert (opening.session, opening.vehicle) == (1, CAR)


def test_open__rejected__typed_reason_and_the_next_number(station, relay):
    relay.answers.append(Reason.NO_SUPPLIER)
    receipt = station.open(CAR, START, ZERO)
    assert (receipt.rejected, receipt.reason) == (True, Reason.NO_SUPPLIER)
    assert not station.in_session
    assert station.open(CAR, START + 5, ZERO).accepted
    assert numbers(relay.messages) == [(1, 0), (2, 0)]


def test_open__before_the_last_session_was_closed__that_one_ends_at_its_last_reading(
    station, relay
):
    station.open(CAR, START, ZERO)
    station.report(START + 60, Registers(500, 0))
    station.open(CAR, START + 90, Registers(500, 0))
    assert numbers(relay.messages) == [(1, 0), (1, 1), (1, 2), (2, 0)]
    assert relay.messages[2].last
    assert relay.messages[2].import_register == 500


def test_report__without_a_session__is_the_callers_mistake(station):
    with pytest.raises(InvalidInputError, match="no open session"):
        station.report(START, ZERO)


def test_report__wrong_number_of_boundaries__is_the_callers_mistake(station, relay):
    station.open(CAR, START, ZERO)
    with pytest.raises(InvalidInputError, match="1 boundaries where 0 lie"):
        station.report(START + 5, ZERO, [ZERO])
    assert station.pending == 0


def test_read__long_silence__several_reports_that_add_up(station, relay):
    end = START + 6 * 86_400
    station.open(CAR, START, ZERO)
    receipts = station.read(meter_to(end, 90_000), end, last=True)
    reports = [receipt.message for receipt in receipts]
    assert len(reports) == 3
    assert all(receipt.accepted for receipt in receipts)
    assert [len(report.boundaries) for report in reports][:2] == [MAX_BOUNDARIES] * 2
    times = [START, *(report.time for report in reports)]
    for since, report in zip(times, reports, strict=False):
        assert len(report.boundaries) == boundary_count(since, report.time)
    assert [report.last for report in reports] == [False, False, True]
    assert reports[-1].import_register == 90_000


def test_station__offline__queues_and_catches_up_in_order(station, relay):
    relay.is_down = True
    assert station.open(CAR, START, ZERO).queued
    assert station.report(START + 60, Registers(100, 0))[0].queued
    assert station.close(START + 120, Registers(200, 0))[0].queued
    assert station.open(CAR, START + 200, Registers(200, 0)).queued
    assert station.pending == 4
    relay.is_down = False
    receipts = station.flush()
    assert numbers(receipt.message for receipt in receipts) == [(1, 0), (1, 1), (1, 2), (2, 0)]
    assert all(receipt.accepted for receipt in receipts)
    assert station.pending == 0


@pytest.mark.parametrize("status", [503, 429])
def test_station__relay_in_trouble__queues(station, relay, status):
    relay.answers.append(RelayProblemError("queue-full", "full", "", status=status))
    assert station.open(CAR, START, ZERO).queued


def test_station__wrong_ledger__is_raised(station, relay):
    relay.answers.append(RelayProblemError("wrong-contract", "other ledger", "", status=422))
    with pytest.raises(RelayProblemError):
        station.open(CAR, START, ZERO)
    assert station.pending == 1


def test_open__not_final_in_time__stays_queued_and_is_sent_again_unchanged(station, relay):
    relay.answers.append(Status.STORED)
    assert station.open(CAR, START, ZERO).queued
    (receipt,) = station.flush()
    assert receipt.accepted
    assert relay.sent[0] == relay.sent[1]


def test_report__rejected__the_next_one_covers_its_energy(station, relay):
    station.open(CAR, START, ZERO)
    relay.answers.append(Reason.POWER_EXCEEDED)
    (rejected,) = station.report(START + 60, Registers(9_999_999, 0))
    assert rejected.reason == Reason.POWER_EXCEEDED
    assert station.last_time == START
    (receipt,) = station.report(START + 60, Registers(100, 0))
    assert receipt.accepted
    assert numbers(relay.messages) == [(1, 0), (1, 1), (1, 1)]


def test_flush__final_report_rejected_behind_others__session_ends_at_its_settled_reading(
    station, relay
):
    station.open(CAR, START, ZERO)
    station.report(START + 60, Registers(100, 0))
    relay.is_down = True
    station.close(START + 120, Registers(9_999_999, 0))
    station.open(CAR, START + 200, Registers(9_999_999, 0))
    relay.is_down = False
    relay.answers.extend([Reason.POWER_EXCEEDED, Reason.STATION_BUSY])
    receipts = station.flush()
    assert station.pending == 0
    closing, opening = (receipt.message for receipt in receipts[-2:])
    assert (closing.report, closing.last, closing.import_register) == (2, True, 100)
    assert isinstance(opening, OpenSession)
    assert receipts[-1].accepted


def test_flush__opening_rejected_behind_others__its_reports_are_void(station, relay):
    relay.is_down = True
    station.open(CAR, START, ZERO)
    station.close(START + 60, Registers(100, 0))
    station.open(CAR, START + 100, Registers(100, 0))
    relay.is_down = False
    relay.answers.append(Reason.NO_SUPPLIER)
    opened, void, later = station.flush()
    assert opened.reason == Reason.NO_SUPPLIER
    assert (void.rejected, void.answer) == (True, None)
    assert later.accepted


def test_report__session_expired__is_over(station, relay):
    station.open(CAR, START, ZERO)
    relay.answers.append(Reason.SESSION_NOT_OPEN)
    (receipt,) = station.report(START + 60, Registers(100, 0))
    assert receipt.rejected
    assert not station.in_session
    assert station.open(CAR, START + 100, Registers(100, 0)).accepted


def test_open__state_was_lost__finds_a_free_number_at_the_second_try(station, relay):
    relay.answers.append(Reason.SESSION_USED)
    assert station.open(CAR, START, ZERO).rejected
    assert station.open(CAR, START + 1, ZERO).accepted
    assert relay.messages[-1].session > START


def test_station__restarted__goes_on(new_station, relay):
    station = new_station()
    station.open(CAR, START, ZERO)
    station.report(START + 60, Registers(100, 0))
    relay.is_down = True
    station.report(START + 90, Registers(150, 0))
    relay.is_down = False
    again = new_station()
    assert again.in_session
    assert again.registers == (150, 0)
    assert again.close(START + 120, Registers(200, 0))[0].accepted
    assert numbers(relay.messages) == [(1, 0), (1, 1), (1, 2), (1, 3)]


SCRIPT = """
import os, signal
from pathlib import Path
from gridroam.messages import Domain
from gridroam.station.kit import Station
from gridroam.station.meter import Registers

class Deadly:
    def send(self, messages, domain=None, wait=0.0):
        Path({sent!r}).write_text(" ".join(signed.pack().hex() for signed in messages))
        os.kill(os.getpid(), signal.SIGKILL)

station = Station(5, bytes([7]) * 32, Domain(31337, "0x" + "11" * 20), Deadly(), Path({state!r}))
if station.in_session:
    station.report({start} + 60, Registers(100, 0))
else:
    station.open(bytes([9]) * 32, {start}, Registers(0, 0))
"""


def test_station__killed_between_signing_and_sending__neither_loses_nor_reuses_a_number(
    new_station, relay, tmp_path
):
    sent, state = tmp_path / "sent", tmp_path / "station.jsonl"
    script = SCRIPT.format(sent=str(sent), state=str(state), start=START)
    tries = []
    for _ in range(2):
        done = subprocess.run([sys.executable, "-c", script], timeout=60, check=False)
        assert done.returncode == -signal.SIGKILL
        tries.append(sent.read_text().split())
    assert len(tries[0]) == 1
    assert tries[1][0] == tries[0][0]
    station = new_station()
    assert all(receipt.accepted for receipt in station.flush())
    station.close(START + 120, Registers(200, 0))
    assert numbers(relay.messages) == [(1, 0), (1, 1), (1, 2)]
    assert [signed.pack().hex() for signed in relay.sent[0]] == tries[1]
