"""The outbox as the intake sees it: what is known of a message, what waits, what is added.

How messages leave it is in `batches`, how they are searched in `search`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import bindparam, delete, func, select, update

from gridroam.domain.delivery import Status
from gridroam.errors import StoreError
from gridroam.store.engine import Store
from gridroam.store.models import home, is_in, is_one_of, messages
from gridroam.store.outcome import OUTCOME, STORED, Outcome, outcome_of

UNDER_WAY = (Status.STORED.value, Status.SENT.value)


@dataclass(frozen=True, slots=True)
class Addition:
    """A message to keep. `body` is the wire format, `stored_at` UTC milliseconds."""

    digest: bytes
    station: int
    opening: bool
    body: bytes
    stored_at: int
    outcome: Outcome = STORED


@dataclass(frozen=True, slots=True)
class Counts:
    """Messages under way; `oldest` is when the longest waiting one was stored, or `None`."""

    stored: int
    sent: int
    oldest: int | None = None


class Outbox:
    def __init__(self, store: Store) -> None:
        self._store = store
        self._addition = store.insert_new(messages)

    def claim(self, chain_id: int, ledger: str) -> None:
        """Makes the database that ledger's; raises `StoreError` if it is another's."""
        with self._store.write() as connection:
            values = {"id": 1, "chain_id": chain_id, "ledger": ledger, "probed": 0}
            connection.execute(self._store.insert_new(home).values(values))
            row = connection.execute(select(home)).one()
            if (row.chain_id, row.ledger) != (chain_id, ledger):
                raise StoreError(
                    f"The database is for the ledger {row.ledger} on chain {row.chain_id}.",
                    "Use another database for this ledger.",
                )

    def probe(self) -> None:
        """Raises `StoreError` unless the database can be written."""
        with self._store.write() as connection:
            connection.execute(update(home).values(probed=home.c.probed + 1))

    def known(self, digests: Sequence[bytes]) -> dict[bytes, Outcome]:
        with self._store.read() as connection:
            rows = connection.execute(_KNOWN, {"digests": digests}).all()
            return {row.digest: outcome_of(row) for row in rows}

    def under_way(self, stations: Iterable[int]) -> dict[int, list[bytes]]:
        """The bodies of messages that are not final, for each station in their order."""
        found: dict[int, list[bytes]] = {}
        with self._store.read() as connection:
            for station, body in connection.execute(_UNDER_WAY, {"stations": list(stations)}):
                found.setdefault(station, []).append(body)
        return found

    def add(self, additions: Sequence[Addition], again: Sequence[bytes] = ()) -> None:
        """Keeps messages in their order, all or none. `again` are digests of former deliveries that
        were rejected and now start anew.

        What another relay has stored in the meantime stays as it is: it is the same message.
        """
        with self._store.write() as connection:
            if again:
                connection.execute(delete(messages).where(messages.c.digest.in_(again), _ENDED))
            if additions:
                rows = [_row(addition) for addition in additions]
                self._store.for_each(connection, self._addition, rows)
                self._store.ring(connection, "stored")

    def counts(self) -> Counts:
        with self._store.read() as connection:
            rows = connection.execute(_COUNTS).all()
        number = {row.status: row.number for row in rows}
        oldest = min((row.oldest for row in rows), default=None)
        return Counts(number.get("stored", 0), number.get("sent", 0), oldest)


_KNOWN = (
    select(messages.c.digest, *OUTCOME.columns)
    .select_from(OUTCOME.tables)
    .where(messages.c.digest.in_(bindparam("digests", expanding=True)))
)
_UNDER_WAY = (
    select(messages.c.station, messages.c.body)
    .where(
        is_in(messages.c.status, *UNDER_WAY),
        is_one_of(messages.c.station, "stations"),
    )
    .order_by(messages.c.station, messages.c.id)
)
_COUNTS = (
    select(
        messages.c.status,
        func.count().label("number"),
        func.min(messages.c.stored_at).label("oldest"),
    )
    .where(is_in(messages.c.status, *UNDER_WAY))
    .group_by(messages.c.status)
)
_ENDED = messages.c.status.in_([Status.REJECTED.value, Status.REFUSED.value])


def _row(addition: Addition) -> dict[str, Any]:
    known = addition.outcome
    return {
        "digest": addition.digest,
        "station": addition.station,
        "opening": addition.opening,
        "body": addition.body,
        "stored_at": addition.stored_at,
        "status": known.status.value,
        "reason": known.reason,
        "tx_hash": known.tx_hash,
        "block": known.block,
    }
