"""What stations sign: EIP-712 typed data, its digest, signature and wire format.

The layout stands in docs/protocol.md. Nothing here speaks to a chain or a network.
"""

import struct
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, cast

from coincurve import PrivateKey, PublicKey
from eth_abi.abi import encode

from gridroam.domain.hashing import keccak
from gridroam.errors import MalformedMessageError

OPEN_SESSION = (
    "OpenSession(uint32 station,uint32 session,bytes32 vehicle,uint40 time,"
    "uint48 importRegister,uint48 exportRegister)"
)
ENERGY_REPORT = (
    "EnergyReport(uint32 station,uint32 session,uint32 report,uint40 time,uint48 importRegister,"
    "uint48 exportRegister,bool last,bytes32 evidence,bytes boundaries)"
)
DOMAIN = "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
NAME, VERSION = "Gridroam", "1"

SIGNATURE_BYTES = 65
OPENING_BYTES = 123
REPORT_BYTES = 128
BOUNDARY_BYTES = 12
NO_EVIDENCE = bytes(32)

_OPENING, _REPORT = 1, 2
_HALF_ORDER = 0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0
_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
_OPEN_SESSION_TYPEHASH = keccak(OPEN_SESSION.encode())
_ENERGY_REPORT_TYPEHASH = keccak(ENERGY_REPORT.encode())


@dataclass(frozen=True, slots=True)
class Domain:
    """The chain and ledger that a signature is meant for. `ledger` is a 0x address."""

    chain_id: int
    ledger: str

    @property
    def separator(self) -> bytes:
        return _separator(self.chain_id, self.ledger.lower())


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
        """The wire format without the signature."""
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
        for pair in self.boundaries:
            for value in pair:
                _check_width("boundaries", value, 48)

    @property
    def packed_boundaries(self) -> bytes:
        return b"".join(i.to_bytes(6, "big") + e.to_bytes(6, "big") for i, e in self.boundaries)

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
        """The wire format without the signature."""
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
    """A message with its 65-byte signature r || s || v."""

    message: Message
    signature: bytes

    def __post_init__(self) -> None:
        if len(self.signature) != SIGNATURE_BYTES:
            raise MalformedMessageError(
                f"The signature has {len(self.signature)} bytes.", "Send r || s || v, 65 bytes."
            )

    def pack(self) -> bytes:
        """The wire format that `Ledger.submit` takes."""
        return self.message.head() + self.signature

    def signer(self, domain: Domain) -> str | None:
        """The checksum-less 0x address that signed, `None` if the signature is not one."""
        return recover(digest(domain, self.message), self.signature)


def digest(domain: Domain, message: Message) -> bytes:
    """The 32 bytes that are signed (EIP-712)."""
    return keccak(b"\x19\x01" + domain.separator + message.struct_hash)


def sign(domain: Domain, message: Message, key: bytes) -> Signed:
    """Signs with a secp256k1 private key of 32 bytes."""
    raw = PrivateKey(key).sign_recoverable(digest(domain, message), hasher=None)
    return Signed(message, raw[:64] + bytes([raw[64] + 27]))


def recover(message_digest: bytes, signature: bytes) -> str | None:
    """The lower-case address behind a signature; as on chain, s in the upper half is refused."""
    s, v = int.from_bytes(signature[32:64], "big"), signature[64]
    if v not in (27, 28) or s > _HALF_ORDER:
        return None
    try:
        public = PublicKey.from_signature_and_message(
            signature[:64] + bytes([v - 27]), message_digest, hasher=None
        )
    except Exception:  # noqa: BLE001  coincurve has no narrower one for what it cannot recover
        return None
    return address_of(public)


def address_of(public: PublicKey) -> str:
    """The lower-case 0x address of a public key."""
    return "0x" + keccak(public.format(compressed=False)[1:])[-20:].hex()


def unpack(raw: bytes) -> Signed:
    """Reads the wire format; raises where the ledger says `Malformed`."""
    kind = raw[0] if raw else 0
    if kind == _OPENING and len(raw) == OPENING_BYTES:
        station, session = struct.unpack(">II", raw[1:9])
        return Signed(
            OpenSession(station, session, raw[26:58], *_unpack_reading(raw[9:26])), raw[58:]
        )
    fits = len(raw) >= REPORT_BYTES and (len(raw) - REPORT_BYTES) % BOUNDARY_BYTES == 0
    if kind != _REPORT or not fits or raw[30] > 1:
        raise MalformedMessageError(
            f"{len(raw)} bytes of kind {kind} are no message.", "See docs/protocol.md."
        )
    station, session, report = struct.unpack(">III", raw[1:13])
    body, signature = raw[63:-SIGNATURE_BYTES], raw[-SIGNATURE_BYTES:]
    pairs = tuple(
        (int.from_bytes(body[i : i + 6], "big"), int.from_bytes(body[i + 6 : i + 12], "big"))
        for i in range(0, len(body), BOUNDARY_BYTES)
    )
    reading = _unpack_reading(raw[13:30])
    last, evidence = raw[30] == 1, raw[31:63]
    return Signed(
        EnergyReport(station, session, report, *reading, last, evidence, pairs), signature
    )


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
def _separator(chain_id: int, ledger: str) -> bytes:
    words = (
        keccak(DOMAIN.encode()),
        keccak(NAME.encode()),
        keccak(VERSION.encode()),
        chain_id,
        ledger,
    )
    return keccak(encode(["bytes32", "bytes32", "bytes32", "uint256", "address"], words))


_WIDTHS = {
    "station": 32,
    "session": 32,
    "report": 32,
    "time": 40,
    "import_register": 48,
    "export_register": 48,
}


def _check_widths(message: Message) -> None:
    for name in _WIDTHS.keys() & set(message.__slots__):
        _check_width(name, cast("int", getattr(message, name)), _WIDTHS[name])


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
