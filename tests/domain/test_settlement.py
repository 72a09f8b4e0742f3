"""Reports: every reason that the protocol names, and who pays whom."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_market import (
    EURO,
    GRID,
    GRID_TARIFF,
    OPERATOR,
    START,
    STRANGER,
    SUPPLIER,
    World,
    opening,
    report,
)

from gridroam.domain.accounts import Claim
from gridroam.domain.decision import Rejected, Settled
from gridroam.domain.reasons import Reason
from gridroam.domain.session import State


@pytest.fixture
def running(world: World) -> World:
    world.process(opening())
    world.now = START + 3_600
    return world


def test_report__one_slot__is_settled_at_the_level_of_its_slot(running: World) -> None:
    message = report(time=START + 1_000, imported=300, exported=100)
    decision = running.process(message)
    assert isinstance(decision, Settled)
    (part,) = decision.parts
    assert (part.import_wh, part.export_wh) == (300, 100)
    assert part.network_charge == 300 * 120_000
    assert part.service_fee == 300 * 200_000
    assert part.feed_in == 100 * 90_000
    assert running.balance(SUPPLIER) == 1_000 * EURO - 300 * 320_000 + 100 * 90_000
    assert running.balance(GRID) == 1_000 * EURO + 300 * 120_000 - 100 * 90_000
    assert running.balance(OPERATOR) == 300 * 200_000


def test_report__over_three_slots__each_at_its_own_price(running: World) -> None:
    message = replace(
        report(time=START + 2_000),
        boundaries=((1_100, 500), (1_300, 500)),
        import_register=1_600,
    )
    decision = running.process(message)
    assert isinstance(decision, Settled)
    assert decision.parts[0].network_charge == 100 * 80_000 + 200 * 120_000 + 300 * 40_000


def test_report__the_last__adds_the_fees_and_releases_the_reserves(running: World) -> None:
    decision = running.process(report(last=True))
    assert isinstance(decision, Settled)
    (part,) = decision.parts
    assert (part.network_charge, part.service_fee) == (100_000_000, 500_000_000)
    assert running.market.sessions[1].state is State.CLOSED
    assert running.market.accounts.accounts[SUPPLIER].reserved == 0
    assert running.market.accounts.accounts[GRID].reserved == 0


def test_report__negative_feed_in_price__the_supplier_pays() -> None:
    world = World(grid=replace(GRID_TARIFF, export_standard=-10_000))
    world.process(opening())
    world.now += 600
    decision = world.process(report(exported=100))
    assert isinstance(decision, Settled)
    assert decision.parts[0].feed_in == -1_000_000
    pair = world.market.accounts.pairs[SUPPLIER, GRID]
    assert (pair.amount, pair.export_wh) == (1_000_000, 100)


def test_report__of_nothing__leaves_no_pair_but_a_journal_entry(running: World) -> None:
    assert isinstance(running.process(report()), Settled)
    assert not running.market.accounts.pairs
    assert running.market.accounts.journals[OPERATOR].count == 1


def test_report__more_than_the_supplier_has__stays_open_in_the_order_of_the_postings(
    running: World,
) -> None:
    accounts = running.market.accounts
    accounts.post(SUPPLIER, 4, 1_000 * EURO - 300 * 120_000 - 1)
    decision = running.process(report(time=START + 1_000, imported=300))
    assert isinstance(decision, Settled)
    assert decision.parts[0].claims == (Claim(SUPPLIER, OPERATOR, 300 * 200_000 - 1),)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"session": 2}, Reason.SESSION_NOT_OPEN),
        ({"report": 0}, Reason.REPORT_USED),
        ({"report": 2}, Reason.REPORT_MISSING),
        ({"time": START + 3_661}, Reason.TIME_IN_FUTURE),
        ({"time": START - 1}, Reason.TIME_BACKWARDS),
        ({"boundaries": ((1_000, 500),)}, Reason.WRONG_BOUNDARIES),
        ({"import_register": 999}, Reason.REGISTER_BACKWARDS),
        ({"import_register": 1_000 + 3_668}, Reason.POWER_EXCEEDED),
        ({"export_register": 500 + 1_835}, Reason.POWER_EXCEEDED),
    ],
)
def test_report__a_check_fails__leaves_no_trace(
    running: World, change: dict[str, object], reason: Reason
) -> None:
    before = replace(running.market.sessions[1])
    decision = running.process(replace(report(), **change))  # type: ignore[arg-type]
    assert isinstance(decision, Rejected)
    assert decision.reason is reason
    assert running.market.sessions[1] == before
    assert isinstance(running.process(report()), Settled)


def test_report__silent_for_more_than_two_days__needs_several(running: World) -> None:
    running.now = START + 10 * 86_400
    two_days = START + 192 * 900
    too_long = running.process(report(time=two_days + 901))
    assert isinstance(too_long, Rejected)
    assert too_long.reason is Reason.WRONG_BOUNDARIES
    assert isinstance(running.process(report(time=two_days + 900)), Settled)


def test_report__by_a_stranger__is_rejected(running: World) -> None:
    decision = running.process(report(), STRANGER)
    assert isinstance(decision, Rejected)
    assert decision.reason is Reason.BAD_SIGNATURE


@given(st.lists(st.tuples(st.integers(0, 1_800), st.integers(0, 900)), max_size=20))
def test_reports__any_energies__every_euro_goes_from_one_to_another(
    energies: list[tuple[int, int]],
) -> None:
    world = World()
    world.process(opening())
    since = (START, 1_000, 500)
    for number, (imported, exported) in enumerate(energies, 1):
        time = START + number * 600
        world.now = time
        message = report(number, time=time, imported=imported, exported=exported, since=since)
        assert isinstance(world.process(message), Settled)
        since = (time, message.import_register, message.export_register)
    balances = [account.balance for account in world.market.accounts.accounts.values()]
    assert sum(balances) == world.market.accounts.total == 3_000 * EURO
    pair = world.market.accounts.pairs[SUPPLIER, OPERATOR]
    assert pair.import_wh == since[1] - 1_000
