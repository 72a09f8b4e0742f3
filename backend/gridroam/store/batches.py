"""The outbox as a sender sees it: messages become batches, batches transactions, transactions
outcomes, or the messages come back.

A transaction is written down before it is sent, so that a process that dies in between finds it.
Every write first makes sure that the sending account is still leased to this process.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, bindparam, delete, func, insert, select, update

from gridroam.domain.delivery import Status
from gridroam.store import claims, returns
from gridroam.store.batch import Batch, Place, State, Transaction
from gridroam.store.claims import WAITING, Queue, Waiting
from gridroam.store.engine import Store
from gridroam.store.models import batches, is_in, messages, transactions
from gridroam.store.outcome import STORED, Outcome
from gridroam.store.senders import UNFINISHED, Lease, guard

__all__ = ["Batch", "Batches", "Claim", "Place", "Queue", "State", "Transaction", "Waiting"]


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
            decided = returns.reconsider(connection, batch.id, place.block, outcomes)
            position = returns.next_position(connection)
            for outcome, numbers in _alike(decided).items():
                values = _outcome_row(numbers, outcome, position, batch.id)
                connection.execute(_WRITE_OUTCOME, values)
            again = [i for i, o in decided.items() if o is STORED]
            if again:
                returns.leave_batch(connection, batch.id, again)
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
        values = {"state": State.SENT.value, **returns.NO_PLACE}
        with self._write() as connection:
            position = returns.next_position(connection)
            returns.revive(connection, [batch.id], position)
            connection.execute(
                update(messages)
                .where(messages.c.batch == batch.id)
                .values(status=Status.SENT.value, feed=position, **returns.NO_OUTCOME)
            )
            connection.execute(update(batches).where(batches.c.id == batch.id).values(values))
            self._store.ring(connection, "undone")
        return replace(batch, state=State.SENT, block=None, block_hash=None, mined_at=None)

    def refuse(self, batch: Batch, refused: Sequence[Waiting]) -> None:
        """Gives a batch back, but for messages that cannot be sent in any batch."""
        numbers = [message.id for message in refused]
        with self._write() as connection:
            returns.give_back(connection, [batch.id])
            connection.execute(
                update(messages)
                .where(messages.c.id.in_(numbers))
                .values(status=Status.REFUSED.value, feed=returns.next_position(connection))
            )
            self._store.ring(connection, "decided")

    # ------------------------------------------------------------------------------- Coming back

    def give_back(self, found: Sequence[Batch]) -> None:
        """The messages of these batches are as if they had never been sent."""
        with self._write() as connection:
            returns.give_back(connection, [batch.id for batch in found])

    def give_back_from(self, nonce: int) -> int:
        """The same for all batches from this nonce on; gives their number."""
        query = select(batches.c.id).where(
            batches.c.sender == self._sender,
            batches.c.state != State.RETURNED.value,
            batches.c.nonce >= nonce,
        )
        with self._write() as connection:
            found = list(connection.execute(query).scalars())
            returns.give_back(connection, found)
            self._store.ring(connection, "undone")
        return len(found)


_NEW_BATCH = insert(batches).returning(batches.c.id)
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
