"""Messages and their outcomes for those who read: by station and time, and as a feed from a
position on. Every page is found by an index, however many rows there are.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, select, tuple_

from gridroam.domain.delivery import Status
from gridroam.store.engine import Store
from gridroam.store.models import feed, is_in, messages
from gridroam.store.outcome import OUTCOME, Outcome, outcome_of


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """A place in the feed: after everything up to `feed`, and of that up to the message `id`."""

    feed: int
    id: int


@dataclass(frozen=True, slots=True, order=True)
class Arrived:
    """A place in the order of arrival: `stored_at` in UTC milliseconds, then `id`."""

    stored_at: int
    id: int


@dataclass(frozen=True, slots=True)
class Found:
    """`arrived` is its place in the list, `position` that in the feed, once there is an outcome."""

    arrived: Arrived
    digest: bytes
    station: int
    opening: bool
    body: bytes
    outcome: Outcome
    position: Position | None


class Search:
    def __init__(self, store: Store) -> None:
        self._store = store

    def messages(
        self,
        *,
        station: int | None = None,
        since: int | None = None,
        until: int | None = None,
        statuses: Sequence[Status] = (),
        before: Arrived | None = None,
        limit: int = 100,
    ) -> list[Found]:
        """The latest first. `since` (inclusive) and `until` (exclusive) bound the time of arrival,
        UTC milliseconds; `before` is where the last page ended."""
        columns = messages.c
        conditions: list[ColumnElement[bool]] = []
        if station is not None:
            conditions.append(columns.station == station)
        if since is not None:
            conditions.append(columns.stored_at >= since)
        if until is not None:
            conditions.append(columns.stored_at < until)
        if statuses:
            conditions.append(is_in(columns.status, *(status.value for status in statuses)))
        if before is not None:
            place = tuple_(columns.stored_at, columns.id)
            conditions.append(place < (before.stored_at, before.id))
        latest = columns.stored_at.desc(), columns.id.desc()
        return self._found(_SELECT.where(*conditions).order_by(*latest).limit(limit))

    def feed(self, after: Position, *, station: int | None = None, limit: int = 100) -> list[Found]:
        """Messages whose outcome has changed since a position, in the order of the changes. Each
        with its latest outcome only; one that was taken back is under way again."""
        place = tuple_(messages.c.feed, messages.c.id)
        query = _SELECT.where(messages.c.feed.is_not(None), place > (after.feed, after.id))
        if station is not None:
            query = query.where(messages.c.station == station)
        return self._found(query.order_by(messages.c.feed, messages.c.id).limit(limit))

    def rejected_since(self, position: Position) -> tuple[Position, set[int]]:
        """Stations of which something was rejected since then, and from where to look next."""
        end = self.end_of_feed()
        query = select(messages.c.station).where(
            messages.c.feed >= position.feed,
            messages.c.feed < end.feed,
            messages.c.status == Status.REJECTED.value,
        )
        with self._store.read() as connection:
            return end, set(connection.execute(query).scalars())

    def end_of_feed(self) -> Position:
        """After everything that has an outcome now."""
        with self._store.read() as connection:
            return Position(connection.execute(select(feed.c.last)).scalar_one() + 1, 0)

    def _found(self, query: Select[*tuple[Any, ...]]) -> list[Found]:
        with self._store.read() as connection:
            return [_found(row) for row in connection.execute(query).all()]


_SELECT = select(
    messages.c.id,
    messages.c.digest,
    messages.c.station,
    messages.c.opening,
    messages.c.body,
    messages.c.feed,
    *OUTCOME.columns,
).select_from(OUTCOME.tables)


def _found(row: Row[*tuple[Any, ...]]) -> Found:
    position = None if row.feed is None else Position(row.feed, row.id)
    arrived = Arrived(row.stored_at, row.id)
    return Found(arrived, row.digest, row.station, row.opening, row.body, outcome_of(row), position)
