"""The database: durable, migrated; one relay's, or shared. What it promises holds on both."""

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import event

from gridroam.domain.delivery import Status
from gridroam.domain.reasons import Reason
from gridroam.errors import InvalidInputError, StoreError
from gridroam.store.batches import Batch, Batches, Place, State, Transaction
from gridroam.store.engine import Store
from gridroam.store.models import metadata
from gridroam.store.outbox import Addition, Outbox
from gridroam.store.outcome import Outcome, Step
from gridroam.store.senders import Senders

SENDER = "0x" + 40 * "a"


@pytest.fixture
def store(database: str) -> Iterator[Store]:
    opened = Store.open(database)
    yield opened
    opened.close()


@pytest.fixture
def file(tmp_path: Path) -> Iterator[Store]:
    opened = Store.open(str(tmp_path / "relay.db"))
    yield opened
    opened.close()


@pytest.fixture
def batches(store: Store) -> Batches:
    return of_account(store, SENDER)


def of_account(store: Store, address: str, holder: str = "here") -> Batches:
    lease = Senders(store).acquire(address, holder, 60)
    assert lease is not None
    return Batches(store, lease)


def added(outbox: Outbox, number: int, station: int = 1, *, opening: bool = False) -> bytes:
    digest = bytes([number]) * 32
    outbox.add([Addition(digest, station, opening, b"body", number)])
    return digest


def in_batch(batches: Batches, nonce: int, count: int = 1) -> Batch:
    signed = Transaction(bytes([nonce]) * 32, b"raw", 10, 1, 0)
    with batches.claim(10) as claim:
        return claim.make(claim.waiting[:count], nonce, 100, signed)


def waiting(batches: Batches) -> list[bytes]:
    with batches.claim(10) as claim:
        return [message.digest for message in claim.waiting]


def test_commits_reach_the_disk(file: Store) -> None:
    with file.read() as connection:
        modes = [
            connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys")
        ]
    assert modes == ["wal", 2, 1]


def test_migrations_make_what_the_models_say(store: Store) -> None:
    with store.engine.connect() as connection:
        context = MigrationContext.configure(connection)
        assert compare_metadata(context, metadata) == []


def test_newer_schema_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "relay.db"
    Store.open(str(path)).close()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
        connection.commit()
    with pytest.raises(StoreError, match=r"9999.*newer.*Install"):
        Store.open(str(path))


def test_two_relays_on_one_file_are_refused(file: Store, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="Another relay"):
        Store.open(str(tmp_path / "relay.db"))


def test_file_that_is_let_go_in_a_moment_is_waited_for(file: Store, tmp_path: Path) -> None:
    """As one does that was killed while it started a process."""
    leaving = threading.Timer(0.3, file.close)
    leaving.start()
    Store.open(str(tmp_path / "relay.db")).close()
    leaving.join()


def test_database_of_another_ledger_is_refused(store: Store) -> None:
    outbox = Outbox(store)
    outbox.claim(31337, "0x" + 40 * "1")
    outbox.claim(31337, "0x" + 40 * "1")
    with pytest.raises(StoreError, match="chain 31337"):
        outbox.claim(1, "0x" + 40 * "1")


@pytest.mark.parametrize(
    "where", ["/proc/relay.db", "://", "postgresql+nothing://", "mysql+oursql://"]
)
def test_database_that_cannot_be_opened(where: str) -> None:
    with pytest.raises((StoreError, InvalidInputError)):
        Store.open(where)


def test_messages_are_kept_all_or_none(store: Store) -> None:
    outbox = Outbox(store)
    fresh = Addition(b"\x02" * 32, 1, False, b"body", 2)
    wrong = Addition(b"\x03" * 32, 1, False, None, 2)  # type: ignore[arg-type]
    with pytest.raises(StoreError):
        outbox.add([fresh, wrong])
    assert outbox.known([fresh.digest]) == {}


def test_message_that_another_relay_stored_meanwhile_is_kept_once(
    store: Store, batches: Batches
) -> None:
    outbox = Outbox(store)
    digest = added(outbox, 1)
    in_batch(batches, nonce=1)
    fresh = Addition(b"\x02" * 32, 1, False, b"body", 2)
    outbox.add([Addition(digest, 1, False, b"body", 9), fresh], again=[digest])
    assert outbox.known([digest])[digest].status is Status.SENT
    assert waiting(batches) == [fresh.digest]


def test_outcomes_are_written_in_the_order_of_the_batch(store: Store, batches: Batches) -> None:
    outbox = Outbox(store)
    digests = [added(outbox, n, station=n) for n in (1, 2)]
    batch = in_batch(batches, nonce=5, count=2)
    assert {outcome.status for outcome in outbox.known(digests).values()} == {Status.SENT}
    outcomes = {
        batch.messages[0].id: Outcome(Status.SETTLED, None, b"\x05" * 32, 7),
        batch.messages[1].id: Outcome(Status.REJECTED, Reason.TOO_OLD, b"\x05" * 32, 7),
    }
    batches.settle(batch, Place(7, b"\x07" * 32), State.FINAL, outcomes, at=9)
    known = outbox.known(digests)
    assert [known[digest] for digest in digests] == list(outcomes.values())
    assert batches.in_state(State.SENT) == []
    assert batches.last_nonce() == 5


def test_rejection_that_may_pass_waits_for_an_earlier_message_of_its_station(
    store: Store, batches: Batches
) -> None:
    outbox = Outbox(store)
    opening, report = added(outbox, 1, opening=True), added(outbox, 2)
    first, second = in_batch(batches, nonce=1), in_batch(batches, nonce=2)
    batches.give_back([first])
    rejected = Outcome(Status.REJECTED, Reason.SESSION_NOT_OPEN, b"\x02" * 32, 7)
    place = Place(7, b"\x07" * 32)
    batches.settle(second, place, State.FINAL, {second.messages[0].id: rejected}, 9)
    assert waiting(batches) == [opening, report]

    third = in_batch(batches, nonce=3, count=2)
    cleared = Outcome(Status.CLEARED, None, b"\x03" * 32, 8)
    ids = [message.id for message in third.messages]
    batches.settle(third, place, State.FINAL, {ids[0]: cleared, ids[1]: rejected}, 9)
    assert outbox.known([report])[report] == rejected


def test_rejection_that_may_pass_waits_where_another_account_was_later_with_the_earlier_message(
    store: Store, batches: Batches
) -> None:
    """The opening came back and went out through another account, which had it in a later block;
    that was known before the outcome of what builds on it."""
    outbox, other = Outbox(store), of_account(store, "0x" + 40 * "b")
    opening, *reports = [added(outbox, 1, opening=True), added(outbox, 2), added(outbox, 3)]
    first, second = in_batch(batches, nonce=1), in_batch(batches, nonce=2, count=2)
    batches.give_back([first])
    later = in_batch(other, nonce=9)
    cleared = Outcome(Status.CLEARED, None, b"\x09" * 32, 8)
    other.settle(later, Place(8, b"\x08" * 32), State.FINAL, {later.messages[0].id: cleared}, 9)
    rejected = Outcome(Status.REJECTED, Reason.SESSION_NOT_OPEN, b"\x02" * 32, 7)
    about = {message.id: rejected for message in second.messages}
    batches.settle(second, Place(7, b"\x07" * 32), State.FINAL, about, 9)
    assert waiting(batches) == reports
    third = in_batch(batches, nonce=3, count=2)
    about = {message.id: replace(rejected, block=9) for message in third.messages}
    batches.settle(third, Place(9, b"\x09" * 32), State.FINAL, about, 9)
    assert outbox.known([opening])[opening].status is Status.CLEARED
    assert {one.status for one in outbox.known(reports).values()} == {Status.REJECTED}


def test_outcome_that_is_written_twice_leaves_a_message_alone_that_has_moved_on(
    store: Store, batches: Batches
) -> None:
    """As after a commit of which nobody heard."""
    outbox, other = Outbox(store), of_account(store, "0x" + 40 * "b")
    added(outbox, 1, opening=True)
    report = added(outbox, 2)
    first, second = in_batch(batches, nonce=1), in_batch(batches, nonce=2)
    batches.give_back([first])
    rejected = Outcome(Status.REJECTED, Reason.SESSION_NOT_OPEN, b"\x02" * 32, 7)
    about = {second.messages[0].id: rejected}
    batches.settle(second, Place(7, b"\x07" * 32), State.FINAL, about, 9)
    in_batch(other, nonce=9, count=2)
    batches.settle(second, Place(7, b"\x07" * 32), State.FINAL, about, 9)
    (moved,) = other.in_state(State.SENT)
    assert report in [message.digest for message in moved.messages]


def test_batch_that_came_back_can_be_sent_as_it_was(store: Store, batches: Batches) -> None:
    outbox = Outbox(store)
    added(outbox, 1)
    first = in_batch(batches, nonce=1)
    assert batches.give_back_from(1) == 1
    again = in_batch(batches, nonce=1)
    assert again.transactions == first.transactions
    assert [batch.id for batch in batches.in_state(State.SENT)] == [again.id]


def test_any_number_of_batches_comes_back_at_once(store: Store, batches: Batches) -> None:
    """As where a node has lost its chain: more than a statement may have parameters."""
    outbox = Outbox(store)
    digest = added(outbox, 1)
    in_batch(batches, nonce=1)
    many = (
        "INSERT INTO batches (sender, nonce, gas, state, made_at)"
        " WITH RECURSIVE row(n) AS (SELECT 2 UNION ALL SELECT n + 1 FROM row WHERE n < 69999)"
        f" SELECT '{SENDER}', n, 1, 'final', 0 FROM row"
    )
    with store.write() as connection:
        connection.exec_driver_sql(many)
    assert batches.give_back_from(1) == 69_999
    assert waiting(batches) == [digest]


def test_steps_of_a_message_have_their_times(store: Store, batches: Batches) -> None:
    outbox = Outbox(store)
    digest = added(outbox, 1)

    def known() -> Outcome:
        return outbox.known([digest])[digest]

    assert (known().step, known().times.stored) == (Step.STORED, 1)
    batch = in_batch(batches, nonce=5)
    assert (known().step, known().times.sent) == (Step.SENT, 0)
    cleared = {batch.messages[0].id: Outcome(Status.CLEARED, None, b"\x05" * 32, 7)}
    mined, _ = batches.settle(batch, Place(7, b"\x07" * 32), State.MINED, cleared, at=20)
    assert (known().step, known().times.mined) == (Step.MINED, 20)
    batches.confirm([mined], at=30)
    assert (known().step, known().times.final) == (Step.FINAL, 30)


def test_vanished_block_takes_outcome_and_times_back(store: Store, batches: Batches) -> None:
    outbox = Outbox(store)
    digest = added(outbox, 1)
    batch = in_batch(batches, nonce=5)
    cleared = {batch.messages[0].id: Outcome(Status.CLEARED, None, b"\x05" * 32, 7)}
    mined, _ = batches.settle(batch, Place(7, b"\x07" * 32), State.MINED, cleared, at=20)
    batches.reopen(mined)
    known = outbox.known([digest])[digest]
    assert (known, known.times.mined) == (Outcome(Status.SENT), None)


@pytest.mark.parametrize("ask", ["counts", "under_way", "queue", "claim", "start"])
def test_what_waits_is_found_without_reading_what_is_done(file: Store, ask: str) -> None:
    """However many messages have ever been settled: by an index of what is under way."""
    outbox, batches = Outbox(file), of_account(file, SENDER)
    plans: list[str] = []

    @event.listens_for(file.engine, "before_cursor_execute")
    def explain(connection: Any, _cursor: Any, statement: str, about: Any, *_: Any) -> None:
        if statement.startswith("SELECT") and "senders" not in statement:
            raw = connection.connection.driver_connection
            plans.extend(row[3] for row in raw.execute(f"EXPLAIN QUERY PLAN {statement}", about))

    added(outbox, 1)
    asked: dict[str, Callable[[], object]] = {
        "counts": outbox.counts,
        "under_way": lambda: outbox.under_way([1, 2]),
        "queue": lambda: batches.queue(10),
        "claim": lambda: waiting(batches),
        "start": lambda: (batches.in_state(State.SENT), batches.last_block(), batches.last_nonce()),
    }
    asked[ask]()
    touched = [step for step in plans if " messages" in step or " batches" in step]
    quick = "ix_messages_under_way", "ix_messages_stored", "ix_batches_open", "ux_batches_nonce"
    assert touched
    for step in touched:
        assert any(name in step for name in quick) or "PRIMARY KEY (rowid=?)" in step, plans
