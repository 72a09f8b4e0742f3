"""What stations and vehicles sign: EIP-712 typed data, its digest and its wire format.

The layout stands in docs/protocol.md. Nothing here speaks to a chain or a network; keys and curves
are the business of `gridroam.signatures`.
"""

import struct
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, cast

from eth_abi.abi import encode

from gridroam.domain.hashing import keccak
from gridroam.errors import MalformedMessageError
from gridroam.signatures import (
    P256_SIGNATURE_BYTES,
    SIGNATURE_BYTES,
    Signer,
    recover,
    signer,
)

OPEN_SESSION = (
    "OpenSession(uint32 station,uint32 session,bytes32 vehicle,uint40 time,"
    "uint48 importRegister,uint48 exportRegister)"
)
ENERGY_REPORT = (
    "EnergyReport(uint32 station,uint32 session,uint32 report,uint40 time,uint48 importRegister,"
    "uint48 exportRegister,bool last,bytes32 evidence,bytes boundaries)"
)
CONSENT = (
    "Consent(uint32 station,uint32 session,uint16 version,bytes32 content,uint24 participant,"
    "uint40 until)"
)
DOMAIN = "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
NAME, VERSION = "Gridroam", "1"
CORRECTIONS_NAME = "Gridroam Corrections"

OPENING_HEAD = 58
REPORT_HEAD = 63
"""Bytes before the signature, or before the boundaries."""
BOUNDARY_BYTES = 12
OPENING_BYTES = OPENING_HEAD + SIGNATURE_BYTES
REPORT_BYTES = REPORT_HEAD + SIGNATURE_BYTES
"""The least that a message has."""
NO_EVIDENCE = bytes(32)

_REGISTER_BITS = 48
_REGISTER_END = 1 << _REGISTER_BITS
_OPENING, _REPORT = 1, 2
_TYPE = 0x0F
_STATION_P256, _VEHICLE_SECP256K1, _VEHICLE_P256 = 0x10, 0x20, 0x40
"""Flags of the kind byte: which signatures follow, and on which curve."""
_STATION_BYTES = {0: SIGNATURE_BYTES, _STATION_P256: P256_SIGNATURE_BYTES}
_VEHICLE_BYTES = {0: 0, _VEHICLE_SECP256K1: SIGNATURE_BYTES, _VEHICLE_P256: P256_SIGNATURE_BYTES}
_STATION_FLAGS = {length: flag for flag, length in _STATION_BYTES.items()}
_VEHICLE_FLAGS = {length: flag for flag, length in _VEHICLE_BYTES.items()}
_OPEN_SESSION_TYPEHASH = keccak(OPEN_SESSION.encode())
_ENERGY_REPORT_TYPEHASH = keccak(ENERGY_REPORT.encode())
_CONSENT_TYPEHASH = keccak(CONSENT.encode())


@dataclass(frozen=True, slots=True)
class Domain:
    """The chain and ledger that a signature is meant for. `ledger` is a 0x address."""

    chain_id: int
    ledger: str

    @property
    def separator(self) -> bytes:
        return _separator(NAME, self.chain_id, self.ledger.lower())


@dataclass(frozen=True, slots=True)
class OpenSession:
    """A vehicle plugged in. Registers in Wh; `time` in UTC seconds; `vehicle` has 32 bytes."""

    station: int
    session: int
    vehicle: bytes
    time: int
    import_register: int
    export_register: int

    def __post_init__(self) -> None:
        _check_widths(self)
        _check_bytes32("vehicle", self.vehicle)

    @property
    def struct_hash(self) -> bytes:
        words = (
            (self.station, self.session),
            (self.time, self.import_register, self.export_register),
        )
        return keccak(_OPEN_SESSION_TYPEHASH + _words(*words[0]) + self.vehicle + _words(*words[1]))

    def head(self) -> bytes:
        """The wire format without signatures and their flags."""
        return (
            struct.pack(">BII", _OPENING, self.station, self.session)
            + _pack_reading(self.time, self.import_register, self.export_register)
            + self.vehicle
        )


@dataclass(frozen=True, slots=True)
class EnergyReport:
    """Registers at `time` and at every slot boundary strictly between the last reading and `time`.

    `boundaries` are (import, export) registers in Wh, in order; `evidence` is the SHA-256 of the
    meter's signed record or 32 zero bytes; `last` ends the session.
    """

    station: int
    session: int
    report: int
    time: int
    import_register: int
    export_register: int
    last: bool
    evidence: bytes = NO_EVIDENCE
    boundaries: tuple[tuple[int, int], ...] = ()

    def __post_init__(self) -> None:
        _check_widths(self)
        _check_bytes32("evidence", self.evidence)
        for imported, exported in self.boundaries:
            if not (0 <= imported < _REGISTER_END and 0 <= exported < _REGISTER_END):
                _check_width("boundaries", imported, _REGISTER_BITS)
                _check_width("boundaries", exported, _REGISTER_BITS)

    @property
    def packed_boundaries(self) -> bytes:
        return b"".join(
            [(i << _REGISTER_BITS | e).to_bytes(BOUNDARY_BYTES, "big") for i, e in self.boundaries]
        )

    @property
    def struct_hash(self) -> bytes:
        return keccak(
            _ENERGY_REPORT_TYPEHASH
            + _words(self.station, self.session, self.report, self.time)
            + _words(self.import_register, self.export_register, self.last)
            + self.evidence
            + keccak(self.packed_boundaries)
        )

    def head(self) -> bytes:
        """The wire format without signatures and their flags."""
        return (
            struct.pack(">BIII", _REPORT, self.station, self.session, self.report)
            + _pack_reading(self.time, self.import_register, self.export_register)
            + bytes([self.last])
            + self.evidence
            + self.packed_boundaries
        )


Message = OpenSession | EnergyReport


@dataclass(frozen=True, slots=True)
class Signed:
    """A message with the station's signature, and on an opening perhaps the vehicle's.

    Either has 65 bytes, r || s || v, or 128 with P-256, r || s || x || y.
    """

    message: Message
    signature: bytes
    vehicle_signature: bytes = b""

    def __post_init__(self) -> None:
        if len(self.signature) not in _STATION_FLAGS:
            raise _no_signature("signature", self.signature)
        if len(self.vehicle_signature) not in _VEHICLE_FLAGS:
            raise _no_signature("vehicle's signature", self.vehicle_signature)
        if self.vehicle_signature and not isinstance(self.message, OpenSession):
            raise MalformedMessageError("Vehicles sign no reports.", "Leave the signature out.")

    def pack(self) -> bytes:
        """The wire format that `Ledger.submit` takes."""
        head = self.message.head()
        flags = _STATION_FLAGS[len(self.signature)] | _VEHICLE_FLAGS[len(self.vehicle_signature)]
        return bytes([head[0] | flags]) + head[1:] + self.signature + self.vehicle_signature

    def signer(self, domain: Domain) -> str | None:
        """The address of the key that signed, `None` if the signature is not one."""
        return recover(digest(domain, self.message), self.signature)


@dataclass(frozen=True, slots=True)
class Consent:
    """A participant agrees to a version, by its content hash; good until a time in UTC seconds."""

    station: int
    session: int
    version: int
    content: bytes
    participant: int
    until: int

    def digest(self, chain_id: int, corrections: str) -> bytes:
        """The 32 bytes that the participant's account signs, for a corrections contract."""
        struct_hash = keccak(
            _CONSENT_TYPEHASH
            + _words(self.station, self.session, self.version)
            + self.content
            + _words(self.participant, self.until)
        )
        separator = _separator(CORRECTIONS_NAME, chain_id, corrections.lower())
        return keccak(b"\x19\x01" + separator + struct_hash)


def digest(domain: Domain, message: Message) -> bytes:
    """The 32 bytes that are signed (EIP-712), by station and vehicle alike."""
    return keccak(b"\x19\x01" + domain.separator + message.struct_hash)


def sign(
    domain: Domain,
    message: Message,
    key: bytes | Signer,
    vehicle: bytes | Signer | None = None,
) -> Signed:
    """Signs with the station's key, and with the vehicle's where it has one. Bare bytes are a
    secp256k1 private key."""
    hashed = digest(domain, message)
    co_signature = signer(vehicle).sign(hashed) if vehicle is not None else b""
    return Signed(message, signer(key).sign(hashed), co_signature)


def unpack(raw: bytes) -> Signed:
    """Reads the wire format; raises where the ledger says `Malformed`."""
    kind = raw[0] if raw else 0
    station_bytes = _STATION_BYTES[kind & _STATION_P256]
    vehicle_bytes = _VEHICLE_BYTES.get(kind & ~(_TYPE | _STATION_P256))
    if vehicle_bytes is None or not _is_message(raw, kind, station_bytes, vehicle_bytes):
        raise MalformedMessageError(
            f"{len(raw)} bytes of kind {kind:#04x} are no message.", "See docs/protocol.md."
        )
    end = len(raw) - vehicle_bytes
    body = raw[: end - station_bytes]
    message = _unpack_opening(body) if kind & _TYPE == _OPENING else _unpack_report(body)
    return Signed(message, raw[end - station_bytes : end], raw[end:])


def _is_message(raw: bytes, kind: int, station_bytes: int, vehicle_bytes: int) -> bool:
    body = len(raw) - station_bytes - vehicle_bytes
    if kind & _TYPE == _OPENING:
        return body == OPENING_HEAD
    fits = body >= REPORT_HEAD and (body - REPORT_HEAD) % BOUNDARY_BYTES == 0
    return kind & _TYPE == _REPORT and vehicle_bytes == 0 and fits and raw[30] <= 1


def _unpack_opening(body: bytes) -> OpenSession:
    station, session = struct.unpack(">II", body[1:9])
    return OpenSession(station, session, body[26:], *_unpack_reading(body[9:26]))


def _unpack_report(body: bytes) -> EnergyReport:
    station, session, report = struct.unpack(">III", body[1:13])
    reading, last, evidence = _unpack_reading(body[13:30]), body[30] == 1, body[31:REPORT_HEAD]
    pairs = tuple(
        (int.from_bytes(body[i : i + 6], "big"), int.from_bytes(body[i + 6 : i + 12], "big"))
        for i in range(REPORT_HEAD, len(body), BOUNDARY_BYTES)
    )
    return EnergyReport(station, session, report, *reading, last, evidence, pairs)


def typed_data(domain: Domain, message: Message) -> dict[str, Any]:
    """The full EIP-712 document, for wallets and other signers (`eth_signTypedData_v4`)."""
    kind = OPEN_SESSION if isinstance(message, OpenSession) else ENERGY_REPORT
    name = kind.partition("(")[0]
    return {
        "types": {"EIP712Domain": _fields(DOMAIN), name: _fields(kind)},
        "primaryType": name,
        "domain": {
            "name": NAME,
            "version": VERSION,
            "chainId": domain.chain_id,
            "verifyingContract": domain.ledger,
        },
        "message": _values(message),
    }


def _values(message: Message) -> dict[str, Any]:
    common: dict[str, Any] = {
        "station": message.station,
        "session": message.session,
        "time": message.time,
        "importRegister": message.import_register,
        "exportRegister": message.export_register,
    }
    if isinstance(message, OpenSession):
        return common | {"vehicle": "0x" + message.vehicle.hex()}
    return common | {
        "report": message.report,
        "last": message.last,
        "evidence": "0x" + message.evidence.hex(),
        "boundaries": "0x" + message.packed_boundaries.hex(),
    }


def _fields(kind: str) -> list[dict[str, str]]:
    pairs = (field.split(" ") for field in kind.partition("(")[2].rstrip(")").split(","))
    return [{"name": name, "type": type_} for type_, name in pairs]


@lru_cache(maxsize=64)
def _separator(name: str, chain_id: int, contract: str) -> bytes:
    words = (
        keccak(DOMAIN.encode()),
        keccak(name.encode()),
        keccak(VERSION.encode()),
        chain_id,
        contract,
    )
    return keccak(encode(["bytes32", "bytes32", "bytes32", "uint256", "address"], words))


_WIDTHS = {
    "station": 32,
    "session": 32,
    "report": 32,
    "time": 40,
    "import_register": _REGISTER_BITS,
    "export_register": _REGISTER_BITS,
}
_ENDS = {
    kind: tuple((name, 1 << bits) for name, bits in _WIDTHS.items() if name in kind.__slots__)
    for kind in (OpenSession, EnergyReport)
}
"""Of each field with a width: its name, and the first value that is too much."""


def _no_signature(what: str, given: bytes) -> MalformedMessageError:
    return MalformedMessageError(
        f"The {what} has {len(given)} bytes.",
        "Send r || s || v, 65 bytes, or with P-256 r || s || x || y, 128 bytes.",
    )


def _check_widths(message: Message) -> None:
    for name, end in _ENDS[type(message)]:
        value = cast("int", getattr(message, name))
        if not 0 <= value < end:
            _check_width(name, value, _WIDTHS[name])


def _check_width(name: str, value: int, bits: int) -> None:
    if not 0 <= value < 1 << bits:
        raise MalformedMessageError(f"{name} is {value}.", f"It must be from 0 to 2^{bits} - 1.")


def _check_bytes32(name: str, value: bytes) -> None:
    if len(value) != 32:
        raise MalformedMessageError(f"{name} has {len(value)} bytes.", "It must have 32.")


def _words(*values: int) -> bytes:
    return b"".join(int(v).to_bytes(32, "big") for v in values)


def _pack_reading(time: int, imported: int, exported: int) -> bytes:
    return time.to_bytes(5, "big") + imported.to_bytes(6, "big") + exported.to_bytes(6, "big")


def _unpack_reading(raw: bytes) -> tuple[int, int, int]:
    return (
        int.from_bytes(raw[:5], "big"),
        int.from_bytes(raw[5:11], "big"),
        int.from_bytes(raw[11:17], "big"),
    )
