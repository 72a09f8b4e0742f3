"""Who may register what: numbers, consents, keys and meters."""

from dataclasses import replace

import pytest
from small_market import (
    GRID,
    KEY,
    LIMITS,
    METER,
    OPERATOR,
    RIVAL,
    STRANGER,
    SUPPLIER,
    World,
)

from gridroam.domain.violation import NotAllowedError


def test_admit__the_next_number__an_account_only_once(world: World) -> None:
    participants = world.market.registry.participants
    assert participants.admit(STRANGER, 7) == 5
    with pytest.raises(NotAllowedError, match="AccountTaken"):
        participants.admit(STRANGER, 1)
    with pytest.raises(NotAllowedError, match="InvalidRoles"):
        participants.admit(KEY, 8)


def test_move_account__frees_the_old_one__and_may_stay(world: World) -> None:
    participants = world.market.registry.participants
    previous = participants[SUPPLIER].account
    participants.move_account(SUPPLIER, STRANGER)
    participants.move_account(SUPPLIER, STRANGER)
    assert participants.by_account[STRANGER] == SUPPLIER
    with pytest.raises(NotAllowedError, match="AccountTaken"):
        participants.move_account(RIVAL, STRANGER)
    participants.move_account(RIVAL, previous)
    assert participants.by_account[previous] == RIVAL


@pytest.mark.parametrize(
    ("limit", "value"),
    [("skew", 3_601), ("backlog", 3_599), ("silence", 60 * 86_400 + 1), ("notice", 899)],
)
def test_set_limits__out_of_bounds__keeps_the_old_ones(
    world: World, limit: str, value: int
) -> None:
    with pytest.raises(NotAllowedError, match=f"LimitOutOfRange: {limit}"):
        world.market.registry.participants.set_limits(replace(LIMITS, **{limit: value}))
    assert world.market.registry.limits == LIMITS


def test_request__behind_an_unknown_meter_or_without_power__is_not_allowed(world: World) -> None:
    stations = world.market.registry.stations
    with pytest.raises(NotAllowedError, match="UnknownMeter"):
        stations.request(OPERATOR, bytes(32), KEY, 1, 0)
    with pytest.raises(NotAllowedError, match="InvalidPower"):
        stations.request(OPERATOR, METER, KEY, 0, 0)
    with pytest.raises(NotAllowedError, match="MissingRole"):
        stations.request(GRID, METER, KEY, 1, 0)


def test_approve__only_the_meters_grid_operator__and_once(world: World) -> None:
    stations = world.market.registry.stations
    world.market.registry.participants.set_roles(RIVAL, 2)
    number = stations.request(OPERATOR, METER, STRANGER, 22_000, 0)
    with pytest.raises(NotAllowedError, match="NotYourStation"):
        stations.approve(number, RIVAL)
    stations.approve(number, GRID)
    with pytest.raises(NotAllowedError, match="NotPending"):
        stations.approve(number, GRID)


def test_close__for_good__no_key_and_no_approval_brings_it_back(world: World) -> None:
    stations = world.market.registry.stations
    stations.close(1)
    assert not stations.is_known(1, world.now)
    with pytest.raises(NotAllowedError, match="NotYourStation"):
        stations.rotate_key(1, STRANGER, world.now)
    with pytest.raises(NotAllowedError, match="NotYourStation"):
        stations.close(1)
    with pytest.raises(NotAllowedError, match="NotPending"):
        stations.approve(1, GRID)
