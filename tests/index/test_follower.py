"""The rows are what the contracts keep, however the index came to its block."""

from pathlib import Path

import pytest
from agreement import contents, differences
from lively import Lively

from gridroam.audit.entries import ReorganisedError
from gridroam.domain.session import State
from gridroam.errors import ChainError
from gridroam.index.queries import Index, Wanted
from gridroam.index.reading import Entry, TrustingReading
from gridroam.index.records import Kind


def test_catch_up__hostile_traffic__agrees_with_the_contracts(
    lively: Lively, tmp_path: Path
) -> None:
    index = lively.index(tmp_path / "index.db")

    assert differences(index, lively.ledger) == []
    with index.snapshot() as now:
        # there was something to agree on
        assert now.counts().sessions > 10
        assert now.rejections().items
        assert len(now.journal(1).items) > 10


def test_catch_up__session_with_a_copied_id__superseded_expired_and_the_cars_own_is_signed(
    lively: Lively, tmp_path: Path
) -> None:
    index = lively.index(tmp_path / "index.db")
    with index.snapshot() as now:
        acts = now.acts("SessionSuperseded").items
        forged = now.story(acts[0].station, acts[0].session)
        car = now.sessions(Wanted(vehicle=forged.session.vehicle)).items

    assert forged.session.state is State.EXPIRED
    assert [act.name for act in forged.acts] == ["SessionSuperseded", "SessionExpired"]
    assert [m.kind for m in forged.messages if m.accepted] == [Kind.OPENING, Kind.EXPIRY]
    assert not forged.session.signed
    assert any(s.signed and s.state is State.CLOSED and s.import_wh == 700 for s in car)


def test_catch_up__block_by_block_or_in_one_page__same_rows(lively: Lively, tmp_path: Path) -> None:
    by_block = lively.index(tmp_path / "by-block.db", depth=10_000)
    in_pages = lively.index(tmp_path / "in-pages.db", depth=0)

    assert contents(by_block) == contents(in_pages)


def test_rebuild__same_rows_and_answers(lively: Lively, tmp_path: Path) -> None:
    follower = lively.follower(tmp_path / "index.db")
    follower.catch_up()
    before = contents(follower.index), _answers(follower.index)

    follower.rebuild()
    assert _answers(follower.index)["head"] is None
    follower.catch_up()

    assert (contents(follower.index), _answers(follower.index)) == before


def test_catch_up__chain_went_another_way__rows_are_those_of_the_new_chain(
    lively: Lively, tmp_path: Path
) -> None:
    follower = lively.follower(tmp_path / "index.db")
    with lively.passing():
        lively.go_on(seed=1)
        follower.catch_up()
        first = contents(follower.index)
    with lively.passing():
        lively.go_on(seed=2)
        follower.catch_up()
        second = contents(follower.index)

        assert second != first
        assert second == contents(lively.index(tmp_path / "fresh.db"))
        assert differences(follower.index, lively.ledger) == []
        assert follower.index.live.latest is not None


def test_catch_up__chain_got_shorter__rows_are_taken_back(lively: Lively, tmp_path: Path) -> None:
    follower = lively.follower(tmp_path / "index.db")
    follower.catch_up()
    before = contents(follower.index)
    with lively.passing():
        lively.go_on(seed=3)
        follower.catch_up()
        assert contents(follower.index) != before

    follower.catch_up()

    assert contents(follower.index) == before


def test_catch_up__chain_changed_deeper_than_can_be_undone__made_anew(
    lively: Lively, tmp_path: Path
) -> None:
    follower = lively.follower(tmp_path / "index.db", depth=2)
    with lively.passing():
        lively.go_on(seed=4)
        follower.catch_up()
    follower.catch_up()

    assert contents(follower.index) == contents(lively.index(tmp_path / "fresh.db"))


def test_catch_up__node_is_still_fetching_the_chain__index_stays(
    lively: Lively, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is short of blocks, as a chain that went another way; but they will come again."""
    follower = lively.follower(tmp_path / "index.db", depth=2)
    with lively.passing():
        lively.go_on(seed=4)
        follower.catch_up()
        before = contents(follower.index)
    monkeypatch.setattr(type(lively.ledger.w3.eth), "syncing", {"currentBlock": 1})

    with pytest.raises(ChainError, match="still fetching"):
        follower.catch_up()

    assert contents(follower.index) == before


@pytest.mark.parametrize("when", ["before", "after"])
def test_catch_up__chain_changes_while_it_is_read__is_not_mixed(
    lively: Lively, tmp_path: Path, when: str
) -> None:
    """Between the look whether our block still stands, the reading, and the look at its end."""
    follower = lively.follower(tmp_path / "index.db")
    follower.catch_up()
    with lively.passing():
        fork = lively.anvil.rpc("evm_snapshot")
        lively.go_on(seed=5)
        follower.catch_up()
        lively.go_on(seed=6)

        def read(first: int, last: int) -> list[Entry]:
            follower.reading = None
            if when == "before":
                lively.anvil.rpc("evm_revert", fork)
                lively.go_on(seed=7, batches=6)
            entries = TrustingReading(follower.source)(first, last)
            if when == "after":
                lively.anvil.rpc("evm_revert", fork)
                lively.go_on(seed=7, batches=6)
            return entries

        follower.reading = read
        with pytest.raises(ReorganisedError):
            follower.catch_up()
        follower.catch_up()

        assert contents(follower.index) == contents(lively.index(tmp_path / "fresh.db"))


def test_catch_up__two_processes_on_one_index__one_writes_and_nothing_breaks(
    lively: Lively, tmp_path: Path
) -> None:
    one, other = (lively.follower(tmp_path / "index.db") for _ in range(2))
    one.catch_up()
    other.catch_up()
    with lively.passing():
        lively.go_on(seed=6)
        for follower in (one, other, one):
            follower.catch_up()
        assert contents(other.index) == contents(lively.index(tmp_path / "fresh.db"))


def _answers(index: Index) -> dict[str, object]:
    with index.snapshot() as now:
        return {
            "head": now.head(),
            "sessions": [now.story(s.station, s.session) for s in now.sessions().items],
            "journal": now.journal(1),
            "posted": now.posted(None, 0, 1 << 40),
            "rejections": now.rejections(),
        }
