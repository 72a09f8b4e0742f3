"""On PostgreSQL the index has the same rows and gives the same answers as in a file."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from agreement import contents, differences
from databases import Server
from lively import EVER_AFTER, Lively

from gridroam.domain.participants import Role
from gridroam.domain.session import State
from gridroam.index.queries import Index, Refused, Wanted
from gridroam.index.records import StationState, Step
from gridroam.statements.make import statement


@pytest.fixture(scope="module")
def database() -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="gridroam-") as folder, Server(Path(folder)) as server:
        yield server.database()


def test_catch_up__on_postgresql__as_in_a_file_also_after_a_reorganisation(
    lively: Lively, tmp_path: Path, database: str
) -> None:
    follower = lively.follower(database)
    follower.catch_up()
    in_file = lively.index(tmp_path / "index.db")

    assert contents(follower.index) == contents(in_file)
    assert differences(follower.index, lively.ledger) == []
    assert _answers(follower.index) == _answers(in_file)

    with lively.passing():
        lively.go_on(seed=9)
        follower.catch_up()
        assert contents(follower.index) != contents(in_file)
    follower.catch_up()
    assert contents(follower.index) == contents(in_file)

    follower.rebuild()
    follower.catch_up()
    assert _answers(follower.index) == _answers(in_file)
    follower.index.close()


def _answers(index: Index) -> list[object]:
    ever = 0, EVER_AFTER
    with index.snapshot() as now:
        first = now.sessions(Wanted(supplier=1), limit=2)
        return [
            now.participants(Role.SUPPLIER),
            now.stations(state=StationState.READY, text="TOWN"),
            now.vehicles(1),
            now.meters(4),
            first,
            now.sessions(Wanted(supplier=1), limit=2, after=first.next),
            now.sessions(Wanted(text="town", fed_back=True), sort="cost"),
            now.sessions(Wanted(state=State.EXPIRED)),
            now.counts(Wanted(supplier=1)),
            now.rejections(Refused(grid_operator=4)),
            [now.story(s.station, s.session) for s in now.sessions().items],
            now.series(1, Role.SUPPLIER, *ever),
            now.series(1, Role.SUPPLIER, *ever, Step.DAY),
            now.totals(4, Role.GRID_OPERATOR, *ever),
            now.allocations(*ever, step=Step.DAY),
            now.posted(1, *ever, by_day=True),
            now.posted(None, *ever),
            now.pairs(),
            now.payments(limit=1_000),
            now.journal(4),
            now.batches(limit=5),
            now.acts(),
            list(statement(now, 4, *ever).lines),
        ]
