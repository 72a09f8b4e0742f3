"""Records as plain values: for JSON, and flat for CSV. Bytes as 0x and hex digits, integers exact,
states and reasons by their names."""

import csv
import io
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import fields, is_dataclass
from enum import Enum
from functools import cache
from typing import Any, cast

from gridroam.domain.participants import Role
from gridroam.domain.reasons import Reason
from gridroam.domain.session import State
from gridroam.index.records import Kind, PaymentKind

_NAMED = (State, Kind, PaymentKind, Role)
_HIDDEN = frozenset({"levels"})
"""A tariff's map has 192 bits: it goes as text."""


def plain(value: Any) -> Any:
    """Properties of a record are told like its fields."""
    if isinstance(value, Enum):
        return _named(value)
    if isinstance(value, (bytes, bytearray)):
        return "0x" + bytes(value).hex()
    if isinstance(value, dict):
        return {_key(key): plain(one) for key, one in value.items()}
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        return plain(value._asdict())
    if isinstance(value, (list, tuple)):
        return [plain(one) for one in value]
    return _record(value) if is_dataclass(value) else value


def _named(value: Enum) -> Any:
    if isinstance(value, Reason):
        return value.slug if value else None
    return value.name.lower().replace("_", "-") if isinstance(value, _NAMED) else value.value


def _record(value: Any) -> dict[str, Any]:
    found = ((name, getattr(value, name)) for name in _names(cast("Hashable", type(value))))
    return {name.rstrip("_"): hex(one) if name in _HIDDEN else plain(one) for name, one in found}


def _key(key: Any) -> str:
    return key if isinstance(key, str) else str(plain(key))


@cache
def _names(cls: Any) -> tuple[str, ...]:
    named = tuple(field.name for field in fields(cls))
    properties = tuple(
        name
        for name in vars(cls)
        if not name.startswith("_") and isinstance(vars(cls)[name], property)
    )
    return (*named, *properties)


def csv_of(rows: Iterable[dict[str, Any]], columns: Sequence[str] = ()) -> str:
    """Nested objects become columns `outer.inner`; lists are counted."""
    flat = [_flat(row) for row in rows]
    names = list(columns) or list(dict.fromkeys(name for row in flat for name in row))
    file = io.StringIO()
    writer = csv.writer(file)  # with \r\n, so that both are quoted within a cell
    writer.writerow(names)
    for row in flat:
        writer.writerow([_cell(row.get(name)) for name in names])
    return file.getvalue()


def _flat(row: dict[str, Any], before: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in row.items():
        if isinstance(value, dict):
            found |= _flat(value, f"{before}{name}.")
        else:
            found[before + name] = len(value) if isinstance(value, list) else value
    return found


def _cell(value: Any) -> Any:
    if isinstance(value, bool):
        return int(value)
    # a spreadsheet would take these for formulas
    text = isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r")
    return f"'{value}" if text else value
