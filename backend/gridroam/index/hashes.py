"""Hashes as people write them: of vehicles, meters, messages."""

import re

from gridroam.errors import InvalidInputError

_WRITTEN = re.compile(r"(?:0x)?([0-9a-fA-F]{64})")


def hash_of(text: str, what: str) -> bytes:
    """The 32 bytes. Raises `InvalidInputError`."""
    found = _WRITTEN.fullmatch(text)
    if found is None:
        raise InvalidInputError(
            f"{text[:80]!r} is no {what}.", "Give its hash: 0x and 64 hexadecimal digits."
        )
    return bytes.fromhex(found[1])
