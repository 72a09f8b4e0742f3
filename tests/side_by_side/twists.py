"""Twists: one thing of a message that is not as it should be.

Those in `CHANGES` are in a field, and signed; those in `BYTES` befall the packed message.
"""

from collections.abc import Callable
from dataclasses import replace
from enum import Enum, auto

from gridroam.messages import EnergyReport, Message

MAX_REGISTER = 2**48 - 1
_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
"""Of the curve secp256k1."""


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
    NEITHER_LAST_NOR_NOT = auto()
    ONE_BIT = auto()
    HIGH_S = auto()
    NO_V = auto()


def changed(message: Message, twist: Twist) -> Message:
    """An opening has no reports and no boundaries, and stays as it is."""
    changes = CHANGES[twist](message) if twist in CHANGES else {}
    fitting = {name: value for name, value in changes.items() if hasattr(message, name)}
    return replace(message, **fitting)  # type: ignore[arg-type]


def bent(raw: bytes, twist: Twist) -> bytes:
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


def _high_s(raw: bytes) -> bytes:
    """The other signature that the curve allows."""
    s = _ORDER - int.from_bytes(raw[-33:-1], "big")
    return raw[:-33] + s.to_bytes(32, "big") + bytes([raw[-1] ^ 7])


def _with_byte(raw: bytes, at: int, value: int) -> bytes:
    changed = bytearray(raw)
    changed[at] = value
    return bytes(changed)


BYTES: dict[Twist, Callable[[bytes], bytes]] = {
    Twist.EMPTY: lambda raw: b"",
    Twist.SHORT: lambda raw: raw[:-1],
    Twist.LONG: lambda raw: raw + bytes(12),
    Twist.OTHER_KIND: lambda raw: _with_byte(raw, 0, 3 - raw[0]),
    Twist.NEITHER_LAST_NOR_NOT: lambda raw: _with_byte(raw, 30, 2),
    Twist.ONE_BIT: lambda raw: _with_byte(raw, len(raw) // 3, raw[len(raw) // 3] ^ 1),
    Twist.HIGH_S: _high_s,
    Twist.NO_V: lambda raw: _with_byte(raw, -1, raw[-1] - 27),
}
