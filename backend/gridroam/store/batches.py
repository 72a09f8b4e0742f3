"""The outbox as a sender sees it: messages become batches, batches transactions, transactions
outcomes, or the messages come back.

A transaction is written down before it is sent, so that a process that dies in between finds it.
Every write first makes sure that the sending account is still leased to this process.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, bindparam, delete, func, insert, select, update

from gridroam.domain.delivery import Status
from gridroam.domain.reasons import Reason
from gridroam.store import claims
from gridroam.store.claims import WAITING, Queue, Waiting
from gridroam.store.engine import Store
from gridroam.store.models import batches, feed, is_in, messages, transactions
from gridroam.store.outbox import UNDER_WAY
from gridroam.store.outcome import STORED, Outcome
from gridroam.store.senders import UNFINISHED, Lease, guard

__all__ = ["Batch", "Batches", "Claim", "Place", "Queue", "State", "Transaction", "Waiting"]


class State(StrEnum):
    """Of a batch."""

    SENT = "sent"
    MINED = "mined"
    FINAL = "final"
    RETURNED = "returned"


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
    """`messages` in their order; `transactions` all have its nonce, the newest last. Times are UTC
    milliseconds."""

    id: int
    nonce: int
    gas: int
    state: State
    messages: tuple[Waiting, ...]
    transactions: tuple[Transaction, ...]
    made_at: int
    mined_at: int | None = None
    block: int | None = None
    block_hash: bytes | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """The block that a batch stands in."""

    block: int
    block_hash: bytes


class Claim:
    """Messages that are this sender's to send, as long as the claim is open."""

    def __init__(
        self, store: Store, connection: Connection, sender: str, waiting: Sequence[Waiting]
    ) -> None:
        self._store = store
        self._connection = connection
        self._sender = sender
        self.waiting = waiting

    def make(self, chosen: Sequence[Waiting], nonce: int, gas: int, signed: Transaction) -> Batch:
        """Puts some of them into a batch, in this order, with its first transaction."""
        values = {
            "sender": self._sender,
            "nonce": nonce,
            "gas": gas,
            "state": State.SENT.value,
            "made_at": signed.sent_at,
        }
        number: int = self._connection.execute(_NEW_BATCH, values).scalar_one()
        _add_transaction(self._connection, number, signed)
        places = [
            {"row": message.id, "to": number, "at": position, "now": Status.SENT.value}
            for position, message in enumerate(chosen)
        ]
        self._store.for_each(self._connection, _PUT_INTO_BATCH, places)
        return Batch(number, nonce, gas, State.SENT, tuple(chosen), (signed,), signed.sent_at)


class Batches:
    """Of one sending account, for the process that holds its lease. Every write raises
    `LeaseLostError` once it does not."""

    def __init__(self, store: Store, lease: Lease) -> None:
        self._store = store
        self._lease = lease
        self._sender = lease.address

    @contextmanager
    def _write(self) -> Iterator[Connection]:
        with self._store.write() as connection:
            guard(connection, self._lease)
            yield connection

    # ---------------------------------------------------------------------------------- Batching

    def queue(self, most: int) -> Queue:
        return claims.queue(self._store, most)

    @contextmanager
    def claim(self, most: int) -> Iterator[Claim]:
        """Up to `most` openings and the `most` oldest messages. One transaction: what is made
        of them is there when the block ends without an error."""
        with self._write() as connection:
            waiting = claims.lock(connection, self._sender, most)
            yield Claim(self._store, connection, self._sender, waiting)

    def add_transaction(self, batch: Batch, signed: Transaction) -> Batch:
        """Another transaction for the same nonce."""
        with self._write() as connection:
            _add_transaction(connection, batch.id, signed)
        return replace(batch, transactions=(*batch.transactions, signed))

    # ----------------------------------------------------------------------------------- Reading

    def in_state(self, state: State) -> list[Batch]:
        """Those in one that is not the end, with their transactions, by nonce."""
        query = (
            select(batches)
            .where(
                batches.c.sender == self._sender,
                batches.c.state == state.value,
                is_in(batches.c.state, *UNFINISHED),
            )
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
                    row.made_at,
                    row.mined_at,
                    row.block,
                    row.block_hash,
                )
                for row in rows
            ]

    def last_nonce(self, *, before: int | None = None) -> int | None:
        """The highest (before another) that is or was under way and has not come back."""
        query = select(func.max(batches.c.nonce)).where(
            batches.c.sender == self._sender, batches.c.state != State.RETURNED.value
        )
        if before is not None:
            query = query.where(batches.c.nonce < before)
        with self._store.read() as connection:
            found: int | None = connection.execute(query).scalar_one()
            return found

    def last_block(self) -> int:
        """The block that the last one mined stood in; 0 if none was."""
        query = (
            select(batches.c.block)
            .where(
                batches.c.sender == self._sender,
                batches.c.state != State.RETURNED.value,
                batches.c.block.is_not(None),
            )
            .order_by(batches.c.nonce.desc())
            .limit(1)
        )
        with self._store.read() as connection:
            return connection.execute(query).scalar_one_or_none() or 0

    # ---------------------------------------------------------------------------------- Outcomes

    def settle(
        self,
        batch: Batch,
        place: Place,
        state: State,
        outcomes: Mapping[int, Outcome],
        at: int,
    ) -> tuple[Batch, dict[int, Outcome]]:
        """Writes down what became of a batch's messages (by id), and gives both back.

        What was rejected only because an earlier message of its station came back to the outbox
        goes there too, behind it.
        """
        with self._write() as connection:
            decided = _reconsider(connection, batch.id, place.block, outcomes)
            position = _next_position(connection)
            for outcome, numbers in _alike(decided).items():
                values = _outcome_row(numbers, outcome, position, batch.id)
                connection.execute(_WRITE_OUTCOME, values)
            again = [i for i, o in decided.items() if o is STORED]
            if again:
                _leave_batch(connection, batch.id, again)
            found_at = {
                "number": batch.id,
                "to_state": state.value,
                "to_block": place.block,
                "to_hash": place.block_hash,
                "at": at,
                "finally": at if state is State.FINAL else None,
            }
            connection.execute(_PLACE, found_at)
            if state is State.FINAL:
                _forget_raw(connection, [batch.id])
            self._store.ring(connection, "decided")
        block, block_hash = place.block, place.block_hash
        stay = tuple(m for m in batch.messages if m.id not in again)
        placed = replace(
            batch, state=state, messages=stay, block=block, block_hash=block_hash, mined_at=at
        )
        return placed, decided

    def confirm(self, found: Sequence[Batch], at: int) -> None:
        """Batches that cannot vanish any more."""
        numbers = [batch.id for batch in found]
        values = {"state": State.FINAL.value, "final_at": at}
        with self._write() as connection:
            connection.execute(update(batches).where(batches.c.id.in_(numbers)).values(values))
            _forget_raw(connection, numbers)
            self._store.ring(connection, "final")

    def reopen(self, batch: Batch) -> Batch:
        """A batch whose block vanished is under way again."""
        values = {"state": State.SENT.value, **_NO_PLACE}
        with self._write() as connection:
            position = _next_position(connection)
            _revive(connection, [batch.id], position)
            connection.execute(
                update(messages)
                .where(messages.c.batch == batch.id)
                .values(status=Status.SENT.value, feed=position, **_NO_OUTCOME)
            )
            connection.execute(update(batches).where(batches.c.id == batch.id).values(values))
            self._store.ring(connection, "undone")
        return replace(batch, state=State.SENT, block=None, block_hash=None, mined_at=None)

    def refuse(self, batch: Batch, refused: Sequence[Waiting]) -> None:
        """Gives a batch back, but for messages that cannot be sent in any batch."""
        numbers = [message.id for message in refused]
        with self._write() as connection:
            _give_back(connection, [batch.id])
            connection.execute(
                update(messages)
                .where(messages.c.id.in_(numbers))
                .values(status=Status.REFUSED.value, feed=_next_position(connection))
            )
            self._store.ring(connection, "decided")

    # ------------------------------------------------------------------------------- Coming back

    def give_back(self, found: Sequence[Batch]) -> None:
        """The messages of these batches are as if they had never been sent."""
        with self._write() as connection:
            _give_back(connection, [batch.id for batch in found])

    def give_back_from(self, nonce: int) -> int:
        """The same for all batches from this nonce on; gives their number."""
        query = select(batches.c.id).where(
            batches.c.sender == self._sender,
            batches.c.state != State.RETURNED.value,
            batches.c.nonce >= nonce,
        )
        with self._write() as connection:
            found = list(connection.execute(query).scalars())
            _give_back(connection, found)
            self._store.ring(connection, "undone")
        return len(found)


_NO_OUTCOME: dict[str, Any] = {"reason": None, "tx_hash": None, "block": None}
_WAITS: dict[str, Any] = {
    "status": Status.STORED.value,
    "batch": None,
    "position": None,
    **_NO_OUTCOME,
}
_NO_PLACE: dict[str, Any] = dict.fromkeys(("block", "block_hash", "mined_at", "final_at"))

_NEW_BATCH = insert(batches).returning(batches.c.id)
_NEXT_POSITION = update(feed).values(last=feed.c.last + 1).returning(feed.c.last)
_PLACE = (
    update(batches)
    .where(batches.c.id == bindparam("number"))
    .values(
        state=bindparam("to_state"),
        block=bindparam("to_block"),
        block_hash=bindparam("to_hash"),
        mined_at=bindparam("at"),
        final_at=bindparam("finally"),
    )
)
_FORGET_TRANSACTION = delete(transactions).where(transactions.c.hash == bindparam("known"))
_FORGET_RAW = (
    update(transactions)
    .where(transactions.c.batch.in_(bindparam("numbers", expanding=True)))
    .values(raw=b"")
)

_PUT_INTO_BATCH = (
    update(messages)
    .where(messages.c.id == bindparam("row"))
    .values(batch=bindparam("to"), position=bindparam("at"), status=bindparam("now"))
)

_WRITE_OUTCOME = (
    update(messages)
    # one that has moved on to another batch has its outcome there
    .where(
        messages.c.id.in_(bindparam("rows", expanding=True)),
        messages.c.batch == bindparam("of_batch"),
    )
    .values(
        status=bindparam("to_status"),
        reason=bindparam("to_reason"),
        tx_hash=bindparam("to_tx"),
        block=bindparam("to_block"),
        feed=bindparam("to_feed"),
    )
)

_EARLIER = messages.alias("earlier")
_IN_OTHER_BATCH = _EARLIER.c.batch.is_distinct_from(bindparam("batch"))
_OF_NUMBERS = messages.c.id.in_(bindparam("numbers", expanding=True))
_BEHIND_WHAT_WAITS = (
    select(messages.c.id)
    .join(_EARLIER, (_EARLIER.c.station == messages.c.station) & (_EARLIER.c.id < messages.c.id))
    .where(_OF_NUMBERS, is_in(_EARLIER.c.status, *UNDER_WAY), _IN_OTHER_BATCH)
)
_LAST_BEFORE = (
    select(_EARLIER.c.block)
    .where(
        _EARLIER.c.station == messages.c.station,
        _EARLIER.c.stored_at <= messages.c.stored_at,
        _EARLIER.c.id < messages.c.id,
        _IN_OTHER_BATCH,
    )
    .order_by(_EARLIER.c.stored_at.desc(), _EARLIER.c.id.desc())
    .limit(1)
    .correlate(messages)
    .scalar_subquery()
)
_BEFORE_THEIR_TURN = select(messages.c.id).where(_OF_NUMBERS, bindparam("block") <= _LAST_BEFORE)


def _alike(outcomes: Mapping[int, Outcome]) -> Mapping[Outcome, list[int]]:
    """The messages with the same outcome, of which a batch has few."""
    found: defaultdict[Outcome, list[int]] = defaultdict(list)
    for number, outcome in outcomes.items():
        found[outcome].append(number)
    return found


def _outcome_row(
    numbers: Sequence[int], found: Outcome, position: int, batch: int
) -> dict[str, Any]:
    return {
        "rows": numbers,
        "of_batch": batch,
        "to_status": found.status.value,
        "to_reason": found.reason,
        "to_tx": found.tx_hash,
        "to_block": found.block,
        "to_feed": position,
    }


def _next_position(connection: Connection) -> int:
    """In the feed of outcomes."""
    found: int = connection.execute(_NEXT_POSITION).scalar_one()
    return found


def _leave_batch(connection: Connection, batch: int, numbers: Sequence[int]) -> None:
    """Those that are still in it."""
    mine = update(messages).where(messages.c.id.in_(numbers), messages.c.batch == batch)
    connection.execute(mine.values(batch=None, position=None))


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
    connection.execute(_FORGET_TRANSACTION, {"known": signed.hash})
    connection.execute(insert(transactions), values)


def _messages(connection: Connection, batch: int) -> tuple[Waiting, ...]:
    query = select(*WAITING).where(messages.c.batch == batch).order_by(messages.c.position)
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
    connection.execute(_FORGET_RAW, {"numbers": numbers})


def _reconsider(
    connection: Connection, batch: int, block: int, outcomes: Mapping[int, Outcome]
) -> dict[int, Outcome]:
    """Rejections that may pass later become `STORED` if an earlier message of the station was not
    before them on the chain: it is under way, or came in another batch at the same time or later.
    """
    passing = [i for i, o in outcomes.items() if o.reason is not None and o.reason.may_pass_later]
    if not passing:
        return dict(outcomes)
    of_batch = {"numbers": passing, "batch": batch}
    again = set(connection.execute(_BEHIND_WHAT_WAITS, of_batch).scalars())
    again |= set(connection.execute(_BEFORE_THEIR_TURN, {**of_batch, "block": block}).scalars())
    return {i: STORED if i in again else o for i, o in outcomes.items()}


def _give_back(connection: Connection, numbers: Sequence[int]) -> None:
    """What had an outcome shows up in the feed once more."""
    position = _next_position(connection)
    _revive(connection, numbers, position)
    mine = messages.c.batch.in_(numbers)
    decided = update(messages).where(mine, messages.c.status.not_in(UNDER_WAY))
    connection.execute(decided.values(feed=position, **_WAITS))
    connection.execute(update(messages).where(mine).values(_WAITS))
    connection.execute(
        update(batches)
        .where(batches.c.id.in_(numbers))
        .values(state=State.RETURNED.value, **_NO_PLACE)
    )


def _revive(connection: Connection, numbers: Sequence[int], position: int) -> None:
    """What the ledger rejected because something before it had vanished gets another chance."""
    first = select(messages.c.station, func.min(messages.c.id))
    rows = connection.execute(
        first.where(messages.c.batch.in_(numbers)).group_by(messages.c.station)
    )
    firsts = {station: number for station, number in rows}  # noqa: C416
    rejected = select(messages.c.id, messages.c.station).where(
        messages.c.station.in_(firsts),
        messages.c.status == Status.REJECTED.value,
        messages.c.reason.in_([reason for reason in Reason if reason.may_pass_later]),
    )
    found = [n for n, station in connection.execute(rejected) if n > firsts[station]]
    again = update(messages).where(messages.c.id.in_(found))
    connection.execute(again.values(feed=position, **_WAITS))
