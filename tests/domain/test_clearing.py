"""Openings: every reason that the protocol names, in its order, and what a clearing holds back."""

from dataclasses import replace

import pytest
from eth_abi.abi import encode
from eth_utils.crypto import keccak
from small_market import (
    EURO,
    GRID,
    GRID_TARIFF,
    OPERATOR,
    RIVAL,
    START,
    STRANGER,
    SUPPLIER,
    VEHICLE,
    World,
    opening,
    report,
)

from gridroam.domain.decision import Cleared, Rejected, Settled
from gridroam.domain.reasons import Reason
from gridroam.domain.session import State
from gridroam.domain.vehicles import vehicle_id
from gridroam.domain.violation import NotAllowedError


def reason_of(decision: object) -> Reason:
    assert isinstance(decision, Rejected), decision
    return decision.reason


def test_open__everything_right__is_cleared_with_reserves(world: World) -> None:
    decision = world.process(opening())
    assert isinstance(decision, Cleared)
    assert (decision.supplier, decision.grid_tariff, decision.operator_tariff) == (SUPPLIER, 1, 1)
    fees = (100_000 + 500_000) * 1000
    assert decision.supplier_reserve == 50_000 * (120_000 + 200_000) + fees
    assert decision.grid_reserve == 50_000 * 90_000
    assert world.market.accounts.accounts[SUPPLIER].reserved == decision.supplier_reserve
    assert world.market.accounts.accounts[GRID].reserved == decision.grid_reserve


def test_open__station_without_feed_in__holds_nothing_back_from_the_grid_operator() -> None:
    world = World(feeds_in=False)
    decision = world.process(opening())
    assert isinstance(decision, Cleared)
    assert decision.grid_reserve == 0


def test_open__negative_feed_in_price__the_supplier_covers_it() -> None:
    prices = {"export_standard": -10_000, "export_high": -1, "export_low": -20_000}
    world = World(grid=replace(GRID_TARIFF, **prices))
    decision = world.process(opening())
    assert isinstance(decision, Cleared)
    assert decision.supplier_reserve == 50_000 * (320_000 + 20_000) + 600_000_000
    assert decision.grid_reserve == 0


def test_open__supplier_is_the_grid_operator__both_reserves_in_the_one_account(
    world: World,
) -> None:
    participants = world.market.registry.participants
    participants.set_roles(GRID, 3)
    world.market.vehicles.register(b"\x09" * 32, GRID, START, START)
    decision = world.process(opening(vehicle=b"\x09" * 32))
    assert isinstance(decision, Cleared)
    assert decision.supplier_reserve == 50_000 * (320_000 + 90_000) + 600_000_000
    assert decision.grid_reserve == 0


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"station": 9}, Reason.UNKNOWN_STATION),
        ({"session": 0}, Reason.SESSION_USED),
        ({"time": START + 61}, Reason.TIME_IN_FUTURE),
        ({"time": START - 86_401}, Reason.TOO_OLD),
    ],
)
def test_open__a_check_fails__leaves_no_trace(
    world: World, change: dict[str, int], reason: Reason
) -> None:
    assert reason_of(world.process(opening(**change))) is reason
    assert isinstance(world.process(opening()), Cleared)


def test_open__signed_by_a_stranger_or_by_nobody__is_rejected(world: World) -> None:
    assert reason_of(world.process(opening(), STRANGER)) is Reason.BAD_SIGNATURE
    assert reason_of(world.process(opening(), None)) is Reason.BAD_SIGNATURE


def test_open__while_one_is_open__the_station_is_busy(world: World) -> None:
    world.process(opening(5))
    assert reason_of(world.process(opening(5))) is Reason.SESSION_USED
    assert reason_of(world.process(opening(6))) is Reason.STATION_BUSY


def test_open__behind_the_last_reading__is_rejected(world: World) -> None:
    world.process(opening())
    world.now = START + 600
    world.process(report(imported=100, last=True))
    assert reason_of(world.process(opening(2))) is Reason.TIME_BACKWARDS
    later = opening(2, time=START + 600)
    assert reason_of(world.process(later)) is Reason.REGISTER_BACKWARDS
    assert isinstance(world.process(replace(later, import_register=1_100)), Cleared)


def test_open__decided_against__uses_the_number_up_and_keeps_the_registers(world: World) -> None:
    world.market.registry.participants.suspend(SUPPLIER)
    assert reason_of(world.process(opening(7))) is Reason.SUPPLIER_INACTIVE
    session = world.market.sessions[1]
    assert (session.number, session.state) == (7, State.REFUSED)
    assert session.last_reading == (START, 1_000, 500)
    world.market.registry.participants.reinstate(SUPPLIER)
    assert reason_of(world.process(opening(7))) is Reason.SESSION_USED
    assert isinstance(world.process(opening(8)), Cleared)


def test_open__somebody_is_suspended__in_the_order_of_the_protocol(world: World) -> None:
    participants = world.market.registry.participants
    order = (
        (GRID, Reason.GRID_OPERATOR_INACTIVE),
        (OPERATOR, Reason.STATION_OPERATOR_INACTIVE),
        (SUPPLIER, Reason.SUPPLIER_INACTIVE),
    )
    for participant, _ in order:
        participants.suspend(participant)
    for session, (participant, reason) in enumerate(order, 1):
        assert reason_of(world.process(opening(session))) is reason
        participants.reinstate(participant)


def test_open__before_the_first_tariff__is_refused(world: World) -> None:
    assert reason_of(world.process(opening(time=START - 1))) is Reason.NO_GRID_TARIFF


def test_open__unregistered_vehicle__falls_to_a_default_supplier_that_still_agrees(
    world: World,
) -> None:
    participants = world.market.registry.participants
    unknown = b"\xee" * 32
    with pytest.raises(NotAllowedError, match="NoConsent"):
        participants.set_default_supplier(OPERATOR, RIVAL)
    participants.offer_default_supply(RIVAL, OPERATOR, True)
    assert reason_of(world.process(opening(1, vehicle=unknown))) is Reason.NO_SUPPLIER
    participants.set_default_supplier(OPERATOR, RIVAL)
    decision = world.process(opening(2, vehicle=unknown))
    assert isinstance(decision, Cleared)
    assert decision.supplier == RIVAL
    world.now = START + 600
    world.process(report(session=2, last=True))
    participants.offer_default_supply(RIVAL, OPERATOR, False)
    again = opening(3, vehicle=unknown, time=START + 600)
    assert reason_of(world.process(again)) is Reason.NO_SUPPLIER


def test_open__supplier_a_nano_euro_short__is_not_covered(world: World) -> None:
    reserve = 50_000 * 320_000 + 600_000_000
    accounts = world.market.accounts
    accounts.withdraw(SUPPLIER, world.balance(SUPPLIER) - reserve + 1)
    assert reason_of(world.process(opening(1))) is Reason.SUPPLIER_NOT_COVERED
    accounts.deposit(SUPPLIER, 1)
    assert isinstance(world.process(opening(2)), Cleared)


def test_open__supplier_with_an_open_claim__is_not_covered_however_rich(world: World) -> None:
    accounts = world.market.accounts
    accounts.post(SUPPLIER, RIVAL, 1_000 * EURO + 1)
    accounts.deposit(SUPPLIER, 1_000 * EURO)
    assert reason_of(world.process(opening())) is Reason.SUPPLIER_NOT_COVERED


def test_open__grid_operator_without_money__stops_only_stations_that_feed_in(world: World) -> None:
    world.market.accounts.withdraw(GRID, world.balance(GRID))
    assert reason_of(world.process(opening(1))) is Reason.GRID_OPERATOR_NOT_COVERED
    assert world.add_station(STRANGER) == 2
    assert isinstance(world.process(opening(1, station=2), STRANGER), Cleared)


def test_open__vehicle_in_a_session_elsewhere__is_busy_until_that_ends(world: World) -> None:
    assert world.add_station(STRANGER) == 2
    world.process(opening())
    world.market.accounts.withdraw(SUPPLIER, world.market.accounts.accounts[SUPPLIER].free)
    assert reason_of(world.process(opening(1, station=2), STRANGER)) is Reason.VEHICLE_BUSY
    world.process(report(time=START, last=True))
    world.market.accounts.deposit(SUPPLIER, 1_000 * EURO)
    assert isinstance(world.process(opening(2, station=2), STRANGER), Cleared)


def test_expire__only_beyond_the_limit__keeps_what_was_settled(world: World) -> None:
    world.process(opening())
    world.process(report(time=START + 30, imported=100))
    with pytest.raises(NotAllowedError, match="NotExpirable"):
        world.market.expire(1, START + 7_200)
    assert world.market.expire(1, START + 7_201).session == 1
    assert world.market.accounts.accounts[SUPPLIER].reserved == 0
    assert world.market.accounts.pairs[SUPPLIER, GRID].import_wh == 100
    assert reason_of(world.process(report(2, time=START + 40))) is Reason.SESSION_NOT_OPEN


def test_vehicle__change_of_supplier__takes_effect_at_its_slot(world: World) -> None:
    vehicles = world.market.vehicles
    vehicles.offer(VEHICLE, SUPPLIER, RIVAL, START + 900)
    vehicles.accept(VEHICLE, RIVAL, START)
    assert vehicles.supplier_at(VEHICLE, START + 899) == SUPPLIER
    assert vehicles.supplier_at(VEHICLE, START + 900) == RIVAL


def test_vehicle__second_change__waits_until_no_opening_can_need_the_first(world: World) -> None:
    vehicles = world.market.vehicles
    vehicles.release(VEHICLE, SUPPLIER, START + 900, START)
    with pytest.raises(NotAllowedError, match="VehicleTaken"):
        vehicles.register(VEHICLE, SUPPLIER, START, START + 899)
    edge = START + 900 + 86_400
    with pytest.raises(NotAllowedError, match="ChangePending"):
        vehicles.register(VEHICLE, SUPPLIER, edge + 900, edge - 1)
    vehicles.register(VEHICLE, SUPPLIER, edge, edge)
    assert vehicles.supplier_at(VEHICLE, edge - 1) == 0
    assert vehicles.supplier_at(VEHICLE, edge) == SUPPLIER


def test_vehicle__released__only_its_first_supplier_may_have_it_again(world: World) -> None:
    vehicles = world.market.vehicles
    vehicles.offer(VEHICLE, SUPPLIER, RIVAL, START + 900)
    vehicles.accept(VEHICLE, RIVAL, START)
    free = START + 900 + 86_400
    vehicles.release(VEHICLE, RIVAL, free, free)
    later = free + 86_400
    with pytest.raises(NotAllowedError, match="VehicleTaken"):
        vehicles.register(VEHICLE, RIVAL, later, later)
    vehicles.register(VEHICLE, SUPPLIER, later, later)
    assert vehicles.supplier_at(VEHICLE, later) == SUPPLIER


def test_vehicle_id__is_another_one_for_every_supplier() -> None:
    commitment = b"\x05" * 32
    assert vehicle_id(SUPPLIER, commitment) == keccak(
        encode(["uint24", "bytes32"], (SUPPLIER, commitment))
    )
    assert vehicle_id(SUPPLIER, commitment) != vehicle_id(RIVAL, commitment)


def test_open__while_the_market_is_paused__is_refused_before_anything_else(world: World) -> None:
    registry = world.market.registry
    registry.participants.suspend(GRID)
    registry.paused = True
    assert reason_of(world.process(opening())) is Reason.MARKET_PAUSED
    assert world.market.sessions[1].state is State.REFUSED
    registry.paused = False
    registry.participants.reinstate(GRID)
    assert isinstance(world.process(opening(2)), Cleared)


def test_report__while_the_market_is_paused__is_settled(world: World) -> None:
    world.process(opening())
    world.market.registry.paused = True
    assert isinstance(world.process(report(time=START + 60, last=True)), Settled)
