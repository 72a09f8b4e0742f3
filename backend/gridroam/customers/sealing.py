"""Encryption of one supplier's rows: AES-256-GCM with a fresh nonce each, bound to the place where
they stand, so that a row moved to another supplier or vehicle does not open."""

import hmac
import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from gridroam.errors import StoreError

_NONCE = 12
_KEY = 32


class Sealer:
    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(key)
        self._search = hmac.digest(key, b"gridroam: search", "sha256")

    def seal(self, plain: bytes, place: bytes) -> bytes:
        nonce = secrets.token_bytes(_NONCE)
        return nonce + self._cipher.encrypt(nonce, plain, place)

    def open(self, sealed: bytes, place: bytes) -> bytes:
        """Raises `StoreError` if it was sealed with another key, for another place, or changed."""
        try:
            return self._cipher.decrypt(sealed[:_NONCE], sealed[_NONCE:], place)
        except InvalidTag as error:
            raise StoreError(
                "Customers' data cannot be decrypted.",
                "The key is another one than it was stored with, or the file was changed.",
            ) from error

    def index(self, value: str) -> bytes:
        """By which an equal value is found without its standing there."""
        return hmac.digest(self._search, value.encode(), "sha256")


def new_data_key(master: bytes, participant: int) -> bytes:
    """A supplier's new key, sealed with the master key."""
    return Sealer(master).seal(secrets.token_bytes(_KEY), _key_place(participant))


def open_data_key(master: bytes, participant: int, sealed: bytes) -> Sealer:
    return Sealer(Sealer(master).open(sealed, _key_place(participant)))


def reseal_data_key(old: bytes, new: bytes, participant: int, sealed: bytes) -> bytes:
    """The same key under a new master key."""
    place = _key_place(participant)
    return Sealer(new).seal(Sealer(old).open(sealed, place), place)


def _key_place(participant: int) -> bytes:
    return b"gridroam data key %d" % participant
