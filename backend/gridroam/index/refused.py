"""Which session a refused proof was about, and by which record: only what its sender says of it, in
the transaction's input, for nothing of it was proven."""

from collections.abc import Iterator
from hashlib import sha256
from typing import NamedTuple

from gridroam.chain.calldata import Place, calls_in, proofs_in
from gridroam.messages import OPENING_HEAD

_STORY, _RECORD = 0, 2
"""Of `ICorrections.Proof`."""
_OPENING = _MESSAGE = 0
"""Of `IStory.Story`, and of its opening."""


class Named(NamedTuple):
    """`record` is the SHA-256 of the meter's record."""

    station: int
    session: int
    record: bytes


def named(calldata: bytes, proof: int) -> Named | None:
    """What the proof with this index says; `None` if it cannot be read."""
    return next(_readings(calldata, proof), None)


def _readings(calldata: bytes, proof: int) -> Iterator[Named]:
    """In a call that another contract passes on, there may be several."""
    for asked in calls_in(calldata, direct=False):
        try:
            if asked.function == "proveAll":
                yield _read(proofs_in(asked)[proof])
        except (ValueError, IndexError):
            continue


def _read(proof: Place) -> Named:
    """Raises `ValueError`."""
    message = proof.inner(_STORY).inner(_OPENING).text(_MESSAGE)
    if len(message) != OPENING_HEAD:
        raise ValueError("its story begins with no opening")
    station, session = int.from_bytes(message[1:5], "big"), int.from_bytes(message[5:9], "big")
    return Named(station, session, sha256(proof.text(_RECORD)).digest())
