"""Reads files of charging sessions that happened: the project's own format, and the open data of
SAP Labs France in its original one. Knows nothing of stations on a ledger or of vehicles.

A row is broken if it cannot be read, if its times carry no UTC offset, if it ends before or when it
starts, if its energy is negative, or if it overlaps an earlier row on the same connector: one
connector charges one car. A session of zero energy is a session.
"""

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from gridroam.errors import BrokenFileError


@dataclass(frozen=True, slots=True)
class FileSession:
    """One session; `start` and `end` in UTC seconds, `energy` in Wh taken from the grid."""

    row: int
    transaction: str
    station: str
    connector: str
    start: int
    end: int
    energy: int

    @property
    def place(self) -> tuple[str, str]:
        return self.station, self.connector


@dataclass(frozen=True, slots=True)
class SkippedRow:
    """A row that a tolerant reading left out, counted as lines of the file from 1."""

    row: int
    reason: str


@dataclass(frozen=True, slots=True)
class _Format:
    delimiter: str
    columns: tuple[str, str, str, str, str, str]
    """Headings of transaction, station, connector, start, end and energy."""


OWN = _Format(",", ("transaction", "station", "connector", "start", "end", "energy_wh"))
SAP_LABS = _Format(
    ";",
    (
        "ID transaction",
        "ID borne",
        "ID connecteur borne",
        "Date demarrage",
        "Date fin",
        "Consommation totale (Wh)",
    ),
)


def read_sessions(path: Path) -> list[FileSession]:
    """All sessions by their start; raises `BrokenFileError` with the first broken row."""
    sessions, skipped = read_tolerantly(path)
    if skipped:
        first = min(skipped, key=lambda skip: skip.row)
        raise BrokenFileError(
            f"{path}, line {first.row}: {first.reason}", "Correct the row, or read tolerantly."
        )
    return sessions


def read_tolerantly(path: Path) -> tuple[list[FileSession], list[SkippedRow]]:
    """All sessions that can be right, by their start, and the rows that cannot, with reasons."""
    sessions: list[FileSession] = []
    skipped: list[SkippedRow] = []
    for row, fields in _rows(path):
        try:
            sessions.append(_session(row, fields))
        except ValueError as error:
            skipped.append(SkippedRow(row, str(error)))
    sessions.sort(key=lambda session: (session.start, session.row))
    kept = list(_without_overlaps(sessions, skipped))
    return kept, sorted(skipped, key=lambda skip: skip.row)


def _rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            form = _recognise(path, file.readline())
            file.seek(0)
            reader = csv.DictReader(file, delimiter=form.delimiter)
            for fields in reader:
                yield reader.line_num, _pick(form, fields)
    except OSError as error:
        raise BrokenFileError(f"{path} cannot be read: {error.strerror}.", "Check it.") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise BrokenFileError(f"{path} is no CSV in UTF-8: {error}.", "Save it as one.") from error


def _recognise(path: Path, heading: str) -> _Format:
    for form in (OWN, SAP_LABS):
        if set(form.columns) <= set(heading.strip().split(form.delimiter)):
            return form
    raise BrokenFileError(
        f"{path}, line 1: not the headings of a file of sessions.",
        f"Expected are {OWN.delimiter.join(OWN.columns)}.",
    )


def _pick(form: _Format, fields: Mapping[str, str | None]) -> list[str]:
    return [(fields[column] or "").strip() for column in form.columns]


def _session(row: int, fields: list[str]) -> FileSession:
    transaction, station, connector, start, end, energy = fields
    if not station or not connector:
        raise ValueError("no station or no connector.")
    session = FileSession(
        row, transaction, station, connector, _seconds(start), _seconds(end), _watt_hours(energy)
    )
    if session.end <= session.start:
        raise ValueError(f"ends at {end}, not after its start at {start}.")
    return session


def _seconds(text: str) -> int:
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"'{text}' is no time.") from None
    if time.tzinfo is None:
        raise ValueError(f"{text} has no UTC offset.")
    return int(time.timestamp())


def _watt_hours(text: str) -> int:
    if not text.isascii() or not text.isdigit():
        raise ValueError(f"'{text}' is no whole number of watt-hours.")
    return int(text)


def _without_overlaps(
    sessions: list[FileSession], skipped: list[SkippedRow]
) -> Iterator[FileSession]:
    """The earlier start wins; what is left out does not push others out."""
    running: dict[tuple[str, str], FileSession] = {}
    for session in sessions:
        before = running.get(session.place)
        if before is not None and session.start < before.end:
            reason = f"overlaps line {before.row} on the same connector."
            skipped.append(SkippedRow(session.row, reason))
            continue
        running[session.place] = session
        yield session
