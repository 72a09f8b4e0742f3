"""Keys and signatures of stations and vehicles, on either curve: secp256k1, as wallets have it, and
secp256r1 (P-256), which secure elements and the certificates of ISO 15118 hold.

A key is known by its address: the last 20 bytes of keccak256(x || y), on either curve. A signature
is r || s || v (65 bytes) or, with P-256, r || s || x || y (128 bytes). What counts as one here
counts as one on chain.
"""

from collections.abc import Callable
from enum import StrEnum
from functools import cached_property, lru_cache
from typing import Protocol, Self, TypeVar

from coincurve import PrivateKey, PublicKey, ecdsa
from coincurve._libsecp256k1 import ffi  # type: ignore[import-not-found]
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDSA,
    SECP256R1,
    EllipticCurvePrivateKey,
    EllipticCurvePublicNumbers,
    derive_private_key,
)
from cryptography.hazmat.primitives.asymmetric.utils import (
    Prehashed,
    decode_dss_signature,
    encode_dss_signature,
)
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from gridroam.domain.hashing import keccak
from gridroam.errors import InvalidInputError

T = TypeVar("T")

SIGNATURE_BYTES = 65
P256_SIGNATURE_BYTES = 128

_HALF_ORDER = 0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0
"""Of secp256k1."""
_HIGHEST_S = _HALF_ORDER.to_bytes(32, "big")
_PARITY = {27: b"\0", 28: b"\1"}
"""As coincurve has it, by v."""
_P256_FIELD = 2**256 - 2**224 + 2**192 + 2**96 - 1
_P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_CURVE, _SCHEME = SECP256R1(), ECDSA(Prehashed(SHA256()))  # 32 bytes that are hashed already


class KeyCurve(StrEnum):
    """That a key is on, by its name in the standards."""

    SECP256K1 = "secp256k1"
    SECP256R1 = "secp256r1"


class Signer(Protocol):
    """Whatever holds a private key: in memory, or in hardware that never gives it away."""

    @property
    def address(self) -> str:
        """Of its public key, in lower case."""

    def sign(self, digest: bytes) -> bytes:
        """Signs 32 bytes as they are."""


class Secp256k1Key:
    """A private key of 32 bytes, as wallets have it. Raises `InvalidInputError` if it is none."""

    def __init__(self, secret: bytes) -> None:
        self._key = _read(lambda: PrivateKey(secret))

    @cached_property
    def address(self) -> str:
        return address_of(self._key.public_key.format(compressed=False)[1:])

    def sign(self, digest: bytes) -> bytes:
        raw = self._key.sign_recoverable(digest, hasher=None)
        return raw[:64] + bytes([raw[64] + 27])


class P256Key:
    """A private key of secp256r1, in memory."""

    def __init__(self, key: EllipticCurvePrivateKey) -> None:
        if not isinstance(key.curve, SECP256R1):
            raise InvalidInputError(f"The key is on {key.curve.name}.", "It must be secp256r1.")
        self._key = key
        point = key.public_key().public_numbers()
        self._point = point.x.to_bytes(32, "big") + point.y.to_bytes(32, "big")
        self.address = address_of(self._point)

    @classmethod
    def from_secret(cls, secret: bytes) -> Self:
        """From 32 bytes; raises `InvalidInputError` if they are no key."""
        return cls(_read(lambda: derive_private_key(int.from_bytes(secret, "big"), _CURVE)))

    @classmethod
    def from_pem(cls, pem: bytes, password: bytes | None = None) -> Self:
        """From a PEM file, as openssl writes it; raises `InvalidInputError` if it holds no key."""
        key = _read(lambda: load_pem_private_key(pem, password))
        if not isinstance(key, EllipticCurvePrivateKey):
            raise InvalidInputError("The file holds another kind of key.", "It must be secp256r1.")
        return cls(key)

    def sign(self, digest: bytes) -> bytes:
        r, s = decode_dss_signature(self._key.sign(digest, _SCHEME))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big") + self._point


def key_on(curve: KeyCurve, secret: bytes) -> Signer:
    """A private key of 32 bytes."""
    return P256Key.from_secret(secret) if curve is KeyCurve.SECP256R1 else Secp256k1Key(secret)


def signer(key: bytes | Signer) -> Signer:
    """Bare bytes are a secp256k1 key."""
    return Secp256k1Key(key) if isinstance(key, bytes) else key


def recover(digest: bytes, signature: bytes) -> str | None:
    """The lower-case address of the key that signed; `None` if the signature is not one."""
    if len(signature) == SIGNATURE_BYTES:
        return _recover_secp256k1(digest, signature)
    if len(signature) == P256_SIGNATURE_BYTES:
        return _verify_p256(digest, signature)
    return None


def address_of(point: bytes) -> str:
    """The lower-case 0x address of a public key x || y."""
    return "0x" + keccak(point)[-20:].hex()


def _recover_secp256k1(digest: bytes, signature: bytes) -> str | None:
    """As on chain, s in the upper half is refused."""
    parity = _PARITY.get(signature[64])
    if parity is None or signature[32:64] > _HIGHEST_S:
        return None
    try:
        read = ecdsa.deserialize_recoverable(signature[:64] + parity)
        point = ecdsa.recover(digest, read, hasher=None)
    except Exception:  # noqa: BLE001  coincurve has no narrower one for what it cannot recover
        return None
    return _address_of_point(bytes(ffi.buffer(point)))


@lru_cache(maxsize=1 << 16)
def _address_of_point(point: bytes) -> str:
    """Of a public key as libsecp256k1 holds it. The same stations sign again and again: to know it
    is a tenth of what a signature takes."""
    public = PublicKey(ffi.from_buffer("secp256k1_pubkey *", point))
    return address_of(public.format(compressed=False)[1:])


def _verify_p256(digest: bytes, signature: bytes) -> str | None:
    """As P256VERIFY does (EIP-7951): s in either half; x and y below the field's order."""
    r, s, x, y = (int.from_bytes(signature[i : i + 32], "big") for i in range(0, 128, 32))
    if not (0 < r < _P256_ORDER and 0 < s < _P256_ORDER and x < _P256_FIELD and y < _P256_FIELD):
        return None
    try:
        public = EllipticCurvePublicNumbers(x, y, _CURVE).public_key()
        public.verify(encode_dss_signature(r, s), digest, _SCHEME)
    except (ValueError, InvalidSignature):
        return None
    return address_of(signature[64:])


def _read(make: Callable[[], T]) -> T:
    try:
        return make()
    except (ValueError, TypeError) as error:
        raise InvalidInputError(f"This is no private key: {error}.") from error
