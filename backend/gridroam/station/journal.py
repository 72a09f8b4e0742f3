"""An append-only file of JSON lines, on the disk before `append` returns. Survives being killed
at any point; what was being written then is as if it had never been. What it holds is not its
business."""

import fcntl
import json
import os
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Any

from gridroam.errors import StoreError

Record = dict[str, Any]


class Journal:
    """The file of one owner, held by one process at a time."""

    def __init__(self, path: Path, owner: Record) -> None:
        self.path = path
        self._owner = owner
        try:
            with ExitStack() as stack:
                self._lock = stack.enter_context(_lock(path))
                self.records = self._read()
                self._file = path.open("ab")
                stack.pop_all()
        except BlockingIOError as error:
            raise StoreError(f"{path} is in use.", "Stop the other process first.") from error
        except OSError as error:
            raise StoreError(f"{path}: {error.strerror}.", "Choose a place to write to.") from error

    def append(self, *records: Record) -> None:
        self._file.write(b"".join(map(_line, records)))
        self._file.flush()
        os.fsync(self._file.fileno())

    def rewrite(self, *records: Record) -> None:
        """Replaces all records, at once or not at all."""
        self._file.close()
        self._replace(*records)
        self._file = self.path.open("ab")

    def close(self) -> None:
        self._file.close()
        self._lock.close()

    def _replace(self, *records: Record) -> None:
        fresh = self.path.with_name(self.path.name + ".new")
        with fresh.open("wb") as file:
            file.write(b"".join(map(_line, (self._owner, *records))))
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self.path)
        _sync_directory(self.path.parent)

    def _read(self) -> list[Record]:
        if not self.path.exists():
            self._replace()
        raw = self.path.read_bytes()
        whole = raw[: raw.rfind(b"\n") + 1]
        if len(whole) < len(raw):
            os.truncate(self.path, len(whole))
        owner, *records = (self._parse(row, line) for row, line in enumerate(whole.splitlines(), 1))
        if owner != self._owner:
            raise StoreError(f"{self.path} belongs to {owner}.", f"Expected {self._owner}.")
        return records

    def _parse(self, row: int, line: bytes) -> Record:
        try:
            return dict(json.loads(line))
        except ValueError as error:
            raise StoreError(
                f"{self.path}, line {row} is damaged.",
                "Restore the file; without it the station's numbers are lost.",
            ) from error


def _lock(path: Path) -> IO[bytes]:
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = path.with_name(path.name + ".lock").open("wb")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        lock.close()
        raise
    return lock


def _line(record: Record) -> bytes:
    return json.dumps(record, separators=(",", ":")).encode() + b"\n"


def _sync_directory(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
