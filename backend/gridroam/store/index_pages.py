"""Pages of a long answer: rows after a place in an order, and the place of the last one as text."""

import base64
import json
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Connection, Select, tuple_

from gridroam.errors import InvalidInputError
from gridroam.index.records import Page

T = TypeVar("T")


def page(
    connection: Connection,
    query: Select[Any],
    order: Sequence[ColumnElement[Any]],
    make: Callable[[Any], T],
    *,
    limit: int,
    after: str | None = None,
    descending: bool = False,
) -> Page[T]:
    """The rows of a query behind `after`. `order` names one row uniquely."""
    if after is not None:
        place = read_place(after, len(order))
        row, key = tuple_(*order), tuple_(*place)
        query = query.where(row < key if descending else row > key)
    ordered = [column.desc() if descending else column.asc() for column in order]
    places = [column.label(f"place_{number}") for number, column in enumerate(order)]
    found = connection.execute(query.add_columns(*places).order_by(*ordered).limit(limit + 1)).all()
    some = found[:limit]
    more = write_place(some[-1][-len(order) :]) if len(found) > limit and some else None
    return Page(tuple(make(row) for row in some), more)


def write_place(values: Sequence[Any]) -> str:
    plain = [value.hex() if isinstance(value, bytes) else int(value) for value in values]
    return base64.urlsafe_b64encode(json.dumps(plain).encode()).decode().rstrip("=")


def read_place(text: str, count: int) -> list[Any]:
    """Raises `InvalidInputError` if it is none of ours."""
    try:
        padded = text + "=" * (-len(text) % 4)
        values = json.loads(base64.urlsafe_b64decode(padded.encode()))
        by_place = dict(zip(range(count), values, strict=True))
        return [bytes.fromhex(v) if isinstance(v, str) else _number(v) for v in by_place.values()]
    except (ValueError, TypeError, RecursionError) as error:
        raise InvalidInputError(
            "The cursor is none of this list.", "Take it from the answer before, unchanged."
        ) from error


def _number(value: Any) -> int:
    if not isinstance(value, int) or not -(1 << 63) <= value < 1 << 63:
        raise ValueError("no database has it")
    return value
