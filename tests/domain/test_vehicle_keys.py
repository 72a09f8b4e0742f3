"""Vehicles that sign their openings: when they must, with which key, and over whom they win."""

import pytest
from small_market import (
    EURO,
    FORMER_KEY,
    GRID,
    KEY,
    OPERATOR,
    RIVAL,
    START,
    STRANGER,
    SUPPLIER,
    VEHICLE,
    VEHICLE_KEY,
    World,
    opening,
    report,
)

from gridroam.domain.batch import Pinned, expired_leaf
from gridroam.domain.decision import Cleared, Decision, Rejected, Superseded
from gridroam.domain.reasons import Reason
from gridroam.domain.session import State
from gridroam.domain.vehicles import Vehicles
from gridroam.domain.violation import NotAllowedError

SOON = START + 30


@pytest.fixture
def vehicles(world: World) -> Vehicles:
    world.now = START + 60
    return world.market.vehicles


def reason_of(decision: Decision) -> Reason:
    return decision.reason if isinstance(decision, Rejected) else Reason.NONE


def set_key(world: World, key: str, start: int) -> None:
    world.market.vehicles.set_key(VEHICLE, SUPPLIER, key, start, world.now)


def test_key__from_its_time_on__is_needed(world: World, vehicles: Vehicles) -> None:
    set_key(world, VEHICLE_KEY, SOON)
    for signer in (None, STRANGER, KEY):
        decision = world.process(opening(time=SOON), vehicle=signer)
        assert reason_of(decision) is Reason.BAD_VEHICLE_SIGNATURE
    assert world.market.sessions[1].state is State.NONE
    assert isinstance(world.process(opening(time=SOON), vehicle=VEHICLE_KEY), Cleared)
    assert world.market.sessions[1].vehicle_signed


def test_key__before_the_first_one__none_is_needed__but_it_may_be_there(
    world: World, vehicles: Vehicles
) -> None:
    set_key(world, VEHICLE_KEY, SOON)
    assert isinstance(world.process(opening(time=SOON - 1), vehicle=STRANGER), Cleared)
    assert not world.market.sessions[1].vehicle_signed
    world.process(report(time=SOON - 1, last=True))
    assert isinstance(world.process(opening(2, time=SOON - 1), vehicle=VEHICLE_KEY), Cleared)
    assert world.market.sessions[1].vehicle_signed


def test_key__after_another__the_former_one_is_good_for_what_is_older(
    world: World, vehicles: Vehicles
) -> None:
    set_key(world, FORMER_KEY, START)
    set_key(world, VEHICLE_KEY, SOON)
    late = opening(time=SOON)
    assert reason_of(world.process(late, vehicle=FORMER_KEY)) is Reason.BAD_VEHICLE_SIGNATURE
    early = opening(time=SOON - 1)
    assert reason_of(world.process(early)) is Reason.BAD_VEHICLE_SIGNATURE
    assert isinstance(world.process(early, vehicle=FORMER_KEY), Cleared)


def test_keys__revoked__nothing_opens_until_there_is_a_new_one(
    world: World, vehicles: Vehicles
) -> None:
    set_key(world, FORMER_KEY, START)
    set_key(world, VEHICLE_KEY, SOON)
    vehicles.revoke_keys(VEHICLE, SUPPLIER, world.now)
    for time in (START, SOON):
        for signer in (None, FORMER_KEY, VEHICLE_KEY):
            decision = world.process(opening(time=time), vehicle=signer)
            assert reason_of(decision) is Reason.BAD_VEHICLE_SIGNATURE
    set_key(world, STRANGER, SOON)
    early = opening(time=START)
    assert reason_of(world.process(early)) is Reason.BAD_VEHICLE_SIGNATURE
    assert isinstance(world.process(early, vehicle=STRANGER), Cleared)


def test_keys__cleared__are_not_needed_any_more(world: World, vehicles: Vehicles) -> None:
    set_key(world, VEHICLE_KEY, START)
    vehicles.clear_keys(VEHICLE, SUPPLIER, world.now)
    assert isinstance(world.process(opening(), vehicle=VEHICLE_KEY), Cleared)
    assert not world.market.sessions[1].vehicle_signed


def test_keys__are_the_business_of_whoever_supplies_the_vehicle_now(
    world: World, vehicles: Vehicles
) -> None:
    vehicles.offer(VEHICLE, SUPPLIER, RIVAL, START + 900)
    vehicles.accept(VEHICLE, RIVAL, START)
    with pytest.raises(NotAllowedError, match="NotTheSupplier"):
        vehicles.set_key(VEHICLE, RIVAL, VEHICLE_KEY, START, START + 899)
    vehicles.set_key(VEHICLE, SUPPLIER, VEHICLE_KEY, START, START + 899)
    with pytest.raises(NotAllowedError, match="NotTheSupplier"):
        vehicles.revoke_keys(VEHICLE, SUPPLIER, START + 900)
    with pytest.raises(NotAllowedError, match="NotTheSupplier"):
        vehicles.clear_keys(VEHICLE, SUPPLIER, START + 900)
    vehicles.revoke_keys(VEHICLE, RIVAL, START + 900)


def test_key__bad_signature_of_a_busy_station__is_not_the_first_to_be_told(
    world: World, vehicles: Vehicles
) -> None:
    world.process(opening())
    set_key(world, VEHICLE_KEY, START)
    assert reason_of(world.process(opening(2))) is Reason.STATION_BUSY


# ------------------------------------------------------------------------------------ superseding


def forged_then_signed(world: World) -> Decision:
    """A session that the car never saw is open at station 1 when it opens one at station 2."""
    world.now = START + 60
    assert world.add_station(STRANGER) == 2
    assert isinstance(world.process(opening()), Cleared)
    set_key(world, VEHICLE_KEY, START)
    return world.process(opening(station=2, session=5), STRANGER, VEHICLE_KEY)


def test_signed_opening__wins_over_a_session_that_the_vehicle_did_not_sign(world: World) -> None:
    decision = forged_then_signed(world)
    assert isinstance(decision, Cleared)
    assert decision.superseded == Superseded(1, 1)
    assert world.market.sessions[1].state is State.SUPERSEDED
    assert world.market.sessions[2].is_open


def test_superseded__takes_no_reports__is_busy_and_holds_its_reserve(world: World) -> None:
    forged_then_signed(world)
    assert reason_of(world.process(report(time=START + 60))) is Reason.SESSION_NOT_OPEN
    assert reason_of(world.process(opening(1))) is Reason.SESSION_USED
    assert reason_of(world.process(opening(2))) is Reason.STATION_BUSY
    reserves = sum(world.market.sessions[n].supplier_reserve for n in (1, 2))
    assert world.market.accounts.accounts[SUPPLIER].reserved == reserves


def test_superseded__anybody_may_expire_it_at_once__with_a_leaf(world: World) -> None:
    forged_then_signed(world)
    expiry = world.market.expire(1, world.now)
    pinned = Pinned(SUPPLIER, GRID, OPERATOR, 1, 1)
    assert expiry == (1, 1, expired_leaf(1, 1, 0, world.now, pinned))
    held = world.market.sessions[2].supplier_reserve
    assert world.market.accounts.accounts[SUPPLIER].reserved == held
    with pytest.raises(NotAllowedError, match="NotExpirable"):
        world.market.expire(1, world.now + 10**6)
    again = opening(2, time=START + 60)
    decision = world.process(again, KEY, VEHICLE_KEY)
    assert reason_of(decision) is Reason.VEHICLE_BUSY


def test_signed_against_signed__the_vehicle_is_busy(world: World) -> None:
    world.now = START + 60
    assert world.add_station(STRANGER) == 2
    set_key(world, VEHICLE_KEY, START)
    world.process(opening(), KEY, VEHICLE_KEY)
    second = opening(station=2)
    assert reason_of(world.process(second, STRANGER, VEHICLE_KEY)) is Reason.VEHICLE_BUSY


def test_signed_opening__that_is_refused__supersedes_nothing(world: World) -> None:
    world.now = START + 60
    assert world.add_station(STRANGER) == 2
    world.process(opening())
    set_key(world, VEHICLE_KEY, START)
    accounts = world.market.accounts
    accounts.withdraw(SUPPLIER, accounts.accounts[SUPPLIER].free)
    second = opening(station=2)
    decision = world.process(second, STRANGER, VEHICLE_KEY)
    assert reason_of(decision) is Reason.SUPPLIER_NOT_COVERED
    assert world.market.sessions[1].is_open
    accounts.deposit(SUPPLIER, 100 * EURO)
    again = opening(station=2, session=2, time=START + 60)
    assert isinstance(world.process(again, STRANGER, VEHICLE_KEY), Cleared)
