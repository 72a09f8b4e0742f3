"""A vehicle changes its supplier while it charges: the session is split there, to the watt-hour."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_market import (
    EURO,
    GRID,
    OPERATOR,
    RIVAL,
    START,
    SUPPLIER,
    VEHICLE,
    World,
    digest_of,
    opening,
)

from gridroam.domain.batch import Pinned, node, settled_leaf
from gridroam.domain.decision import Part, Settled, Switched
from gridroam.domain.journal import Journal
from gridroam.domain.session import Change
from gridroam.domain.slots import boundaries_between
from gridroam.domain.violation import NotAllowedError
from gridroam.messages import EnergyReport

EFFECTIVE = START + 1_800
RESERVE = 50_000 * 320_000 + 600_000_000


def changing() -> World:
    """The session runs when the change is agreed, which takes effect in half an hour."""
    world = World()
    world.process(opening())
    change(world)
    world.now = START + 7_200
    return world


def change(world: World, to: int = RIVAL, effective: int = EFFECTIVE) -> None:
    supplier = world.market.vehicles.by_id[VEHICLE].last_supplier
    world.market.vehicles.offer(VEHICLE, supplier, to, effective)
    world.market.vehicles.accept(VEHICLE, to, world.now)


def steadily(
    until: int, *, since: int = START, number: int = 1, last: bool = False
) -> EnergyReport:
    """A watt-hour every second from the start on, and one back every two."""

    def registers(time: int) -> tuple[int, int]:
        return 1_000 + (time - START), 500 + (time - START) // 2

    return EnergyReport(
        station=1,
        session=1,
        report=number,
        time=until,
        import_register=registers(until)[0],
        export_register=registers(until)[1],
        last=last,
        boundaries=tuple(registers(time) for time in boundaries_between(since, until)),
    )


def settled(world: World, message: EnergyReport) -> Settled:
    decision = world.process(message)
    assert isinstance(decision, Settled), decision
    return decision


def test_report__over_the_change__has_two_parts_and_either_supplier_pays_its_own() -> None:
    world = changing()
    message = steadily(START + 3_000, last=True)
    decision = settled(world, message)
    first, second = decision.parts
    assert (first.supplier, first.time, first.import_wh, first.last) == (
        SUPPLIER,
        EFFECTIVE,
        1_800,
        False,
    )
    assert (second.supplier, second.time, second.import_wh, second.last) == (
        RIVAL,
        START + 3_000,
        1_200,
        True,
    )
    assert (first.export_wh, second.export_wh) == (900, 600)
    # levels: standard, high, low, standard
    assert first.network_charge == 900 * 80_000 + 900 * 120_000
    assert second.network_charge == 900 * 40_000 + 300 * 80_000 + 100_000_000
    assert decision.switched == Switched(SUPPLIER, RIVAL, EFFECTIVE, RESERVE)
    assert world.market.accounts.pairs[SUPPLIER, GRID].import_wh == 1_800
    assert world.market.accounts.pairs[RIVAL, GRID].import_wh == 1_200
    for participant in (SUPPLIER, RIVAL, GRID):
        assert world.market.accounts.accounts[participant].reserved == 0


def test_report__over_the_change__is_one_place_in_the_tree_and_a_leaf_for_each() -> None:
    world = changing()
    message = steadily(START + 3_000)
    decision = settled(world, message)
    leaves = [leaf_of(world, message, part) for part in decision.parts]
    assert [part.leaf for part in decision.parts] == leaves
    assert decision.leaf == node(*leaves)
    for participant, own in ((SUPPLIER, leaves[:1]), (RIVAL, leaves[1:]), (OPERATOR, leaves)):
        before = Journal()
        if participant != OPERATOR:
            before = World().market.accounts.journals[participant]
        for leaf in own:
            before.append(leaf)
        assert world.market.accounts.journals[participant] == before


def leaf_of(world: World, message: EnergyReport, part: Part) -> bytes:
    pinned = Pinned(part.supplier, GRID, OPERATOR, 1, 1)
    amounts = part.network_charge, part.service_fee, part.feed_in
    return settled_leaf(digest_of(message), world.now, pinned, part.time, amounts)


def test_report__up_to_the_change__is_the_old_suppliers() -> None:
    world = changing()
    decision = settled(world, steadily(EFFECTIVE))
    assert decision.switched is None
    assert [part.supplier for part in decision.parts] == [SUPPLIER]
    assert world.market.sessions[1].change == Change(RIVAL, EFFECTIVE)
    after = settled(world, steadily(EFFECTIVE + 1, since=EFFECTIVE, number=2))
    assert after.switched is not None
    assert [part.supplier for part in after.parts] == [RIVAL]


def test_report__of_no_time_at_the_change__is_the_new_suppliers() -> None:
    world = changing()
    settled(world, steadily(EFFECTIVE))
    decision = settled(world, steadily(EFFECTIVE, since=EFFECTIVE, number=2, last=True))
    assert [part.supplier for part in decision.parts] == [RIVAL]
    assert decision.parts[0].network_charge == 100_000_000


def test_session__that_ends_before_the_change__stays_with_the_old_supplier() -> None:
    world = changing()
    decision = settled(world, steadily(EFFECTIVE - 1, last=True))
    assert [part.supplier for part in decision.parts] == [SUPPLIER]
    assert world.market.accounts.accounts[RIVAL].reserved == 0
    assert world.market.accounts.accounts[SUPPLIER].reserved == 0


def test_switch__the_new_supplier_holds_the_same_reserve() -> None:
    world = changing()
    settled(world, steadily(START + 3_000))
    assert world.market.accounts.accounts[SUPPLIER].reserved == 0
    assert world.market.accounts.accounts[RIVAL].reserved == RESERVE
    assert world.market.sessions[1].supplier_reserve == RESERVE
    assert world.market.sessions[1].change is None


def test_switch__the_new_supplier_is_not_covered__holds_nothing_and_still_pays() -> None:
    world = changing()
    accounts = world.market.accounts
    accounts.withdraw(RIVAL, world.balance(RIVAL) - RESERVE + 1)
    decision = settled(world, steadily(START + 3_000))
    assert decision.switched == Switched(SUPPLIER, RIVAL, EFFECTIVE, 0)
    assert accounts.accounts[RIVAL].reserved == 0
    assert accounts.pairs[RIVAL, GRID].import_wh == 1_200


def test_opening__late__of_before_a_change_that_has_come__is_split_too() -> None:
    world = World()
    change(world)
    world.now = START + 3_600
    world.process(opening())
    assert world.market.sessions[1].change == Change(RIVAL, EFFECTIVE)
    decision = settled(world, steadily(START + 3_000))
    assert [part.supplier for part in decision.parts] == [SUPPLIER, RIVAL]


def test_opening__of_after_the_change__is_the_new_suppliers_alone() -> None:
    world = World()
    change(world)
    world.now = EFFECTIVE
    world.process(opening(time=EFFECTIVE))
    assert world.market.sessions[1].supplier == RIVAL
    assert world.market.sessions[1].change is None


def test_release__on_the_road__the_session_stays_until_it_ends() -> None:
    world = World()
    world.process(opening())
    world.market.vehicles.release(VEHICLE, SUPPLIER, EFFECTIVE, world.now)
    world.now = START + 7_200
    decision = settled(world, steadily(START + 3_000, last=True))
    assert [part.supplier for part in decision.parts] == [SUPPLIER]


def test_accept__while_one_is_pending_in_the_session__waits_for_a_report() -> None:
    world = changing()
    world.now = EFFECTIVE + 86_400
    later = world.now - world.now % 900 + 900
    world.market.vehicles.offer(VEHICLE, RIVAL, SUPPLIER, later)
    with pytest.raises(NotAllowedError, match="ChangePending"):
        world.market.vehicles.accept(VEHICLE, SUPPLIER, world.now)
    settled(world, steadily(START + 3_000))
    world.market.vehicles.accept(VEHICLE, SUPPLIER, world.now)
    assert world.market.sessions[1].change == Change(SUPPLIER, later)


@given(st.lists(st.integers(1, 2_000), min_size=1, max_size=8), st.booleans())
def test_reports__however_they_cut_it__either_has_exactly_its_energy(
    steps: list[int], rich: bool
) -> None:
    world = changing()
    if not rich:
        world.market.accounts.withdraw(RIVAL, world.balance(RIVAL))
    time = START
    for number, step in enumerate(steps, 1):
        world.now = max(world.now, time + step)
        settled(world, steadily(time + step, since=time, number=number))
        time += step
    pairs = world.market.accounts.pairs
    before, after = min(time, EFFECTIVE) - START, max(0, time - EFFECTIVE)
    assert pairs[SUPPLIER, OPERATOR].import_wh == before
    assert pairs[RIVAL, OPERATOR].import_wh == after
    exported = (time - START) // 2
    assert pairs[GRID, SUPPLIER].export_wh == min(exported, 900)
    assert pairs[GRID, RIVAL].export_wh == max(0, exported - 900)
    accounts = world.market.accounts
    assert sum(a.balance for a in accounts.accounts.values()) == accounts.total


def test_pair__of_old_and_new_supplier__does_not_exist() -> None:
    world = changing()
    settled(world, steadily(START + 3_000, last=True))
    pairs = world.market.accounts.pairs
    assert not {(SUPPLIER, RIVAL), (RIVAL, SUPPLIER)} & pairs.keys()
    assert world.market.accounts.total == 3_000 * EURO
