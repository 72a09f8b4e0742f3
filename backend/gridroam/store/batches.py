"""The outbox as the sender sees it: messages become batches, batches transactions, transactions
outcomes, or the messages come back.

A transaction is written down before it is sent, so that a process that dies in between finds it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, bindparam, delete, func, insert, select, update

from gridroam.domain.delivery import Status
from gridroam.store.engine import Store
from gridroam.store.models import batches, messages, transactions
from gridroam.store.outbox import STORED, UNDER_WAY, Outcome


class State(StrEnum):
    """Of a batch."""

    SENT = "sent"
    MINED = "mined"
    FINAL = "final"
    RETURNED = "returned"


@dataclass(frozen=True, slots=True)
class Waiting:
    """A message that is in no transaction yet."""

    id: int
    digest: bytes
    station: int
    opening: bool
    body: bytes
    stored_at: int


@dataclass(frozen=True, slots=True)
class Transaction:
    """Signed. Fees in wei per gas, `sent_at` in UTC milliseconds."""

    hash: bytes
    raw: bytes
    max_fee: int
    tip: int
    sent_at: int


@dataclass(frozen=True, slots=True)
class Batch:
    """`messages` in their order; `transactions` all have its nonce, the newest last."""

    id: int
    nonce: int
    gas: int
    state: State
    messages: tuple[Waiting, ...]
    transactions: tuple[Transaction, ...]
    block: int | None = None
    block_hash: bytes | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """The block that a batch stands in."""

    block: int
    block_hash: bytes


class Batches:
    """Of one sending account."""

    def __init__(self, store: Store, sender: str) -> None:
        self._store = store
        self._sender = sender.lower()

    def waiting(self, limit: int) -> list[Waiting]:
        """The longest waiting first."""
        query = (
            select(*_WAITING)
            .where(messages.c.status == Status.STORED.value)
            .order_by(messages.c.id)
            .limit(limit)
        )
        with self._store.read() as connection:
            return [Waiting(*row) for row in connection.execute(query)]

    def make(self, chosen: Sequence[Waiting], nonce: int, gas: int, signed: Transaction) -> Batch:
        """Puts messages into a batch, in this order, with its first transaction."""
        with self._store.write() as connection:
            values = {
                "sender": self._sender,
                "nonce": nonce,
                "gas": gas,
                "state": State.SENT.value,
                "made_at": signed.sent_at,
            }
            number: int = connection.execute(
                insert(batches).values(values).returning(batches.c.id)
            ).scalar_one()
            _add_transaction(connection, number, signed)
            places = [
                {"row": message.id, "to": number, "at": position}
                for position, message in enumerate(chosen)
            ]
            connection.execute(_PUT_INTO_BATCH, places)
        return Batch(number, nonce, gas, State.SENT, tuple(chosen), (signed,))

    def add_transaction(self, batch: Batch, signed: Transaction) -> Batch:
        """Another transaction for the same nonce."""
        with self._store.write() as connection:
            _add_transaction(connection, batch.id, signed)
        return replace(batch, transactions=(*batch.transactions, signed))

    def in_state(self, state: State) -> list[Batch]:
        """With their transactions, by nonce."""
        query = (
            select(batches)
            .where(batches.c.sender == self._sender, batches.c.state == state.value)
            .order_by(batches.c.nonce)
        )
        with self._store.read() as connection:
            rows = connection.execute(query).all()
            return [
                Batch(
                    row.id,
                    row.nonce,
                    row.gas,
                    state,
                    _messages(connection, row.id),
                    _transactions(connection, row.id),
                    row.block,
                    row.block_hash,
                )
                for row in rows
            ]

    def last_nonce(self) -> int | None:
        """The highest that is or was under way and has not come back."""
        query = select(func.max(batches.c.nonce)).where(
            batches.c.sender == self._sender, batches.c.state != State.RETURNED.value
        )
        with self._store.read() as connection:
            found: int | None = connection.execute(query).scalar_one()
            return found

    def settle(
        self, batch: Batch, place: Place, state: State, outcomes: Mapping[int, Outcome]
    ) -> tuple[Batch, dict[int, Outcome]]:
        """Writes down what became of a batch's messages (by id), and gives both back.

        What was rejected only because an earlier message of its station came back to the outbox
        goes there too, behind it.
        """
        with self._store.write() as connection:
            decided = _reconsider(connection, batch.id, outcomes)
            connection.execute(_WRITE_OUTCOME, [_outcome_row(i, o) for i, o in decided.items()])
            values = {"state": state.value, "block": place.block, "block_hash": place.block_hash}
            connection.execute(update(batches).where(batches.c.id == batch.id).values(values))
            if state is State.FINAL:
                _forget_raw(connection, [batch.id])
        placed = replace(batch, state=state, block=place.block, block_hash=place.block_hash)
        return placed, decided

    def confirm(self, found: Sequence[Batch]) -> None:
        """Batches that cannot vanish any more."""
        numbers = [batch.id for batch in found]
        with self._store.write() as connection:
            connection.execute(
                update(batches).where(batches.c.id.in_(numbers)).values(state=State.FINAL.value)
            )
            _forget_raw(connection, numbers)

    def reopen(self, batch: Batch) -> Batch:
        """A batch whose block vanished is under way again."""
        with self._store.write() as connection:
            connection.execute(
                update(messages)
                .where(messages.c.batch == batch.id)
                .values(status=Status.SENT.value, **_NO_OUTCOME)
            )
            connection.execute(
                update(batches)
                .where(batches.c.id == batch.id)
                .values(state=State.SENT.value, block=None, block_hash=None)
            )
        return replace(batch, state=State.SENT, block=None, block_hash=None)

    def give_back(self, found: Sequence[Batch]) -> None:
        """The messages of these batches are as if they had never been sent."""
        with self._store.write() as connection:
            _give_back(connection, [batch.id for batch in found])

    def give_back_from(self, nonce: int) -> int:
        """The same for all batches from this nonce on; gives their number."""
        query = select(batches.c.id).where(
            batches.c.sender == self._sender,
            batches.c.state != State.RETURNED.value,
            batches.c.nonce >= nonce,
        )
        with self._store.write() as connection:
            found = list(connection.execute(query).scalars())
            _give_back(connection, found)
        return len(found)

    def give_back_of_others(self) -> int:
        """What another account had under way when it was replaced by this one."""
        query = select(batches.c.id).where(
            batches.c.sender != self._sender, batches.c.state == State.SENT.value
        )
        with self._store.write() as connection:
            found = list(connection.execute(query).scalars())
            _give_back(connection, found)
        return len(found)


_WAITING = (
    messages.c.id,
    messages.c.digest,
    messages.c.station,
    messages.c.opening,
    messages.c.body,
    messages.c.stored_at,
)

_NO_OUTCOME: dict[str, Any] = {"reason": None, "tx_hash": None, "block": None}

_PUT_INTO_BATCH = (
    update(messages)
    .where(messages.c.id == bindparam("row"))
    .values(batch=bindparam("to"), position=bindparam("at"), status=Status.SENT.value)
)

_WRITE_OUTCOME = (
    update(messages)
    .where(messages.c.id == bindparam("row"))
    .values(
        status=bindparam("to_status"),
        reason=bindparam("to_reason"),
        tx_hash=bindparam("to_tx"),
        block=bindparam("to_block"),
    )
)


def _outcome_row(number: int, found: Outcome) -> dict[str, Any]:
    return {
        "row": number,
        "to_status": found.status.value,
        "to_reason": found.reason,
        "to_tx": found.tx_hash,
        "to_block": found.block,
    }


def _add_transaction(connection: Connection, batch: int, signed: Transaction) -> None:
    values = {
        "hash": signed.hash,
        "batch": batch,
        "raw": signed.raw,
        "max_fee": signed.max_fee,
        "tip": signed.tip,
        "sent_at": signed.sent_at,
    }
    # the same bytes again, if a batch came back and is sent as it was
    connection.execute(delete(transactions).where(transactions.c.hash == signed.hash))
    connection.execute(insert(transactions).values(values))


def _messages(connection: Connection, batch: int) -> tuple[Waiting, ...]:
    query = select(*_WAITING).where(messages.c.batch == batch).order_by(messages.c.position)
    return tuple(Waiting(*row) for row in connection.execute(query))


def _transactions(connection: Connection, batch: int) -> tuple[Transaction, ...]:
    columns = (
        transactions.c.hash,
        transactions.c.raw,
        transactions.c.max_fee,
        transactions.c.tip,
        transactions.c.sent_at,
    )
    query = select(*columns).where(transactions.c.batch == batch).order_by(transactions.c.max_fee)
    return tuple(Transaction(*row) for row in connection.execute(query))


def _forget_raw(connection: Connection, numbers: Sequence[int]) -> None:
    connection.execute(
        update(transactions).where(transactions.c.batch.in_(numbers)).values(raw=b"")
    )


def _reconsider(
    connection: Connection, batch: int, outcomes: Mapping[int, Outcome]
) -> dict[int, Outcome]:
    """Rejections that may pass later become `STORED` while an earlier message of the station is
    under way."""
    passing = [i for i, o in outcomes.items() if o.reason is not None and o.reason.may_pass_later]
    if not passing:
        return dict(outcomes)
    earlier = messages.alias()
    query = (
        select(messages.c.id)
        .join(earlier, (earlier.c.station == messages.c.station) & (earlier.c.id < messages.c.id))
        .where(
            messages.c.id.in_(passing),
            earlier.c.status.in_(UNDER_WAY),
            earlier.c.batch.is_distinct_from(batch),
        )
    )
    again = set(connection.execute(query).scalars())
    return {i: STORED if i in again else o for i, o in outcomes.items()}


def _give_back(connection: Connection, numbers: Sequence[int]) -> None:
    connection.execute(
        update(messages)
        .where(messages.c.batch.in_(numbers))
        .values(status=Status.STORED.value, batch=None, position=None, **_NO_OUTCOME)
    )
    connection.execute(
        update(batches).where(batches.c.id.in_(numbers)).values(state=State.RETURNED.value)
    )
