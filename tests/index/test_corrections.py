"""Disputes, versions, proposals and proofs, as rows."""

from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from agreement import differences
from corrected import Corrector
from desk import FORWARDER, FORWARDER_CODE
from hostile import LIMITS
from lively import Lively
from sqlalchemy import event, text
from traffic import Traffic

from gridroam.chain import abi
from gridroam.chain.wallet import TX_GAS_LIMIT
from gridroam.domain.session import State
from gridroam.domain.slots import SLOT
from gridroam.errors import StoreError
from gridroam.index.follower import open_follower
from gridroam.index.queries import Index, Wanted
from gridroam.index.records import PaymentKind, ProposalState, Story

BOTH = 2
RICH, POOR, FALLBACK, COAST, OPERATOR = 1, 2, 3, 4, 6
BACKLOG = LIMITS.backlog + 1
"""s until a car can change its supplier again."""


@pytest.fixture(scope="module")
def index(lively: Lively, tmp_path_factory: pytest.TempPathFactory) -> Index:
    return lively.index(tmp_path_factory.mktemp("index") / "index.db")


def story(index: Index, station: int, session: int) -> Story:
    with index.snapshot() as now:
        found = now.story(station, session)
    assert found is not None
    return found


def test_story__corrected_twice__every_version_is_readable(index: Index) -> None:
    told = story(index, BOTH, 1)
    first, second, third = told.versions

    assert [v.draft.number for v in told.versions] == [1, 2, 3]
    assert second.draft.previous == first.draft.content
    assert second.draft.import_wh == first.draft.import_wh - 900
    assert third.draft.import_wh == told.session.import_wh == first.draft.import_wh - 850
    assert third.draft.export_wh == told.session.export_wh == first.draft.export_wh + 100
    assert (told.session.version, told.session.disputed) == (3, False)
    assert told.session.cost == third.draft.cost
    assert sum(s.import_wh for s in told.slots) == third.draft.import_wh
    assert {RICH, COAST, OPERATOR} == set(second.agreed)
    assert not any(v.by_meter for v in told.versions)
    # what was settled is still told
    assert sum(s.import_wh for s in told.settlements) == first.draft.import_wh


def test_proposals__waits_for_one__open_and_in_its_list(index: Index) -> None:
    with index.snapshot() as now:
        waiting = now.proposals(awaiting=OPERATOR).items
        nothing = now.proposals(awaiting=COAST, session=(BOTH, 2)).items
        disputed = now.sessions(Wanted(disputed=True)).items

    (mine,) = [one for one in waiting if one.draft.session == 2]
    assert (mine.by, mine.state, mine.missing) == (RICH, ProposalState.OPEN, (OPERATOR,))
    assert set(mine.agreed) == {RICH, COAST}
    assert nothing == ()
    assert [(s.station, s.session) for s in disputed] == [(BOTH, 2)]


def test_proposals__another_version_came_into_force__void_or_in_force(index: Index) -> None:
    states = {p.draft.number: p.state for p in story(index, BOTH, 1).proposals}
    corrected = story(index, BOTH, _by_meter(index))
    (proposed,) = corrected.proposals

    assert states == {2: ProposalState.IN_FORCE, 3: ProposalState.IN_FORCE}
    assert proposed.state is ProposalState.VOID


def test_sessions__verified_and_corrected_by_the_meter__are_found(index: Index) -> None:
    with index.snapshot() as now:
        verified = now.sessions(Wanted(verified=True)).items
        corrected = now.sessions(Wanted(verified=True, corrected=True)).items
        counts = now.counts(Wanted(supplier=RICH))
        everything = now.sessions(Wanted(supplier=RICH), limit=1_000).items

    assert len(verified) == 2
    (by_meter,) = corrected
    told = story(index, BOTH, by_meter.session)
    assert [v.by_meter for v in told.versions] == [False, True]
    assert told.versions[1].agreed == ()
    assert by_meter.import_wh == 3_520
    assert counts.sessions == len(everything)


@pytest.mark.parametrize(
    ("wanted", "by"),
    [
        (Wanted(supplier=RICH, disputed=True), "ix_chain_sessions_disputed"),
        (Wanted(grid_operator=COAST, corrected=True), "ix_chain_sessions_corrected"),
        (Wanted(supplier=RICH), "ix_chain_sessions_supplier"),
    ],
)
def test_sessions__of_a_large_party__few_are_found_without_going_through_all(
    index: Index, wanted: Wanted, by: str
) -> None:
    asked: list[tuple[str, Any]] = []

    def hear(_: Any, __: Any, statement: str, given: Any, *___: Any) -> None:
        asked.append((statement, given))

    event.listen(index.store.engine, "before_cursor_execute", hear)
    with index.snapshot() as now:
        now.sessions(wanted)
    event.remove(index.store.engine, "before_cursor_execute", hear)
    first = next(one for one in asked if "FROM chain_sessions" in one[0])
    with index.store.engine.connect() as connection:
        plan = connection.exec_driver_sql("EXPLAIN QUERY PLAN " + first[0], first[1]).all()

    assert by in " ".join(str(row) for row in plan)


def test_claims__correction_that_the_supplier_cannot_pay__told_in_payments(index: Index) -> None:
    told = story(index, BOTH, 3)
    with index.snapshot() as now:
        payments = [
            p
            for p in now.payments(FALLBACK, limit=1_000).items
            if p.kind is PaymentKind.CORRECTION and p.session == 3 and p.version == 2
        ]

    claims = [c for c in told.claims if c.version == 2]
    assert {c.payer for c in claims} == {FALLBACK}
    (payment,) = payments
    assert payment.unpaid == sum(c.amount for c in claims) > 0
    assert payment.amount < 0


def test_sessions__supplier_that_had_it_for_one_version__still_finds_it(index: Index) -> None:
    told = story(index, BOTH, 3)
    with index.snapshot() as now:
        found = now.sessions(Wanted(supplier=FALLBACK, station=BOTH), limit=1_000).items
        acts = now.acts(participant=FALLBACK, limit=1_000).items

    assert [s.supplier for s in told.versions[2].draft.shares] == [RICH]
    assert (BOTH, 3) in [(s.station, s.session) for s in found]
    assert told.acts
    assert all(act in acts for act in told.acts)


def test_acts__of_whoever_has_to_agree__are_found(index: Index) -> None:
    """Also of one that has no part in the session as it stands."""
    with index.snapshot() as now:
        proposed = [p for p in now.proposals(limit=1_000).items if p.needed]
        for proposal in proposed:
            place = proposal.draft.station, proposal.draft.session
            for who in proposal.needed:
                acts = now.acts("CorrectionProposed", participant=who, limit=1_000).items
                assert place in {(act.station, act.session) for act in acts}
    assert proposed


def test_acts__supplier_in_between__finds_session_and_acts(lively: Lively, tmp_path: Path) -> None:
    """A car changes its supplier twice on the road, and ends with the first."""
    people, market = lively.market.participants, lively.market
    first, other, car = people["rich"], people["poor"], market.vehicles["of-rich"].id
    with lively.passing():
        traffic = Traffic(lively.anvil, lively.ledger, market)
        station = market.stations["both-ways"]
        traffic.deposit(other.number, 100_000)
        traffic.wait(BACKLOG)
        traffic.submit(traffic.sign(station, traffic.opening(station, car)))
        for old, new in ((first, other), (other, first)):
            effective = traffic.now // SLOT * SLOT + 2 * SLOT
            offer = "offerVehicles", [car], new.number, effective
            assert traffic.act(old.key, "Ledger", *offer)
            assert traffic.act(new.key, "Ledger", "acceptVehicles", [car])
            traffic.wait(2 * SLOT + BACKLOG)
            traffic.submit(traffic.sign(station, traffic.report(station, 900)))
        traffic.submit(traffic.sign(station, traffic.report(station, 1, last=True)))
        place = station.number, traffic.session(station).number
        index = lively.index(tmp_path / "index.db")

    with index.snapshot() as now:
        told = now.session(*place)
        sessions = now.sessions(Wanted(supplier=other.number), limit=1_000).items
        acts = now.acts("SupplierSwitched", participant=other.number, limit=1_000).items
    assert told is not None
    assert (told.first_supplier, told.supplier) == (first.number, first.number)
    assert place in {(s.station, s.session) for s in sessions}
    assert [(a.station, a.session) for a in acts].count(place) == 2


def test_sessions__expired_and_corrected_to_nothing__vehicle_had_nothing(index: Index) -> None:
    with index.snapshot() as now:
        (expired,) = [s for s in now.sessions(Wanted(corrected=True)).items if s.supplier == POOR]

    assert (expired.state, expired.import_wh, expired.cost) == (State.EXPIRED, 0, 0)
    assert expired.final_at == expired.ended + 14 * 86_400


def test_proposals__session_became_final__lapsed(lively: Lively, tmp_path: Path) -> None:
    with lively.passing():
        Traffic(lively.anvil, lively.ledger, lively.market).wait(15 * 86_400)
        with lively.index(tmp_path / "index.db").snapshot() as now:
            waiting = now.proposals(awaiting=OPERATOR).items
            told = now.story(BOTH, 2)

    assert waiting == ()
    assert told is not None
    assert {p.state for p in told.proposals} == {ProposalState.LAPSED}


def test_catch_up__correction_taken_back_by_a_reorganisation__as_before(
    lively: Lively, tmp_path: Path
) -> None:
    follower = lively.follower(tmp_path / "index.db")
    follower.catch_up()
    before = story(follower.index, BOTH, 2)
    with lively.passing():
        corrector = Corrector(Traffic(lively.anvil, lively.ledger, lively.market))
        present = corrector.present(BOTH, 2)
        corrector.agree(RICH, present, corrector.change(present, imported=-300))
        follower.catch_up()
        during = story(follower.index, BOTH, 2)
        assert differences(follower.index, lively.ledger) == []
    follower.catch_up()

    assert (during.session.version, during.session.disputed) == (2, False)
    assert story(follower.index, BOTH, 2) == before


def test_acts__refused_proof__says_of_which_session_and_why(lively: Lively, tmp_path: Path) -> None:
    """One that names no session leaves no row."""
    record = b"not even OCMF"
    with lively.passing():
        corrector = Corrector(Traffic(lively.anvil, lively.ledger, lively.market))
        garbage = bytes(32), b"", b"\xff" * 700
        corrector.bring(*garbage, corrector.false_proof(BOTH, 2, record))
        trusting = lively.index(tmp_path / "trusting.db")
        proven = open_follower(
            Index.open(str(tmp_path / "proven.db")), lively.anvil.url, lively.ledger.address
        )
        proven.catch_up()

    for index in (trusting, proven.index):
        with index.snapshot() as now:
            (act,) = now.acts("ProofRefused").items
            others = [now.acts("ProofRefused", participant=p).items for p in (RICH, OPERATOR, POOR)]
        assert (act.station, act.session) == (BOTH, 2)
        assert act.details == {
            "proof": 3,
            "record": "0x" + sha256(record).hexdigest(),
            "reason": "OnFile",
            "values": [BOTH, 2],
        }
        assert others == [(act,), (act,), ()]
        assert story(index, BOTH, 2).acts[-1] == act
        assert not story(index, BOTH, 2).session.verified


def test_acts__refused_proof_through_another_contract__is_found_in_its_input(
    lively: Lively, tmp_path: Path
) -> None:
    with lively.passing():
        corrector = Corrector(Traffic(lively.anvil, lively.ledger, lively.market))
        lively.anvil.rpc("anvil_setCode", FORWARDER, FORWARDER_CODE)
        proofs = [corrector.false_proof(BOTH, 2)]
        call = abi.functions("Corrections")["proveAll"].calldata(proofs)
        to = bytes(12) + bytes.fromhex(corrector.corrections.address[2:])
        wallet = corrector.traffic.wallet(lively.anvil.keys[1])
        wallet.wait([wallet.post(FORWARDER, to + call, gas=TX_GAS_LIMIT)])
        with lively.index(tmp_path / "index.db").snapshot() as now:
            (act,) = now.acts("ProofRefused").items

    assert (act.station, act.session, act.details["reason"]) == (BOTH, 2, "OnFile")


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE chain_cursor SET version = 2",
        "ALTER TABLE chain_sessions DROP COLUMN ended",
        "DROP TABLE chain_proposals",
    ],
)
def test_open__index_of_another_version__says_how_to_make_it_anew(
    lively: Lively, tmp_path: Path, change: str
) -> None:
    where = str(tmp_path / "index.db")
    old = lively.index(where)
    with old.store.write() as connection:
        connection.execute(text(change))
    old.close()

    with pytest.raises(StoreError, match="another version") as caught:
        Index.open(where)

    assert "gridroam index rebuild" in caught.value.hint


def _by_meter(index: Index) -> int:
    with index.snapshot() as now:
        (found,) = now.sessions(Wanted(verified=True, corrected=True)).items
    return found.session
