"""Contracts and rules side by side: whatever anybody does, in whatever order, neither differs.

Each run is one market from its start: time passes, companies act, stations send what they should
and what they should not. After every step the contracts must say what the rules say. For hours of
it, `pytest tests/side_by_side --hypothesis-profile=long`.
"""

import os
from collections.abc import Iterator
from typing import ClassVar

import pytest
from acts import Act, Slots, travellers
from chance import mostly
from correcting import Step, Wish, act_of, steps, wishes
from deployment import Contracts
from drawn_acts import change_of_supplier, linked_acts, of_companies, of_devices
from drawn_moves import batches
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    rule,
    run_state_machine_as_test,
)
from laws import LAWS
from moves import Batch, Kind, Load, Move, When
from setting import POOR, RICH, START, UTILITY, VEHICLE_KEYS, VEHICLES
from sides import Sides
from tally import Tally

from gridroam import audit
from gridroam.audit.source import NodeSource
from gridroam.chain.anvil import Anvil
from gridroam.domain.market import Market
from gridroam.domain.slots import SLOT, slot_start

AUDITED = 5
"""Of so many runs one is audited."""
ROUNDS = range(4, 17)
"""Of ten runs each: at least, and until they have come as deep as they should."""
SHRINK = () if os.environ.get("QUICK") else (Phase.shrink,)
"""What failed is made smaller, which takes minutes: not if the environment has `QUICK`."""


class SideBySide(RuleBasedStateMachine):
    """One run. Every rule ends in a batch, so that no choice of rules is one without messages."""

    contracts: ClassVar[Contracts]
    start: ClassVar[Market]
    tally: ClassVar[Tally]

    def __init__(self) -> None:
        super().__init__()
        self.sides = Sides(self.contracts, self.start, self.tally)

    @rule(seconds=st.sampled_from([1, 450, 900, 1_800, 3_600, 14_400, 200_000]), then=batches)
    def advance(self, seconds: int, then: Batch) -> None:
        self.sides.rules.now += seconds
        self.sides.submit(then)

    @rule(nth=st.integers(0, 7), offset=st.sampled_from([0, -1, 1]), then=batches)
    def advance_to_edge(self, nth: int, offset: int, then: Batch) -> None:
        """To a moment at which something changes, or a second next to it."""
        rules = self.sides.rules
        edges = [edge for edge in rules.edges() if edge + offset >= rules.now]
        rules.now = edges[nth % len(edges)] + offset if edges else rules.now
        self.sides.submit(then)

    @rule(nth=st.integers(0, 3), early=st.booleans(), then=batches)
    def expire(self, nth: int, early: bool, then: Batch) -> None:
        """A station has been silent for as long as it may, or a second longer."""
        rules = self.sides.rules
        stations = [n for n, session in rules.market.sessions.items() if session.is_open]
        if stations:
            station = stations[nth % len(stations)]
            silence = rules.market.registry.limits.silence + (not early)
            rules.now = max(rules.now, rules.market.sessions[station].touched + silence)
            self.sides.perform(Act("expire", (station,)))
        self.sides.submit(then)

    @rule(acts=of_companies, then=batches)
    def perform(self, acts: list[Act], then: Batch) -> None:
        for act in acts:
            self.sides.perform(act)
        self.sides.submit(then)

    @rule(acts=of_devices, then=batches)
    def perform_on_devices(self, acts: list[Act], then: Batch) -> None:
        self.perform(acts, then)

    @rule(acts=linked_acts, then=batches)
    def perform_in_turn(self, acts: list[Act], then: Batch) -> None:
        self.perform(acts, then)

    @rule(nth=st.integers(0, 3), then=batches)
    def sign_elsewhere(self, nth: int, then: Batch) -> None:
        """A car that is in a session gets a key, and signs that it is at another station."""
        rules, (car, *_) = self.sides.rules, [*travellers(self.sides.rules), None]
        idle = [n for n in (2, 1, 3, 4) if not rules.market.sessions[n].occupies]
        if car is not None and idle:
            supplier = rules.vehicles.supplier_at(car, rules.now)
            self.sides.perform(Act("deposit", (supplier, 10**8)))
            self.sides.perform(Act("setVehicleKeys", ([car], [list(VEHICLE_KEYS)[nth]], Slots(0))))
            there = Move(idle[nth % len(idle)], VEHICLES.index(car), kind=Kind.OPENING)
            self.sides.submit([there, *then])

    @rule(
        nth=st.integers(0, 3),
        to=st.sampled_from([RICH, POOR, UTILITY]),
        reports=st.sampled_from([[When.NOW], [When.CHANGE, When.NOW], [When.CHANGE, When.CHANGE]]),
        then=batches,
    )
    def change_on_the_road(self, nth: int, to: int, reports: list[When], then: Batch) -> None:
        """A car that is in a session changes its supplier, and the station reports up to it, at it
        and over it."""
        rules = self.sides.rules
        found = travellers(rules)
        if found:
            car = found[nth % len(found)]
            for act in change_of_supplier(car, to, Slots(2)):
                self.sides.perform(act)
            rules.now = slot_start(rules.now) + 2 * SLOT
            station = rules.vehicles.by_id[car].station
            moves = [
                Move(station, kind=Kind.REPORT, when=when, taken=Load.SOME, fed=Load.SOME)
                for when in reports
            ]
            self.sides.submit([*moves, *then])

    @rule(
        nth=mostly([0, 1, 2], [7]), later=mostly([1], [0]), wish=wishes, steps=steps, then=batches
    )
    def correct(self, nth: int, later: int, wish: Wish, steps: list[Step], then: Batch) -> None:
        """Parties and others act on a session that has ended, and on what came of it: seldom in the
        very second of its end, in which nothing can be corrected."""
        found = self.sides.ended(nth)
        self.sides.rules.now += later
        if found:
            tale, record = found
            for step in steps:
                act = act_of(step, tale, wish, record, self.sides.rules)
                if act is not None:
                    self.sides.perform(act)
        self.sides.submit(then)

    @rule(number=st.integers(1, 7), meanwhile=batches)
    def suspend_for_a_while(self, number: int, meanwhile: Batch) -> None:
        self.sides.perform(Act("suspend", (number,)))
        self.sides.submit(meanwhile)
        self.sides.perform(Act("reinstate", (number,)))

    @rule(by=st.sampled_from([None, None, None, 0, 1]), meanwhile=batches)
    def pause_for_a_while(self, by: int | None, meanwhile: Batch) -> None:
        self.sides.perform(Act("pause", (), by))
        self.sides.submit(meanwhile)
        self.sides.perform(Act("unpause", (), by))

    @rule(moves=batches)
    def submit(self, moves: Batch) -> None:
        self.sides.submit(moves)

    def teardown(self) -> None:
        """What the contracts have told of all of it leads an audit to the same."""
        self.tally.runs += 1
        if self.tally.runs % AUDITED == 0:
            report = audit.run(NodeSource(self.contracts.ledger))
            assert report.ok, "\n".join(map(str, report.differences))

    @invariant()
    def it_adds_up(self) -> None:
        for law in LAWS:
            law(self.sides.rules)


@pytest.fixture(scope="module")
def contracts() -> Iterator[Contracts]:
    with Anvil(timestamp=START) as anvil:
        yield Contracts(anvil)


@pytest.mark.slow
def test_side_by_side__whatever_is_done__contracts_and_rules_agree(contracts: Contracts) -> None:
    SideBySide.contracts, SideBySide.start = contracts, contracts.market()
    SideBySide.tally = tally = Tally()
    for done in range(1, ROUNDS.stop):
        run_state_machine_as_test(
            SideBySide,
            settings=settings(
                max_examples=settings().max_examples // 10,
                stateful_step_count=30,
                derandomize=False,
                print_blob=True,
                phases=[Phase.explicit, Phase.reuse, Phase.generate, *SHRINK],
                suppress_health_check=list(HealthCheck),
            ),
        )
        if done in ROUNDS and not tally.missing():
            break
    assert not tally.missing(), tally
