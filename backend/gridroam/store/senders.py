"""Sending accounts as the relays share them: each is leased to one process at a time.

A lease is a row with a time in it. Whoever holds it says so again before the time is over; when it
does not, another takes the account over, and the row's `epoch` grows. Every write of a sender names
its epoch (`guard`), so that a process that was only asleep finds its lease gone before it can do
harm, however wrong its clock is.
"""

from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import ColumnElement, Connection, bindparam, func, select, true, update

from gridroam.errors import LeaseLostError
from gridroam.store.engine import Store
from gridroam.store.models import batches, is_in, senders

UNFINISHED = ("sent", "mined")
_GUARD = (
    select(senders.c.epoch)
    .where(senders.c.address == bindparam("of"), senders.c.epoch == bindparam("at"))
    .with_for_update()
)


@dataclass(frozen=True, slots=True)
class Lease:
    """`address` in lower case."""

    address: str
    epoch: int


class Funds(StrEnum):
    """Whether an account can pay."""

    OK = "ok"
    LOW = "low"
    """for a while yet"""
    EMPTY = "empty"
    """not for another batch"""


@dataclass(frozen=True, slots=True)
class SenderState:
    """An account as its holder last described it: `balance` in wei. `held` is whether the lease is
    good now."""

    address: str
    holder: str
    held: bool
    balance: int | None
    funds: Funds | None


class Senders:
    def __init__(self, store: Store) -> None:
        self._store = store

    def acquire(self, address: str, holder: str, seconds: float) -> Lease | None:
        """The account for so long, if it is free, or was `holder`'s already; else `None`."""
        key = address.lower()
        with self._store.write() as connection:
            now = self._store.now(connection)
            row = {"address": key, "holder": holder, "epoch": 0, "until": 0}
            connection.execute(self._store.insert_new(senders).values(row))
            free = (senders.c.until <= now) | (senders.c.holder == holder)
            taken = connection.execute(
                update(senders)
                # a file has one relay, so that a lease in it is one of a process that is dead
                .where(senders.c.address == key, free if self._store.is_shared else true())
                .values(holder=holder, epoch=senders.c.epoch + 1, until=now + _ms(seconds))
                .returning(senders.c.epoch)
            ).scalar_one_or_none()
        return None if taken is None else Lease(key, taken)

    def renew(self, lease: Lease, seconds: float) -> None:
        """Raises `LeaseLostError` if it is another's."""
        with self._store.write() as connection:
            until = self._store.now(connection) + _ms(seconds)
            guard(connection, lease)
            connection.execute(
                update(senders).where(senders.c.address == lease.address).values(until=until)
            )

    def release(self, lease: Lease) -> None:
        """The next may take it at once."""
        with self._store.write() as connection:
            connection.execute(update(senders).where(_is(lease)).values(until=0))

    def describe(self, lease: Lease, balance: int, funds: Funds) -> None:
        with self._store.write() as connection:
            guard(connection, lease)
            values = {"balance": str(balance), "funds": funds.value}
            connection.execute(update(senders).where(_is(lease)).values(values))

    def all(self) -> list[SenderState]:
        """Every account that ever sent from this database, by address."""
        with self._store.read() as connection:
            now = self._store.now(connection)
            rows = connection.execute(select(senders).order_by(senders.c.address)).all()
        return [
            SenderState(
                row.address,
                row.holder,
                row.until > now,
                None if row.balance is None else int(row.balance),
                None if row.funds is None else Funds(row.funds),
            )
            for row in rows
        ]

    def orphans(self, quiet_seconds: float) -> list[str]:
        """Accounts with batches under way that nobody has held for so long; in a file, of which
        nobody else is there, at once."""
        unfinished = select(batches.c.sender).distinct().where(is_in(batches.c.state, *UNFINISHED))
        with self._store.read() as connection:
            found = set(connection.execute(unfinished).scalars())
            quiet = self._store.now(connection) - _ms(quiet_seconds)
            recent = select(senders.c.address).where(senders.c.until > quiet)
            held = set(connection.execute(recent).scalars()) if self._store.is_shared else set()
        return sorted(found - held)

    def number_held(self) -> int:
        """Accounts that somebody sends from now."""
        with self._store.read() as connection:
            now = self._store.now(connection)
            query = select(func.count()).select_from(senders).where(senders.c.until > now)
            return connection.execute(query).scalar_one()


def guard(connection: Connection, lease: Lease) -> None:
    """Holds the lease until the transaction ends; raises `LeaseLostError` if it is another's."""
    found = connection.execute(_GUARD, {"of": lease.address, "at": lease.epoch})
    if found.one_or_none() is None:
        raise LeaseLostError(f"Another process sends from {lease.address} now.")


def _is(lease: Lease) -> ColumnElement[bool]:
    return (senders.c.address == lease.address) & (senders.c.epoch == lease.epoch)


def _ms(seconds: float) -> int:
    return int(seconds * 1000)
