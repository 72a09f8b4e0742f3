"""A station forgets nothing, whatever happens to its process or its file."""

import os

import pytest

from gridroam.domain.reasons import Reason
from gridroam.errors import StoreError
from gridroam.messages import Domain, EnergyReport, OpenSession, sign
from gridroam.station.state import StationState

DOMAIN = Domain(31337, "0x" + "11" * 20)
KEY = bytes([7]) * 32
CAR = bytes([9]) * 32


def opening(session, time=1000, imported=0):
    return sign(DOMAIN, OpenSession(5, session, CAR, time, imported, 0), KEY)


def report(session, number, time, imported, *, last=False):
    return sign(DOMAIN, EnergyReport(5, session, number, time, imported, 0, last), KEY)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "station.jsonl"


@pytest.fixture
def state(path):
    state = StationState(path, 5, DOMAIN)
    yield state
    state.close()


def reopened(state, path):
    state.close()
    return StationState(path, 5, DOMAIN)


def picture(state):
    return state.latest, state.settled, list(state.queue)


def test_state__after_a_restart__is_the_same(state, path):
    state.keep(opening(1))
    state.keep(report(1, 1, 1100, 50))
    state.answered(None, accepted=True)
    state.keep(report(1, 2, 1200, 90, last=True))
    before = picture(state)
    again = reopened(state, path)
    assert picture(again) == before
    assert [signed.message.report for signed in again.queue] == [1, 2]
    assert (again.latest.report, again.latest.open) == (2, False)
    assert again.settled.open
    again.close()


def test_state__torn_last_line__is_as_if_never_written(state, path):
    state.keep(opening(1))
    before = picture(state)
    state.keep(report(1, 1, 1100, 50))
    state.close()
    os.truncate(path, path.stat().st_size - 7)
    again = StationState(path, 5, DOMAIN)
    assert picture(again) == before
    again.keep(report(1, 1, 1200, 60))
    again.close()
    third = StationState(path, 5, DOMAIN)
    assert third.latest.time == 1200
    third.close()


def test_state__damaged_in_the_middle__refuses(state, path):
    state.keep(opening(1))
    state.keep(report(1, 1, 1100, 50))
    state.close()
    lines = path.read_bytes().splitlines(keepends=True)
    lines[1] = lines[1][:20] + b"\n"
    path.write_bytes(b"".join(lines))
    with pytest.raises(StoreError, match="line 2 is damaged"):
        StationState(path, 5, DOMAIN)


@pytest.mark.parametrize(
    ("station", "domain"),
    [(6, DOMAIN), (5, Domain(1, DOMAIN.ledger)), (5, Domain(31337, "0x" + "22" * 20))],
)
def test_state__of_another_station_or_ledger__refuses(state, path, station, domain):
    state.close()
    with pytest.raises(StoreError, match="belongs to"):
        StationState(path, station, domain)


def test_state__in_use__refuses(state, path):
    with pytest.raises(StoreError, match="in use"):
        StationState(path, 5, DOMAIN)


def test_state__many_records__file_stays_small(state, path):
    for session in range(1, 1200):
        state.keep(opening(session))
        state.answered(Reason.NO_SUPPLIER, accepted=False)
    before = picture(state)
    assert len(path.read_bytes().splitlines()) < 2_000
    again = reopened(state, path)
    assert picture(again) == before
    assert again.latest.session == 1199
    again.close()


def test_answered__report_rejected__position_goes_back_to_the_settled_reading(state):
    state.keep(opening(1))
    state.answered(None, accepted=True)
    state.keep(report(1, 1, 1100, 50))
    state.answered(None, accepted=True)
    state.keep(report(1, 2, 1200, 9_999_999))
    state.keep(report(1, 3, 1300, 9_999_999, last=True))
    void = state.answered(Reason.POWER_EXCEEDED, accepted=False)
    assert [message.report for message in void] == [3]
    assert not state.queue
    assert (state.latest.report, state.latest.time, state.latest.imported) == (1, 1100, 50)
    assert state.latest.open


def test_answered__opening_rejected__its_reports_are_void_and_its_number_used_up(state):
    state.keep(opening(1))
    state.keep(report(1, 1, 1100, 50, last=True))
    state.keep(opening(2, 1200))
    void = state.answered(Reason.NO_SUPPLIER, accepted=False)
    assert [message.report for message in void] == [1]
    assert [signed.message.session for signed in state.queue] == [2]
    assert state.latest.session == 2


def test_answered__session_number_used__goes_on_far_above(state):
    """The state was lost: nobody knows how many numbers the station used before."""
    state.keep(opening(1, time=1_700_000_000))
    state.answered(Reason.SESSION_USED, accepted=False)
    assert state.latest.session == 1_700_000_000


def test_answered__session_expired__is_over(state):
    state.keep(opening(1))
    state.answered(None, accepted=True)
    state.keep(report(1, 1, 1100, 50))
    state.answered(Reason.SESSION_NOT_OPEN, accepted=False)
    assert not state.latest.open
    assert not state.settled.open
