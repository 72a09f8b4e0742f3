"""What signs a sender's transactions. The key may be here (`LocalSigner`) or in a box that gives
nothing away but signatures: whatever has an address and signs 32 bytes can be a `Signer`.
"""

from dataclasses import dataclass
from typing import Protocol

from coincurve import PrivateKey, PublicKey
from eth_utils.address import to_checksum_address

from gridroam.signatures import address_of

_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141


class Signer(Protocol):
    """Safe to use in several threads."""

    @property
    def address(self) -> str:
        """With a checksum."""

    def sign(self, digest: bytes) -> bytes:
        """r || s || parity (0 or 1), 65 bytes, with s in the lower half of the curve's order."""


class LocalSigner:
    """A private key in this process. Never shows it."""

    def __init__(self, key: bytes) -> None:
        self._key = PrivateKey(key)
        point = self._key.public_key.format(compressed=False)[1:]
        self._address = to_checksum_address(address_of(point))

    @property
    def address(self) -> str:
        return self._address

    def sign(self, digest: bytes) -> bytes:
        return self._key.sign_recoverable(digest, hasher=None)


@dataclass(frozen=True)
class Nobody:
    """For who only asks, or looks after an account whose key is not here: an address alone."""

    address: str = "0x0000000000000000000000000000000000000000"

    def sign(self, digest: bytes) -> bytes:
        raise ValueError(f"Nobody can sign 0x{digest.hex()}.")


def complete(digest: bytes, r: int, s: int, address: str) -> bytes:
    """What `Signer.sign` returns, from the (r, s) that a key service gives: they leave out the
    parity, and do not care in which half s is. Raises `ValueError` if another key signed."""
    low = min(s, _ORDER - s)
    pair = r.to_bytes(32) + low.to_bytes(32)
    for parity in (b"\0", b"\1"):
        signature = pair + parity
        public = PublicKey.from_signature_and_message(signature, digest, hasher=None)
        if address_of(public.format(compressed=False)[1:]) == address.lower():
            return signature
    raise ValueError(f"The signature is not that of {address}.")
