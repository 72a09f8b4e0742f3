"""How far an audit got, in a file, so that the next one goes on from there.

The file says at which block it stands, with its hash: where the chain has another block there now,
an older file beside it is taken (`NAME.1`, `NAME.2`), or none. It also says by which rules it was
derived; other rules start over. It is as trustworthy as where it is kept: whoever can write it can
make up what was derived before; but reading it runs nothing that is in it.
"""

import hashlib
import json
import os
import pickle
import zlib
from collections import Counter, defaultdict, deque
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from io import BytesIO
from pathlib import Path
from typing import Any, cast

from gridroam.audit.entries import Block
from gridroam.audit.replay import Replay
from gridroam.audit.totals import Totals
from gridroam.errors import BrokenFileError

APART = 100
"""Blocks that an older file stands before a newer one, at least: as far as a reorganisation may
reach without the audit starting over."""
_FORMAT = "gridroam-audit-1"
_ROOMS = ("domain", "audit", "evidence")
_PLAIN = {"collections": (Counter, defaultdict, deque), "builtins": (set, frozenset)}
_OURS = ("gridroam.domain.", "gridroam.audit.")
_SINGLE = ("gridroam.messages",)


@dataclass(slots=True)
class Saved:
    """Everything up to a block was applied. `opening` are the totals before the block `since`."""

    block: Block
    replay: Replay
    since: int | None = None
    opening: Totals | None = None


class StateFile:
    """One file and the older ones beside it. `notes` say why one was not taken."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.notes: list[str] = []

    def save(self, saved: Saved) -> None:
        """Whole or not at all. Raises `BrokenFileError` where it cannot be written."""
        body = zlib.compress(pickle.dumps(saved, protocol=5), 1)
        head = _labels(saved.replay) | {
            "block": saved.block.number,
            "hash": saved.block.hash.hex(),
            "sha256": hashlib.sha256(body).hexdigest(),
        }
        beside = self._path.with_name(f"{self._path.name}.{os.getpid()}.new")
        try:
            with beside.open("wb") as file:
                file.write(json.dumps(head).encode() + b"\n" + body)
                file.flush()
                os.fsync(file.fileno())
            self._shift(saved.block.number)
            beside.replace(self._path)
        except OSError as error:
            raise BrokenFileError(f"{self._path} cannot be written: {error.strerror}.") from error

    def load(self, like: Replay) -> Iterator[Saved]:
        """The newest first; only of this ledger and these rules."""
        for path in self._files():
            try:
                yield _read(path, _labels(like))
            except FileNotFoundError:
                continue
            except (OSError, ValueError, KeyError) as error:
                self.notes.append(f"{path} is not taken: {error}")

    # ---------------------------------------------------------------------------------- Internal

    def _files(self) -> tuple[Path, Path, Path]:
        name = self._path.name
        return self._path, self._path.with_name(name + ".1"), self._path.with_name(name + ".2")

    def _shift(self, block: int) -> None:
        """An older file makes room only when it is far enough behind."""
        newest, older, oldest = self._files()
        if not newest.exists():
            return
        if not older.exists() or _block_of(older) <= block - APART:
            if older.exists():
                older.replace(oldest)
            newest.replace(older)


def _labels(replay: Replay) -> dict[str, Any]:
    return {
        "format": _FORMAT,
        "rules": rules(),
        "chain": replay.domain.chain_id,
        "ledger": replay.domain.ledger.lower(),
        "window": replay.window,
    }


@cache
def rules() -> str:
    """A digest of the code that derives, so that no state outlives its rules."""
    digest = hashlib.sha256()
    for room in _ROOMS:
        sources = [f for f in (files("gridroam") / room).iterdir() if f.name.endswith(".py")]
        for source in sorted(sources, key=lambda file: file.name):
            digest.update(source.name.encode() + source.read_bytes())
    return digest.hexdigest()


def _read(path: Path, labels: dict[str, Any]) -> Saved:
    with path.open("rb") as file:
        head, body = _head(file.readline()), file.read()
    for name, value in labels.items():
        if head.get(name) != value:
            raise ValueError(f"it is of another {name}")
    if hashlib.sha256(body).hexdigest() != head["sha256"]:
        raise ValueError("it is damaged")
    return cast("Saved", _Unpickler(BytesIO(zlib.decompress(body))).load())


def _head(line: bytes) -> dict[str, Any]:
    head = json.loads(line)
    if not isinstance(head, dict):
        raise ValueError("it is no state of an audit")  # noqa: TRY004
    return head


def _block_of(path: Path) -> int:
    try:
        with path.open("rb") as file:
            return int(_head(file.readline())["block"])
    except (ValueError, KeyError):
        return -1


class _Unpickler(pickle.Unpickler):
    """Makes objects of our own record classes and of plain collections; calls nothing else."""

    def find_class(self, module: str, name: str) -> Any:
        for plain in _PLAIN.get(module, ()):
            if plain.__name__ == name:
                return plain
        if "." not in name and (module.startswith(_OURS) or module in _SINGLE):
            found = super().find_class(module, name)
            if isinstance(found, type) and found.__module__ == module:
                return found
        raise ValueError(f"{module}.{name} does not belong into it")
