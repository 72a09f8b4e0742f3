"""Meters' records (OCMF) as they were printed: found in a file, taken apart, verified.

Nothing is written anew: what is signed are the bytes of the payload exactly as they stand. Format:
OCMF 1.x of S.A.F.E. e.V. What the contracts make of a record stands in docs/evidence.md.
"""

import json
import re
from base64 import b64decode
from binascii import Error as Base64Error
from dataclasses import dataclass
from hashlib import sha256
from html import unescape
from typing import Any, NamedTuple

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import (
    decode_dss_signature,
    encode_dss_signature,
)
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key

from gridroam.domain.hashing import keccak
from gridroam.errors import BrokenFileError, InvalidInputError

HEAD = "OCMF|"
CURVES: dict[str, ec.EllipticCurve] = {
    "secp192r1": ec.SECP192R1(),
    "secp256k1": ec.SECP256K1(),
    "secp256r1": ec.SECP256R1(),
    "secp384r1": ec.SECP384R1(),
    "brainpoolp256r1": ec.BrainpoolP256R1(),
    "brainpoolp384r1": ec.BrainpoolP384R1(),
}
ON_CHAIN = {"secp256k1": 1, "secp256r1": 2}
"""Curves that the contracts verify, as `IRegistry.MeterKey` numbers them."""


class MeterKey(NamedTuple):
    """What `Registry.setMeterKey` takes."""

    curve: int
    x: bytes
    y: bytes
    serial: bytes


@dataclass(frozen=True, slots=True)
class MeterRecord:
    """One record. `curve` is in lower case; r and s are those of the record's signature."""

    text: str
    payload: str
    curve: str
    r: int
    s: int
    key: str = ""
    """The public key that the file gives with it, if it does."""

    @property
    def fields(self) -> dict[str, Any]:
        return dict(json.loads(self.payload))

    @property
    def serial(self) -> str:
        """The meter's serial number, or the gateway's where that is missing or empty."""
        fields = self.fields
        return str(fields.get("MS") or fields.get("GS") or "")

    def is_signed_by(self, key: ec.EllipticCurvePublicKey) -> bool:
        """Off chain, on any curve that the library has."""
        if key.curve.name.lower() != CURVES[self.curve].name.lower():
            return False
        try:
            key.verify(
                encode_dss_signature(self.r, self.s), self.payload.encode(), ec.ECDSA(SHA256())
            )
        except (InvalidSignature, UnsupportedAlgorithm):
            return False
        return True


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a station's last report refers to: one record, or the one of the beginning and the one
    of the end, the second directly after the first."""

    records: tuple[MeterRecord, ...]

    @property
    def text(self) -> bytes:
        return "".join(record.text for record in self.records).encode()

    @property
    def digest(self) -> bytes:
        """SHA-256, which the report has as its evidence."""
        return sha256(self.text).digest()

    @property
    def second(self) -> int:
        """Where the second record begins, 0 if there is none."""
        return len(self.records[0].text.encode()) if len(self.records) > 1 else 0

    @property
    def signatures(self) -> bytes:
        """r and s of each record. Raises `InvalidInputError` where they are longer than the
        contracts' curves have them."""
        return b"".join(_word(n) for record in self.records for n in (record.r, record.s))


def read(text: str) -> list[MeterRecord]:
    """All records in a text or in an XML file of the S.A.F.E. transparency software, in order.

    Raises `BrokenFileError` if there is none, or one that is no record.
    """
    found: list[MeterRecord] = []
    values = re.findall(r"<value\b.*?</value>", text, re.DOTALL)
    for value in values or [text]:
        key = re.search(r"<publicKey[^>]*>(.*?)</publicKey>", value, re.DOTALL)
        body = unescape(value) if values else value
        found += _records(body, "".join(key[1].split()) if key else "")
    if not found:
        raise BrokenFileError("There is no OCMF record in it.", f"A record begins with {HEAD}")
    return found


def _records(text: str, key: str) -> list[MeterRecord]:
    found = []
    start = text.find(HEAD)
    while start >= 0:
        record, end = _record(text, start, key)
        found.append(record)
        start = text.find(HEAD, end)
    return found


def _record(text: str, start: int, key: str) -> tuple[MeterRecord, int]:
    decoder = json.JSONDecoder()
    begin = start + len(HEAD)
    try:
        _, middle = decoder.raw_decode(text, begin)
        signature, end = decoder.raw_decode(text, text.index("|", middle) + 1)
        r, s = _signature(signature)
    except (ValueError, KeyError, TypeError) as error:
        raise BrokenFileError(f"The record at {start} cannot be read: {error}.") from error
    algorithm = str(signature.get("SA", "ECDSA-secp256r1-SHA256"))
    curve = algorithm.split("-")[1].lower() if algorithm.count("-") == 2 else algorithm
    return MeterRecord(text[start:end], text[begin:middle], curve, r, s, key), end


def _signature(signature: dict[str, Any]) -> tuple[int, int]:
    data = signature["SD"]
    raw = b64decode(data) if signature.get("SE") == "base64" else bytes.fromhex(data)
    try:
        return decode_dss_signature(raw)
    except ValueError:
        # some meters print r and s, one after the other
        half = len(raw) // 2
        return int.from_bytes(raw[:half], "big"), int.from_bytes(raw[half:], "big")


def public_key(text: str, curve: str) -> ec.EllipticCurvePublicKey:
    """A key as meters and their papers print it: SPKI in hexadecimal or base64, or x and y.

    Raises `InvalidInputError`.
    """
    compact = "".join(text.split())
    try:
        raw = bytes.fromhex(compact)
    except ValueError:
        raw = _base64(compact)
    try:
        if raw[:1] == b"\x30":
            found = load_der_public_key(raw)
        else:
            point = raw if len(raw) % 2 else b"\x04" + raw
            found = ec.EllipticCurvePublicKey.from_encoded_point(CURVES[curve], point)
    except (ValueError, KeyError, UnsupportedAlgorithm) as error:
        raise InvalidInputError(f"That is no public key: {error}.") from error
    if not isinstance(found, ec.EllipticCurvePublicKey):
        raise InvalidInputError("That key is not of an elliptic curve.")
    return found


def meter_key(key: ec.EllipticCurvePublicKey, serial: str) -> MeterKey:
    """For the registry. Raises `InvalidInputError` on a curve that the contracts do not verify."""
    curve = ON_CHAIN.get(key.curve.name.lower())
    if curve is None:
        raise InvalidInputError(
            f"The contracts do not verify signatures on {key.curve.name}.",
            "Verify its records off chain: gridroam evidence check.",
        )
    numbers = key.public_numbers()
    return MeterKey(curve, _word(numbers.x), _word(numbers.y), keccak(serial.encode()))


def _base64(text: str) -> bytes:
    try:
        return b64decode(text, validate=True)
    except Base64Error as error:
        raise InvalidInputError("A public key is hexadecimal or base64.") from error


def _word(number: int) -> bytes:
    if number >> 256:
        raise InvalidInputError("The signature is on a curve that the contracts do not verify.")
    return number.to_bytes(32, "big")
