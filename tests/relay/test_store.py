"""The database: durable, migrated, one relay's."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from gridroam.domain.delivery import Status
from gridroam.domain.reasons import Reason
from gridroam.errors import InvalidInputError, StoreError
from gridroam.store.batches import Batches, Place, State, Transaction
from gridroam.store.engine import Store
from gridroam.store.models import metadata
from gridroam.store.outbox import Addition, Outbox, Outcome

SENDER = "0x" + 40 * "a"


@pytest.fixture
def store(tmp_path: Path):
    opened = Store.open(str(tmp_path / "relay.db"))
    yield opened
    opened.close()


def added(outbox: Outbox, number: int, station: int = 1, *, opening: bool = False) -> bytes:
    digest = bytes([number]) * 32
    outbox.add([Addition(digest, station, opening, b"body", number)])
    return digest


def in_batch(batches: Batches, nonce: int, count: int = 1):
    signed = Transaction(bytes([nonce]) * 32, b"raw", 10, 1, 0)
    return batches.make(batches.waiting(count), nonce, 100, signed)


def test_commits_reach_the_disk(store: Store) -> None:
    with store.read() as connection:
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


def test_two_relays_on_one_file_are_refused(store: Store, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="Another relay"):
        Store.open(str(tmp_path / "relay.db"))


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
    known = added(outbox, 1)
    fresh = Addition(b"\x02" * 32, 1, False, b"body", 2)
    with pytest.raises(StoreError):
        outbox.add([fresh, Addition(known, 1, False, b"body", 2)])
    assert outbox.known([known, fresh.digest]).keys() == {known}


def test_outcomes_are_written_in_the_order_of_the_batch(store: Store) -> None:
    outbox, batches = Outbox(store), Batches(store, SENDER)
    digests = [added(outbox, n, station=n) for n in (1, 2)]
    batch = in_batch(batches, nonce=5, count=2)
    assert {outcome.status for outcome in outbox.known(digests).values()} == {Status.SENT}
    outcomes = {
        batch.messages[0].id: Outcome(Status.SETTLED, None, b"\x05" * 32, 7),
        batch.messages[1].id: Outcome(Status.REJECTED, Reason.TOO_OLD, b"\x05" * 32, 7),
    }
    batches.settle(batch, Place(7, b"\x07" * 32), State.FINAL, outcomes)
    assert list(outbox.known(digests).values()) == list(outcomes.values())
    assert batches.in_state(State.SENT) == []
    assert batches.last_nonce() == 5


def test_rejection_that_may_pass_waits_for_an_earlier_message_of_its_station(store: Store) -> None:
    outbox, batches = Outbox(store), Batches(store, SENDER)
    opening, report = added(outbox, 1, opening=True), added(outbox, 2)
    first, second = in_batch(batches, nonce=1), in_batch(batches, nonce=2)
    batches.give_back([first])
    rejected = Outcome(Status.REJECTED, Reason.SESSION_NOT_OPEN, b"\x02" * 32, 7)
    place = Place(7, b"\x07" * 32)
    batches.settle(second, place, State.FINAL, {second.messages[0].id: rejected})
    assert [message.digest for message in batches.waiting(10)] == [opening, report]

    third = in_batch(batches, nonce=3, count=2)
    cleared = Outcome(Status.CLEARED, None, b"\x03" * 32, 8)
    ids = [message.id for message in third.messages]
    batches.settle(third, place, State.FINAL, {ids[0]: cleared, ids[1]: rejected})
    assert outbox.known([report])[report] == rejected


def test_batches_of_a_former_account_come_back(store: Store) -> None:
    outbox = Outbox(store)
    digest = added(outbox, 1)
    in_batch(Batches(store, "0x" + 40 * "b"), nonce=1)
    batches = Batches(store, SENDER)
    assert batches.give_back_of_others() == 1
    assert [message.digest for message in batches.waiting(10)] == [digest]


def test_batch_that_came_back_can_be_sent_as_it_was(store: Store) -> None:
    outbox, batches = Outbox(store), Batches(store, SENDER)
    added(outbox, 1)
    first = in_batch(batches, nonce=1)
    assert batches.give_back_from(1) == 1
    again = in_batch(batches, nonce=1)
    assert again.transactions == first.transactions
    assert [batch.id for batch in batches.in_state(State.SENT)] == [again.id]
