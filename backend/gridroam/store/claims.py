"""What waits in the outbox, and how a sender claims it: rows are locked until they are in a batch,
and what another sender has locked is passed over, so that no two prepare the same send.

A station's messages are under way in one account's batches at a time, in their order: the ledger
would reject a report that overtakes its opening.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Select, and_, bindparam, func, not_, or_, select

from gridroam.domain.delivery import Status
from gridroam.store.engine import Store
from gridroam.store.models import batches, is_in, is_one_of, messages
from gridroam.store.outbox import UNDER_WAY


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
class Queue:
    """What waits, up to a number of messages: how many are openings, bytes of all, when the oldest
    was stored (UTC milliseconds)."""

    messages: int
    openings: int
    body_bytes: int
    oldest: int | None


WAITING = (
    messages.c.id,
    messages.c.digest,
    messages.c.station,
    messages.c.opening,
    messages.c.body,
    messages.c.stored_at,
)

_STORED = messages.c.status == Status.STORED.value


def _first(query: Select[*tuple[Any, ...]]) -> Select[*tuple[Any, ...]]:
    """The `most` of them that have waited longest."""
    return query.where(_STORED).order_by(messages.c.id).limit(bindparam("most"))


_HEADS = _first(
    select(
        messages.c.opening,
        func.length(messages.c.body).label("bytes"),
        messages.c.stored_at,
    )
).subquery()
_QUEUE = select(
    func.count(),
    func.count().filter(_HEADS.c.opening),
    func.coalesce(func.sum(_HEADS.c.bytes), 0),
    func.min(_HEADS.c.stored_at),
)
_OLDEST = _first(select(*WAITING)).with_for_update(skip_locked=True)
_OPENINGS = _first(select(*WAITING).where(messages.c.opening)).with_for_update(skip_locked=True)
_FIRST_ELSEWHERE = (
    select(messages.c.station, func.min(messages.c.id))
    .outerjoin(batches, messages.c.batch == batches.c.id)
    .where(
        is_in(messages.c.status, *UNDER_WAY),
        is_one_of(messages.c.station, "stations"),
        messages.c.id < bindparam("last"),
        or_(
            and_(_STORED, not_(is_one_of(messages.c.id, "mine"))),
            and_(messages.c.status == Status.SENT.value, batches.c.sender != bindparam("sender")),
        ),
    )
    .group_by(messages.c.station)
)


def queue(store: Store, most: int) -> Queue:
    """Of the `most` messages that have waited longest. Locks nothing."""
    with store.read() as connection:
        number, openings, size, since = connection.execute(_QUEUE, {"most": most}).one()
        return Queue(number, openings, int(size), since)


def lock(connection: Connection, sender: str, most: int) -> list[Waiting]:
    """Up to `most` openings and the `most` oldest messages, in order of arrival, that this sender
    may send now. They are nobody else's until the transaction ends."""
    oldest = _lock(connection, _OLDEST, most)
    # what is less than asked for is everything
    openings = _lock(connection, _OPENINGS, most) if len(oldest) == most else []
    found = sorted({m.id: m for m in (*openings, *oldest)}.values(), key=lambda m: m.id)
    return _without_overtaking(connection, sender, found)


def _lock(connection: Connection, query: Select[*tuple[Any, ...]], most: int) -> list[Waiting]:
    return [Waiting(*row) for row in connection.execute(query, {"most": most}).all()]


def _without_overtaking(
    connection: Connection, sender: str, locked: Sequence[Waiting]
) -> list[Waiting]:
    if not locked:
        return []
    behind = _first_elsewhere(connection, sender, locked)
    return [m for m in locked if m.station not in behind or m.id < behind[m.station]]


def _first_elsewhere(
    connection: Connection, sender: str, locked: Iterable[Waiting]
) -> dict[int, int]:
    """For each of these messages' stations its first that is under way, before the last of these,
    and neither one of them nor in a batch of this sender."""
    about = {
        "stations": list({message.station for message in locked}),
        "mine": [message.id for message in locked],
        "last": max(message.id for message in locked),
        "sender": sender,
    }
    return {row[0]: row[1] for row in connection.execute(_FIRST_ELSEWHERE, about)}
