"""Stations' keys: rotated, retired and revoked, and what each of them signed before."""

import pytest
from small_market import FORMER_KEY, KEY, START, STRANGER, World, opening, report

from gridroam.domain.decision import Cleared, Decision, Rejected, Settled
from gridroam.domain.reasons import Reason
from gridroam.domain.stations import Stations
from gridroam.domain.units import NO_KEY
from gridroam.domain.violation import NotAllowedError

UNTIL = START + 600


@pytest.fixture
def stations(world: World) -> Stations:
    return world.market.registry.stations


def is_rejected(decision: Decision, reason: Reason) -> bool:
    return isinstance(decision, Rejected) and decision.reason is reason


def test_rotate__the_new_key_signs_whatever_the_time__the_former_one_until_then(
    world: World, stations: Stations
) -> None:
    stations.rotate_key(1, STRANGER, UNTIL)
    world.now = UNTIL
    assert is_rejected(world.process(opening(time=UNTIL), KEY), Reason.BAD_SIGNATURE)
    assert isinstance(world.process(opening(time=START), KEY), Cleared)
    assert isinstance(world.process(report(time=START + 1), STRANGER), Settled)
    second = report(2, time=UNTIL - 1, since=(START + 1, 1_000, 500))
    assert isinstance(world.process(second, KEY), Settled)


def test_rotate__in_the_past__what_was_compromised_since_then_is_cut_off(
    world: World, stations: Stations
) -> None:
    stations.rotate_key(1, STRANGER, START - 3_600)
    assert is_rejected(world.process(opening(), KEY), Reason.BAD_SIGNATURE)
    assert isinstance(world.process(opening(), STRANGER), Cleared)


def test_rotate__twice__the_first_key_is_nobodys(world: World, stations: Stations) -> None:
    stations.rotate_key(1, FORMER_KEY, UNTIL)
    stations.rotate_key(1, STRANGER, UNTIL)
    assert is_rejected(world.process(opening(), KEY), Reason.BAD_SIGNATURE)
    assert isinstance(world.process(opening(), FORMER_KEY), Cleared)


def test_retire__the_key_signs_until_then__and_the_station_is_known_until_then(
    world: World, stations: Stations
) -> None:
    stations.retire_key(1, UNTIL)
    assert is_rejected(world.process(opening(), STRANGER), Reason.BAD_SIGNATURE)
    assert isinstance(world.process(opening(), KEY), Cleared)
    world.now = UNTIL
    assert is_rejected(world.process(report(time=UNTIL), KEY), Reason.UNKNOWN_STATION)
    assert isinstance(world.process(report(time=UNTIL - 1), KEY), Settled)


def test_retire__and_rotate_later__what_was_retired_keeps_its_time(
    world: World, stations: Stations
) -> None:
    stations.retire_key(1, UNTIL)
    with pytest.raises(NotAllowedError, match="InvalidKey"):
        stations.retire_key(1, UNTIL + 600)
    stations.rotate_key(1, STRANGER, UNTIL + 600)
    world.now = UNTIL
    assert is_rejected(world.process(opening(time=UNTIL), KEY), Reason.BAD_SIGNATURE)
    assert isinstance(world.process(opening(), KEY), Cleared)


def test_revoke__present_and_former_key__are_cut_off_at_once(
    world: World, stations: Stations
) -> None:
    stations.rotate_key(1, STRANGER, UNTIL)
    stations.revoke_key(1)
    for key in (KEY, STRANGER):
        assert is_rejected(world.process(opening(), key), Reason.UNKNOWN_STATION)
    stations.rotate_key(1, FORMER_KEY, UNTIL)
    for key in (KEY, STRANGER):
        assert is_rejected(world.process(opening(), key), Reason.BAD_SIGNATURE)
    assert not stations.may_sign(1, NO_KEY, START)
    assert isinstance(world.process(opening(), FORMER_KEY), Cleared)


def test_close__cuts_every_key_off(world: World, stations: Stations) -> None:
    world.process(opening())
    stations.rotate_key(1, STRANGER, UNTIL)
    stations.close(1)
    for key in (KEY, STRANGER):
        assert is_rejected(world.process(report(), key), Reason.UNKNOWN_STATION)
