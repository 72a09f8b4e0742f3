"""Statements as files: CSV, JSON and Parquet with the same columns. Reading and writing stream."""

import csv
import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import fields
from pathlib import Path
from typing import IO, Any

from gridroam.errors import BrokenFileError, InvalidInputError
from gridroam.statements.lines import (
    AMOUNT_BITS,
    BITS,
    COLUMNS,
    FORMAT,
    SLOT_COLUMNS,
    Line,
    LineKind,
    SlotLine,
)

SUFFIXES = ("csv", "json", "parquet")
_ROWS = 5_000
"""Of a group in a Parquet file."""
_WIDE = frozenset({"amount", "unpaid", "balance"})
"""Integers that need more than 64 bits."""
_TYPES: dict[str, type] = {f.name: type(f.default) for f in fields(Line) if f.name != "slots"} | {
    "line": int,
    "kind": str,
}
_INTEGERS = tuple(name for name, kind in _TYPES.items() if kind is int)
_FLAGS = {"last", "even"}
_FORMULA = frozenset("=+-@\t\r'")
"""How a cell begins that a spreadsheet would reckon with; and the quote that takes that away."""
_WRITTEN = re.compile(r"-?[0-9]+")
_ADDRESS = re.compile(r"0x[0-9a-fA-F]{40}")


def write(path: Path, lines: Iterable[Line]) -> int:
    """By the file's suffix; gives the number of lines. Raises `InvalidInputError`."""
    kind = path.suffix.removeprefix(".")
    if kind == "parquet":
        return write_parquet(path, lines)
    if kind not in SUFFIXES:
        raise InvalidInputError(
            f"{path} has no suffix that says its format.", f"End it in one of {SUFFIXES}."
        )
    with path.open("w", encoding="utf-8", newline="") as file:
        return (write_csv if kind == "csv" else write_json)(file, lines)


def read(path: Path) -> Iterator[Line]:
    """By the file's suffix. Raises `BrokenFileError` with the line."""
    readers: dict[str, Callable[[Path], Iterator[dict[str, Any]]]] = {
        "csv": _read_csv,
        "json": _read_json,
        "parquet": _read_parquet,
    }
    reader = readers.get(path.suffix.removeprefix("."))
    if reader is None or not path.is_file():
        raise InvalidInputError(f"{path} is no statement.", f"It ends in one of {SUFFIXES}.")
    for number, row in enumerate(reader(path), 1):
        try:
            yield line_of(row)
        except (KeyError, TypeError, ValueError) as error:
            raise BrokenFileError(
                f"{path}, line {number} of the statement cannot be read ({error!r}).",
                "It has to have every column, with integers and hex digits.",
            ) from error


def dict_of(line: Line) -> dict[str, Any]:
    """All columns, plain."""
    row = {name: getattr(line, name) for name in COLUMNS[:-1]}
    slots = [{name: getattr(slot, name) for name in SLOT_COLUMNS} for slot in line.slots]
    return row | {"kind": line.kind.value, "slots": slots}


def line_of(row: dict[str, Any]) -> Line:
    """Raises `KeyError`, `TypeError` or `ValueError`."""
    if unknown := row.keys() - set(COLUMNS):
        raise KeyError(f"there is no column {min(map(str, unknown))}")
    values = {name: _value(_TYPES[name], row[name]) for name in COLUMNS[:-1]}
    for name in _INTEGERS:
        _check_width(name, values[name])
    if not _ADDRESS.fullmatch(values["ledger"]):
        raise ValueError("ledger is no address")
    values["kind"] = LineKind(values["kind"])
    slots = row["slots"] or []
    made = (json.loads(slots) if slots else []) if isinstance(slots, str) else slots
    return Line(**values, slots=tuple(_slot(slot) for slot in made))


def _slot(row: dict[str, Any]) -> SlotLine:
    return SlotLine(*(_value(bool if n in _FLAGS else int, row[n]) for n in SLOT_COLUMNS))


def _value(kind: type, value: Any) -> Any:
    if kind is str:
        return "" if value is None else str(value)
    if kind is bool:
        return value in (True, "true", "True", "1", 1)
    return integer(value)


def integer(value: Any) -> int:
    """Raises `ValueError` or `TypeError` for what is none, or is not written as one."""
    if isinstance(value, float):
        raise TypeError("a float is no amount")
    if isinstance(value, str) and not _WRITTEN.fullmatch(value):
        raise ValueError(f"{value[:80]!r} is no integer")
    return int(value)


def _check_width(name: str, value: int) -> None:
    least, most = (0, 1 << BITS[name]) if name in BITS else (-1 << AMOUNT_BITS, 1 << AMOUNT_BITS)
    if not least <= value < most:
        raise ValueError(f"{name} is out of range")


# -------------------------------------------------------------------------------------------- text


def write_csv(file: IO[str], lines: Iterable[Line]) -> int:
    writer = csv.writer(file)  # with \r\n, so that both are quoted within a cell
    writer.writerow(COLUMNS)
    count = 0
    for line in lines:
        row = dict_of(line)
        slots = json.dumps(row["slots"], separators=(",", ":")) if row["slots"] else ""
        writer.writerow([*(_cell(row[name]) for name in COLUMNS[:-1]), slots])
        count += 1
    return count


def _cell(value: Any) -> Any:
    """As a spreadsheet takes it for what it is: text that looks like a formula gets a quote."""
    if isinstance(value, bool):
        return int(value)
    return f"'{value}" if isinstance(value, str) and value[:1] in _FORMULA else value


def _of_cell(value: Any) -> Any:
    return value[1:] if isinstance(value, str) and value[:1] == "'" else value


def write_json(file: IO[str], lines: Iterable[Line]) -> int:
    """One object; each of its lines on a line of its own."""
    file.write(f'{{"format": "{FORMAT}", "lines": [')
    count = 0
    for count, line in enumerate(lines, 1):
        file.write(",\n" if count > 1 else "\n")
        file.write(json.dumps(dict_of(line), separators=(",", ":")))
    file.write("\n]}\n")
    return count


def _read_csv(path: Path) -> Iterator[dict[str, Any]]:
    csv.field_size_limit(1 << 24)
    with path.open(encoding="utf-8", newline="") as file:
        try:
            for row in csv.DictReader(file):
                yield {name: _of_cell(value) for name, value in row.items()}
        except (csv.Error, UnicodeDecodeError) as error:
            raise BrokenFileError(f"{path} is no statement in CSV ({error}).") from error


def _read_json(path: Path) -> Iterator[dict[str, Any]]:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        if document["format"] != FORMAT:
            raise BrokenFileError(f"{path} has the format {document['format']!r}.")
        yield from document["lines"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise BrokenFileError(f"{path} is no statement in JSON ({error}).") from error


# ----------------------------------------------------------------------------------------- Parquet


def write_parquet(where: Path | IO[bytes], lines: Iterable[Line]) -> int:
    import pyarrow as pa  # type: ignore[import-untyped]  # noqa: PLC0415  takes long
    from pyarrow import parquet  # noqa: PLC0415

    schema, count = _schema(pa), 0
    with parquet.ParquetWriter(where, schema, compression="zstd") as writer:
        for some in _groups(lines):
            rows = [dict_of(line) for line in some]
            writer.write_table(pa.Table.from_pylist(rows, schema=schema))
            count += len(rows)
    return count


def _schema(pa: Any) -> Any:
    plain = {int: pa.int64(), str: pa.string(), bool: pa.bool_()}
    columns = [
        (name, pa.decimal256(60, 0) if name in _WIDE else plain[_TYPES[name]])
        for name in COLUMNS[:-1]
    ]
    slot = pa.struct([(n, pa.bool_() if n in _FLAGS else pa.int64()) for n in SLOT_COLUMNS])
    return pa.schema([*columns, ("slots", pa.list_(slot))], metadata={"format": FORMAT})


def _groups(lines: Iterable[Line]) -> Iterator[list[Line]]:
    some: list[Line] = []
    for line in lines:
        some.append(line)
        if len(some) == _ROWS:
            yield some
            some = []
    if some:
        yield some


def _read_parquet(path: Path) -> Iterator[dict[str, Any]]:
    from pyarrow import ArrowException, parquet  # noqa: PLC0415

    try:
        with parquet.ParquetFile(path) as file:
            for batch in file.iter_batches(_ROWS):
                yield from batch.to_pylist()
    except ArrowException as error:
        raise BrokenFileError(f"{path} is no Parquet file ({error}).") from error
