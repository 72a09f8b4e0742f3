"""Which messages are taken without asking the contract: those that follow plainly from what it
agreed to, and no others."""

import time
from dataclasses import replace

import pytest

from gridroam.messages import Domain, EnergyReport, Message, OpenSession, digest, sign
from gridroam.relay import trails
from gridroam.relay.simulation import Arrival
from gridroam.relay.trails import Trails

DOMAIN = Domain(31337, "0x" + 40 * "1")
KEY, OTHER_KEY = b"\x01" * 32, b"\x02" * 32
NOON = int(time.time()) // 900 * 900 - 7200

OPENING = OpenSession(7, 5, b"\x09" * 32, NOON, 1_000, 0)
FIRST = EnergyReport(7, 5, 1, NOON + 900, 2_000, 0, last=False)
SECOND = replace(FIRST, report=2, time=NOON + 1800, import_register=3_000)
LAST = replace(SECOND, report=3, time=NOON + 2700, import_register=4_000, last=True)
NEXT = OpenSession(7, 6, b"\x08" * 32, NOON + 3000, 4_000, 0)


def arrival(message: Message, key: bytes = KEY) -> Arrival:
    signed = sign(DOMAIN, message, key)
    opening = isinstance(message, OpenSession)
    return Arrival(signed, digest(DOMAIN, message), signed.pack(), opening)


@pytest.fixture
def known() -> Trails:
    """The ledger has agreed to an opening and a report of 4 kW."""
    known = Trails()
    for message in (OPENING, FIRST):
        known.vouch(arrival(message))
    return known


def follows(known: Trails, *messages: Message, key: bytes = KEY) -> bool:
    plain, asked = known.split([arrival(message, key) for message in messages])
    assert not plain or not asked
    return bool(plain)


def test_station_that_is_not_known_is_asked_about() -> None:
    assert not follows(Trails(), OPENING)


def test_next_reports_and_the_next_opening_follow(known: Trails) -> None:
    assert follows(known, SECOND)
    assert follows(known, LAST, NEXT)


@pytest.mark.parametrize(
    "message",
    [
        FIRST,
        replace(SECOND, report=3),
        replace(SECOND, session=6),
        NEXT,
        replace(SECOND, time=NOON + 899),
        replace(SECOND, time=int(time.time()) + 60),
        replace(SECOND, import_register=1_999),
        replace(SECOND, import_register=3_001),
        replace(SECOND, export_register=1),
        replace(SECOND, time=NOON + 1801),
        replace(SECOND, boundaries=((2_500, 0),)),
    ],
    ids=[
        "again",
        "number left out",
        "other session",
        "opening while one is open",
        "earlier",
        "in the future",
        "register backwards",
        "more power than before",
        "feed-in that never was",
        "boundary missing",
        "boundary too many",
    ],
)
def test_what_does_not_follow_is_asked_about(known: Trails, message: Message) -> None:
    assert not follows(known, message)


def test_another_key_is_asked_about(known: Trails) -> None:
    assert not follows(known, SECOND, key=OTHER_KEY)


def test_one_that_does_not_follow_takes_its_station_with_it(known: Trails) -> None:
    assert not follows(known, SECOND, replace(LAST, report=4))
    assert follows(known, SECOND)


def test_power_is_learnt_from_what_the_ledger_agreed_to(known: Trails) -> None:
    quick = replace(SECOND, import_register=5_000)
    assert not follows(known, quick)
    known.vouch(arrival(quick))
    assert follows(known, replace(LAST, import_register=8_000))


def test_rejection_makes_wary_for_a_while(known: Trails, monkeypatch: pytest.MonkeyPatch) -> None:
    known.distrust([7])
    assert not follows(known, SECOND)
    monkeypatch.setattr(trails, "WARY_SECONDS", 0.0)
    known.distrust([7])
    assert follows(known, SECOND)


def test_trust_ends(known: Trails, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trails, "TRUST_SECONDS", 0.0)
    assert not follows(known, SECOND)


def test_station_of_which_something_was_not_taken_is_asked_about(known: Trails) -> None:
    known.forget([7])
    assert not follows(known, SECOND)
