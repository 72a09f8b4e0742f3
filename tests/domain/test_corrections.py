"""Corrections: what version 1 is, what a change costs whom, and when there is none any more."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_market import (
    EURO,
    GRID,
    GRID_TARIFF,
    OPERATOR,
    OPERATOR_TARIFF,
    RIVAL,
    START,
    SUPPLIER,
    World,
    opening,
    report,
)
from test_change_on_the_road import EFFECTIVE, change, settled, steadily

from gridroam.domain.corrections import Outcome, Standing
from gridroam.domain.difference import Adjustment, between
from gridroam.domain.journal import correction_entry
from gridroam.domain.participants import Role
from gridroam.domain.record import Record, Span
from gridroam.domain.version import (
    Assignment,
    Correction,
    Share,
    Version,
    next_version,
    packed,
    pairs,
)
from gridroam.domain.violation import NotAllowedError

WINDOW = 14 * 86_400
END = START + 3_000


def ended(*, splits: bool = False, cuts: tuple[int, ...] = ()) -> World:
    """A watt-hour every second from the grid, and one back every two, in as many reports."""
    world = World()
    world.market.corrections.window = WINDOW
    world.process(opening())
    if splits:
        change(world)
    world.now = START + 7_200
    since = START
    for number, until in enumerate((*cuts, END), 1):
        settled(world, steadily(until, since=since, number=number, last=until == END))
        since = until
    return world


def present(world: World) -> Version:
    return world.market.corrections.present(1, 1, world.now)


def less(version: Version, wh: int, supplier: int = SUPPLIER) -> Correction:
    """As if so much less had been taken, all of it in the last interval."""
    registers = pairs(version.readings)
    imported, exported = registers[-1]
    readings = packed([*registers[:-1], (imported - wh, exported)])
    return Correction(version.time + 1, (Assignment(supplier, version.end),), readings)


def agree(world: World, change: Correction, *participants: int) -> Outcome:
    """Returns what the last of them has led to."""
    *_, outcome = [
        world.market.corrections.agree(1, 1, change, participant, world.now)
        for participant in participants
    ]
    return outcome


def agreed(world: World, change: Correction) -> Outcome:
    """By all whom it costs."""
    _, changes = world.market.corrections.draft(present(world), change, world.now)
    return agree(world, change, *sorted(changes.costs))


def test_version_1__is_what_the_ledger_settled() -> None:
    version = present(ended())
    boundaries = [(1_000 + t, 500 + t // 2) for t in (0, 900, 1_800, 2_700, 3_000)]
    assert pairs(version.readings) == boundaries
    (share,) = version.shares
    assert (share.supplier, share.until, share.import_wh) == (SUPPLIER, END, 3_000)
    assert (share.export_wh, share.return_wh) == (1_500, 0)
    assert (version.number, version.time, version.previous) == (1, START + 7_200, bytes(32))


@given(st.sets(st.integers(START + 1, END - 1), max_size=4), st.booleans())
def test_version_1__priced_again__is_itself(cuts: set[int], splits: bool) -> None:
    version = present(ended(splits=splits, cuts=tuple(sorted(cuts))))
    assignments = tuple(Assignment(share.supplier, share.until) for share in version.shares)
    same = Correction(version.time + 1, assignments, version.readings)
    again = next_version(version, same, GRID_TARIFF, OPERATOR_TARIFF)
    assert again.shares == version.shares
    assert pairs(version.readings) == pairs(present(ended(splits=splits)).readings)
    difference = between(version, again)
    assert difference.adjustments == ()
    assert difference.costs == set(difference.parties)  # nobody makes nothing happen alone


def test_version_1__over_a_change_of_supplier__has_a_share_for_each() -> None:
    version = present(ended(splits=True, cuts=(START + 100, EFFECTIVE)))
    assert [(s.supplier, s.until, s.import_wh) for s in version.shares] == [
        (SUPPLIER, EFFECTIVE, 1_800),
        (RIVAL, END, 1_200),
    ]


def test_correct__less_energy__needs_those_who_lose_by_it__and_pays_back() -> None:
    world = ended()
    change, before = less(present(world), 300), world.balance(SUPPLIER)
    world.now += 10
    assert not agree(world, change, GRID).in_force
    assert not agree(world, change, SUPPLIER).in_force
    assert world.balance(SUPPLIER) == before
    _, after, in_force, claims, _ = agree(world, change, OPERATOR)
    assert (in_force, claims) == (True, ())
    assert world.balance(SUPPLIER) == before + 300 * (80_000 + 200_000)
    assert after.number == 2
    assert present(world) == after
    accounts = world.market.accounts
    assert accounts.pairs[SUPPLIER, GRID].import_wh == 2_700
    assert accounts.pairs[GRID, SUPPLIER].amount > 0
    assert sum(a.balance for a in accounts.accounts.values()) == 3_000 * EURO


def test_correct__another_supplier__its_debtors_change() -> None:
    world = ended()
    same = less(present(world), 0, RIVAL)
    after, changes = world.market.corrections.draft(present(world), same, world.now + 10)
    # the operators get as much as before, but from another one
    assert changes.costs == {RIVAL, GRID, OPERATOR}
    assert changes.parties == (GRID, OPERATOR, SUPPLIER, RIVAL)
    assert after.shares[0].supplier == RIVAL
    world.now += 10
    agree(world, same, RIVAL, GRID, OPERATOR)
    pairs_ = world.market.accounts.pairs
    assert pairs_[SUPPLIER, OPERATOR].import_wh == 0
    assert pairs_[RIVAL, OPERATOR].import_wh == 3_000
    assert pairs_[GRID, RIVAL].export_wh == 1_500


def test_correct__stands_in_the_journal_of_every_party_once() -> None:
    world = ended()
    world.now += 10
    journals, everybody = world.market.accounts.journals, (SUPPLIER, GRID, OPERATOR, RIVAL)
    counts = {number: journals[number].count for number in everybody}
    after = agreed(world, less(present(world), 5)).version
    for number, count in counts.items():
        more = number != RIVAL
        assert journals[number].count == count + more
    assert correction_entry(1, 1, 2, after.content) != correction_entry(1, 1, 1, after.content)


def test_correct__after_the_window__is_final() -> None:
    world = ended()
    change = less(present(world), 5)
    world.now += WINDOW
    assert not agree(world, change, GRID).in_force
    with pytest.raises(NotAllowedError, match="SessionFinal"):
        world.market.corrections.agree(1, 1, change, OPERATOR, world.now + 1)
    assert agree(world, change, OPERATOR).in_force


def test_correct__a_running_session__cannot_be() -> None:
    world = World()
    world.market.corrections.window = WINDOW
    world.process(opening())
    with pytest.raises(NotAllowedError, match="SessionFinal"):
        present(world)


def test_expired_without_a_report__has_one_share_of_nothing() -> None:
    world = World()
    world.market.corrections.window = WINDOW
    world.process(opening())
    world.now = START + 7_201
    world.market.expire(1, world.now)
    version = present(world)
    assert version.shares == (Share(SUPPLIER, START, 0, 0, 0, 0, 0, 0),)
    assert pairs(version.readings) == [(1_000, 500), (1_000, 500)]
    assert not version.closed


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ({"time": START + 7_200}, "WrongTime"),
        ({"time": START + 7_211}, "WrongTime"),
        ({"assignments": ()}, "WrongAssignment"),
        ({"assignments": (Assignment(SUPPLIER, END - 1),)}, "WrongAssignment"),
        ({"assignments": (Assignment(SUPPLIER, END + 1), Assignment(RIVAL, END))}, "WrongAss"),
        ({"readings": bytes(12)}, "WrongReadings"),
    ],
)
def test_draft__that_cannot_be__is_not_allowed(wrong: dict[str, object], error: str) -> None:
    world = ended()
    change = replace(less(present(world), 5), **wrong)  # type: ignore[arg-type]
    with pytest.raises(NotAllowedError, match=error):
        world.market.corrections.draft(present(world), change, START + 7_210)


def test_draft__register_backwards__is_not_allowed() -> None:
    world = ended()
    change = less(present(world), 301)
    with pytest.raises(NotAllowedError, match="RegisterBackwards"):
        world.market.corrections.draft(present(world), change, world.now + 10)


def test_draft__more_than_an_interval_has_room_for__is_not_allowed() -> None:
    world = ended()
    world.now += 10
    agreed(world, less(present(world), 300 - 2**22))
    with pytest.raises(NotAllowedError, match="RegisterBackwards"):
        world.market.corrections.draft(present(world), less(present(world), -1), world.now)


def test_agree__to_somebody_who_is_no_supplier__is_not_allowed() -> None:
    world = ended()
    change = replace(less(present(world), 5), assignments=(Assignment(GRID, END),))
    world.now += 10
    with pytest.raises(NotAllowedError, match="WrongAssignment"):
        agree(world, change, GRID)


def test_agree__a_supplier_that_lost_its_role__stays_in_its_session() -> None:
    world = ended()
    world.now += 10
    world.market.registry.participants.set_roles(SUPPLIER, Role.GRID_OPERATOR)
    assert agreed(world, less(present(world), 5)).in_force


def test_agree__somebody_else__is_no_party() -> None:
    world = ended()
    world.now += 10
    with pytest.raises(NotAllowedError, match="NotAParty"):
        agree(world, less(present(world), 5), RIVAL)
    with pytest.raises(NotAllowedError, match="NotAParty"):
        world.market.corrections.dispute(1, 1, RIVAL, world.now)


def test_dispute__stands_until_the_next_version() -> None:
    world = ended()
    world.now += 10
    world.market.corrections.dispute(1, 1, GRID, world.now)
    standing = world.market.corrections.standing(1, 1)
    assert (standing.content, standing.version) == (present(world).content, 1)
    assert standing.disputed
    after = agreed(world, less(present(world), 5)).version
    assert (standing.content, standing.version) == (after.content, 2)
    assert not standing.disputed


# --------------------------------------------------------------------------------- the meter's word


def metered(evidence: bytes = b"\7" * 32) -> World:
    """A session of 3,000 Wh that names a meter's record."""
    world = World()
    world.market.corrections.window = WINDOW
    world.process(opening())
    world.now = START + 7_200
    settled(world, replace(steadily(END, last=True), evidence=evidence))
    world.now += 10
    return world


def record(begin: int = 1_000, end: int = 4_000, **changes: object) -> Record:
    told = Record(b"\7" * 32, 1, Span(begin, end), Span(500, 2_000), 0, 0)
    return told._replace(**changes)  # type: ignore[arg-type]


def test_prove__the_same_registers__moves_nothing() -> None:
    world = metered()
    before = present(world)
    outcome = world.market.corrections.prove(1, 1, record(), world.now)
    assert outcome == Outcome(before, before, in_force=False)
    assert world.market.corrections.standing(1, 1) == Standing(verified=True)


def test_prove__other_registers__cuts_what_lies_between_and_asks_nobody() -> None:
    world = metered()
    outcome = world.market.corrections.prove(1, 1, record(2_000, 3_000), world.now)
    assert outcome.in_force
    assert [imported for imported, _ in pairs(outcome.version.readings)] == [
        2_000,
        2_000,
        2_800,
        3_000,
        3_000,
    ]
    assert world.market.accounts.pairs[SUPPLIER, GRID].import_wh == 1_000
    standing = world.market.corrections.standing(1, 1)
    assert (standing.version, standing.verified) == (2, True)


def test_prove__only_energy_is_told__keeps_the_beginning() -> None:
    world = metered()
    relative = record(imported=Span(0, 2_500, relative=True), begin_time=START + 3_599)
    after = world.market.corrections.prove(1, 1, relative, world.now).version
    assert pairs(after.readings)[0][0] == 1_000
    assert pairs(after.readings)[-1][0] == 3_500


def test_prove__after_it__only_the_assignment_is_left_to_agree_on() -> None:
    world = metered()
    world.market.corrections.prove(1, 1, record(), world.now)
    with pytest.raises(NotAllowedError, match="MeterHasSpoken"):
        agree(world, less(present(world), 5), GRID)
    assert agreed(world, less(present(world), 0, RIVAL)).in_force


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ({"digest": b"\6" * 32}, "WrongRecord"),
        ({"imported": Span(4_000, 5_000)}, "WrongSession"),
        ({"imported": Span(0, 1_000)}, "WrongSession"),
        ({"imported": None}, "DirectionMissing"),
        ({"imported": Span(0, 2_999, relative=True)}, "NotTied"),
        ({"begin_time": START - 3_600}, "WrongSession"),
        ({"end_time": END + 3_600}, "WrongSession"),
        ({"imported": Span(0, 2**48 - 1, relative=True), "begin_time": START}, "Backwards"),
    ],
)
def test_prove__what_is_not_this_sessions__is_not_allowed(
    wrong: dict[str, object], error: str
) -> None:
    world = metered()
    with pytest.raises(NotAllowedError, match=error):
        world.market.corrections.prove(1, 1, record(**wrong), world.now)  # type: ignore[arg-type]
    assert world.market.corrections.standings == {}


def test_prove__twice_or_with_a_page_that_proved_another__is_not_allowed() -> None:
    world = metered()
    world.market.corrections.prove(1, 1, record(), world.now)
    with pytest.raises(NotAllowedError, match="AlreadyVerified"):
        world.market.corrections.prove(1, 1, record(page=2), world.now)
    world.process(opening(2, time=END, import_register=4_000, export_register=2_000))
    same = {"session": 2, "time": END + 10, "evidence": b"\7" * 32, "last": True}
    settled(world, report(since=(END, 4_000, 2_000), imported=1, **same))
    again = record(4_000, 4_001, exported=None)
    with pytest.raises(NotAllowedError, match="PageUsed"):
        world.market.corrections.prove(1, 2, again, world.now)
    assert world.market.corrections.prove(1, 2, again._replace(page=2), world.now)


def test_between__energy_moves_in_time__everyone_must_agree() -> None:
    """The sums are the same; each quarter hour is bought and balanced for itself."""
    version = present(ended())
    (first, second, *rest), (share,) = pairs(version.readings), version.shares
    moved = packed([first, (second[0] - 100, second[1]), *rest])
    assert between(version, replace(version, readings=moved)).costs == {GRID, OPERATOR, SUPPLIER}
    more = replace(share, service_fee=share.service_fee + 1)
    after = replace(version, readings=moved, shares=(more,))
    assert between(version, after).costs == {GRID, OPERATOR, SUPPLIER}
    assert between(version, replace(version, shares=(more,))).costs == {SUPPLIER}


def test_next_version__more_assignments_than_anybody_needs__are_not_allowed() -> None:
    version = present(ended())
    many = Correction(version.time + 1, (Assignment(SUPPLIER, version.end),) * 17, version.readings)
    with pytest.raises(NotAllowedError, match="WrongAssignment"):
        next_version(version, many, GRID_TARIFF, OPERATOR_TARIFF)
    fewer = replace(many, assignments=many.assignments[:16])
    assert len(next_version(version, fewer, GRID_TARIFF, OPERATOR_TARIFF).shares) == 16


def version_of(*shares: Share) -> Version:
    return replace(present(ended()), shares=shares)


def test_between__only_energy_moves__both_must_agree() -> None:
    one = version_of(Share(SUPPLIER, END, 10, 0, 0, 0, 5, 0))
    other = version_of(Share(SUPPLIER, END, 11, 0, 0, 0, 5, 0))
    difference = between(one, other)
    assert difference.costs == {SUPPLIER, GRID, OPERATOR}
    assert difference.adjustments == (
        Adjustment(SUPPLIER, GRID, 0, 1, 0),
        Adjustment(SUPPLIER, OPERATOR, 0, 1, 0),
    )


def test_between__feed_in_turns_negative__moves_to_the_other_pair() -> None:
    one = version_of(Share(SUPPLIER, END, 0, 10, 0, 0, 0, 70))
    other = version_of(Share(SUPPLIER, END, 0, 0, 10, 0, 0, -30))
    difference = between(one, other)
    assert difference.adjustments == (
        Adjustment(SUPPLIER, GRID, 0, 0, 10),
        Adjustment(GRID, SUPPLIER, -100, 0, -10),
    )
    assert difference.costs == {SUPPLIER}


@given(st.lists(st.integers(0, 2_000), min_size=4, max_size=4), st.booleans())
def test_correct__any_readings__money_is_moved_and_never_made(taken: list[int], own: bool) -> None:
    world = ended(splits=True)
    version = present(world)
    register, registers = 1_000, [(1_000, 500)]
    for index, energy in enumerate(taken):
        register += energy
        registers.append((register, pairs(version.readings)[index + 1][1]))
    assignments = tuple(Assignment(share.supplier, share.until) for share in version.shares)
    if not own:
        assignments = (Assignment(RIVAL, END),)
    world.now += 10
    change = Correction(version.time + 1, assignments, packed(registers))
    agreed(world, change)
    accounts = world.market.accounts
    assert sum(a.balance for a in accounts.accounts.values()) == accounts.total
    total = sum(pair.import_wh for (_, payee), pair in accounts.pairs.items() if payee == OPERATOR)
    assert total == sum(taken)
    assert min(pair.import_wh for pair in accounts.pairs.values()) >= 0
