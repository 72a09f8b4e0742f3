"""Twists: one thing of a message that is not as it should be.

Those in `CHANGES` are in a field, and signed; those in `FORGERIES` befall the signatures, those in
`BYTES` the packed message.
"""

from collections.abc import Callable
from dataclasses import replace
from enum import Enum, auto

from gridroam.messages import EnergyReport, Message, Signed
from gridroam.signatures import P256_SIGNATURE_BYTES, SIGNATURE_BYTES

MAX_REGISTER = 2**48 - 1
_ORDERS = {
    SIGNATURE_BYTES: 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141,
    P256_SIGNATURE_BYTES: 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551,
}
"""Of the curves, by the length of a signature."""


class Twist(Enum):
    NONE = auto()
    SESSION_BEFORE = auto()
    SESSION_AFTER = auto()
    REPORT_BEFORE = auto()
    REPORT_AFTER = auto()
    IMPORT_LESS = auto()
    EXPORT_LESS = auto()
    BOUNDARY_MISSING = auto()
    BOUNDARY_MORE = auto()
    BOUNDARY_TOO_HIGH = auto()
    EMPTY = auto()
    SHORT = auto()
    LONG = auto()
    OTHER_KIND = auto()
    OTHER_CURVE = auto()
    OTHER_CO_SIGNER = auto()
    NEITHER_LAST_NOR_NOT = auto()
    ONE_BIT = auto()
    OTHER_S = auto()
    OTHER_S_OF_VEHICLE = auto()
    LAST_BYTE = auto()
    NO_SIGNATURE = auto()
    SIGNATURES_SWAPPED = auto()


def changed(message: Message, twist: Twist) -> Message:
    """An opening has no reports and no boundaries, and stays as it is."""
    changes = CHANGES[twist](message) if twist in CHANGES else {}
    fitting = {name: value for name, value in changes.items() if hasattr(message, name)}
    return replace(message, **fitting)  # type: ignore[arg-type]


def bent(signed: Signed, twist: Twist) -> bytes:
    """Packed."""
    raw = (FORGERIES[twist](signed) if twist in FORGERIES else signed).pack()
    return BYTES[twist](raw) if twist in BYTES else raw


def _report(message: Message, more: int) -> int:
    return message.report + more if isinstance(message, EnergyReport) else 0


def _boundaries(message: Message) -> tuple[tuple[int, int], ...]:
    return message.boundaries if isinstance(message, EnergyReport) else ()


def _too_high(message: Message) -> tuple[tuple[int, int], ...]:
    above = min(message.import_register + 1, MAX_REGISTER), message.export_register
    return tuple(above if i == 0 else pair for i, pair in enumerate(_boundaries(message)))


CHANGES: dict[Twist, Callable[[Message], dict[str, object]]] = {
    Twist.SESSION_BEFORE: lambda m: {"session": max(0, m.session - 1)},
    Twist.SESSION_AFTER: lambda m: {"session": m.session + 1},
    Twist.REPORT_BEFORE: lambda m: {"report": _report(m, -1)},
    Twist.REPORT_AFTER: lambda m: {"report": _report(m, 1)},
    Twist.IMPORT_LESS: lambda m: {"import_register": max(0, m.import_register - 1)},
    Twist.EXPORT_LESS: lambda m: {"export_register": max(0, m.export_register - 1)},
    Twist.BOUNDARY_MISSING: lambda m: {"boundaries": _boundaries(m)[1:]},
    Twist.BOUNDARY_MORE: lambda m: {
        "boundaries": (*_boundaries(m), (m.import_register, m.export_register))
    },
    Twist.BOUNDARY_TOO_HIGH: lambda m: {"boundaries": _too_high(m)},
}


def _other_s(signature: bytes) -> bytes:
    """The other signature that the curve allows; the ledger only on secp256r1."""
    if not signature:
        return signature
    s = _ORDERS[len(signature)] - int.from_bytes(signature[32:64], "big")
    end = signature[64:]
    if len(signature) == SIGNATURE_BYTES:
        end = bytes([end[0] ^ 7])
    return signature[:32] + s.to_bytes(32, "big") + end


def _swapped(signed: Signed) -> Signed:
    if not signed.vehicle_signature:
        return signed
    return Signed(signed.message, signed.vehicle_signature, signed.signature)


FORGERIES: dict[Twist, Callable[[Signed], Signed]] = {
    Twist.OTHER_S: lambda signed: replace(signed, signature=_other_s(signed.signature)),
    Twist.OTHER_S_OF_VEHICLE: lambda signed: replace(
        signed, vehicle_signature=_other_s(signed.vehicle_signature)
    ),
    Twist.NO_SIGNATURE: lambda signed: replace(signed, signature=bytes(len(signed.signature))),
    Twist.SIGNATURES_SWAPPED: _swapped,
}


def _with_byte(raw: bytes, at: int, value: int) -> bytes:
    changed = bytearray(raw)
    changed[at] = value
    return bytes(changed)


BYTES: dict[Twist, Callable[[bytes], bytes]] = {
    Twist.EMPTY: lambda raw: b"",
    Twist.SHORT: lambda raw: raw[:-1],
    Twist.LONG: lambda raw: raw + bytes(12),
    Twist.OTHER_KIND: lambda raw: _with_byte(raw, 0, raw[0] ^ 3),
    Twist.OTHER_CURVE: lambda raw: _with_byte(raw, 0, raw[0] ^ 0x10),
    Twist.OTHER_CO_SIGNER: lambda raw: _with_byte(raw, 0, raw[0] ^ 0x60),
    Twist.NEITHER_LAST_NOR_NOT: lambda raw: _with_byte(raw, 30, 2),
    Twist.ONE_BIT: lambda raw: _with_byte(raw, len(raw) // 3, raw[len(raw) // 3] ^ 1),
    Twist.LAST_BYTE: lambda raw: _with_byte(raw, -1, raw[-1] ^ 27),
}
