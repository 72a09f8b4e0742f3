"""API keys for an operator's endpoints. A key is random and long (256 bits), so that one SHA-256 of
it can be kept instead, which tells nothing: a slow hash is for passwords that people choose.
"""

import hashlib
import hmac
import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass

from gridroam.errors import InvalidInputError

_PREFIX = "grk_"
_ENTRY = re.compile(r"([A-Za-z0-9._-]{1,40}):([0-9a-f]{64})")


@dataclass(frozen=True, slots=True)
class NewKey:
    """`key` is shown once; `entry` is what the service keeps."""

    key: str
    entry: str


def new_key(name: str) -> NewKey:
    """`name` says whose it is, in the logs; raises `InvalidInputError`."""
    key = _PREFIX + secrets.token_urlsafe(32)
    entry = f"{name}:{_hash(key).hex()}"
    _read(entry)
    return NewKey(key, entry)


class ApiKeys:
    """Raises `InvalidInputError` for an entry that is none, without repeating it."""

    def __init__(self, entries: Iterable[str]) -> None:
        self._hashes = [_read(entry) for entry in entries]

    def __bool__(self) -> bool:
        return bool(self._hashes)

    def owner(self, key: str) -> str | None:
        """Whose key it is. Takes as long for a wrong one as for a right one."""
        given, found = _hash(key), None
        for name, known in self._hashes:
            if hmac.compare_digest(given, known):
                found = name
        return found


def _read(entry: str) -> tuple[str, bytes]:
    match = _ENTRY.fullmatch(entry.strip())
    if match is None:
        raise InvalidInputError(
            "An entry of the API keys cannot be read.",
            "It is NAME:SHA256, as `gridroam key NAME` prints it.",
        )
    return match[1], bytes.fromhex(match[2])


def _hash(key: str) -> bytes:
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest()
