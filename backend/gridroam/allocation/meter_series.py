"""A meter's own quarter hours, as its grid operator reads them: from CSV into the index's database.

    start;import_wh;export_wh
    2026-11-25T10:00:00Z;1250;0

`start` is the slot's start (UTC, or with an offset), or `end` its end, as the market labels it.
Semicolons, commas or tabs between the columns. Whole watt-hours, both directions apart.
"""

import csv
import io
from collections.abc import Iterator

from gridroam.domain.slots import SLOT
from gridroam.errors import BrokenFileError, InvalidInputError
from gridroam.index.moments import moment
from gridroam.index.queries import Index
from gridroam.store import index_series

Row = tuple[int, int, int]
"""Slot's start, import and export in Wh."""
_MOST_WH = 1 << 47


def read_series(text: str) -> list[Row]:
    """Raises `BrokenFileError` with the row."""
    lines = text.lstrip("\ufeff").splitlines()
    if not lines:
        raise BrokenFileError("The series has no rows.", "Give start;import_wh;export_wh.")
    between = max(";,\t", key=lines[0].count)
    reader = csv.DictReader(io.StringIO("\n".join(lines)), delimiter=between)
    names = {name.strip().lower() for name in reader.fieldnames or ()}
    if not {"import_wh", "export_wh"} <= names or len(names & {"start", "end"}) != 1:
        raise BrokenFileError(
            f"The series has the columns {', '.join(sorted(names))}.",
            "It needs start (or end), import_wh and export_wh.",
        )
    try:
        rows = list(_rows(reader))
    except csv.Error as error:
        raise BrokenFileError(f"The series is no CSV ({error}).") from error
    if len({row[0] for row in rows}) != len(rows):
        raise BrokenFileError("A quarter hour stands in the series twice.")
    return rows


def _rows(reader: "csv.DictReader[str]") -> Iterator[Row]:
    for number, raw in enumerate(reader, 2):
        if None in raw:
            raise BrokenFileError(f"Row {number} of the series has more cells than columns.")
        row = {name.strip().lower(): (value or "").strip() for name, value in raw.items()}
        try:
            start = moment(row["start"]) if "start" in row else moment(row["end"]) - SLOT
            values = _watt_hours(row["import_wh"]), _watt_hours(row["export_wh"])
        except (ValueError, InvalidInputError) as error:
            raise BrokenFileError(f"Row {number} of the series cannot be read: {error}.") from error
        if start < 0 or start % SLOT or not all(value < _MOST_WH for value in values):
            raise BrokenFileError(
                f"Row {number} of the series is no quarter hour's: {row}.",
                "Slots are aligned, energy is not negative.",
            )
        yield start, *values


def _watt_hours(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise ValueError(f"{text[:40]!r} is no number of watt-hours")
    return int(text)


def put_series(index: Index, meter: bytes, rows: list[Row]) -> int:
    """Replaces what there was for these slots; gives how many. Raises `InvalidInputError` if there
    is no such meter."""
    with index.snapshot() as now:
        if now.meter(meter) is None:
            raise InvalidInputError(f"There is no meter 0x{meter.hex()}.")
    with index.store.write() as connection:
        return index_series.put_meter_series(connection, meter, rows)
