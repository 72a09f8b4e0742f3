"""Packed messages as they are read by the million: digest and signatures where they are recovered,
fields where the rules are applied.

It reads what `gridroam.messages` reads and hashes what that hashes, which a test holds it to, but
straight from the bytes: an EIP-712 word is the field's own bytes with zeros before them, so that
nothing is turned into an integer only to be hashed. For layout and meaning see docs/protocol.md.
"""

from collections.abc import Callable
from struct import Struct
from typing import NamedTuple

from gridroam.domain.hashing import keccak
from gridroam.messages import (
    BOUNDARY_BYTES,
    ENERGY_REPORT,
    OPEN_SESSION,
    OPENING_HEAD,
    REPORT_HEAD,
    Domain,
)
from gridroam.signatures import P256_SIGNATURE_BYTES, SIGNATURE_BYTES


class Opening(NamedTuple):
    """A vehicle plugged in."""

    station: int
    session: int
    time: int
    import_register: int
    export_register: int
    vehicle: bytes


class Report(NamedTuple):
    """Registers now and at every slot boundary since the last reading."""

    station: int
    session: int
    report: int
    time: int
    import_register: int
    export_register: int
    last: bool
    evidence: bytes
    boundaries: tuple[tuple[int, int], ...]
    packed_boundaries: bytes


Message = Opening | Report


class Read(NamedTuple):
    """A message's digest, and the signatures behind it; the vehicle's is empty without one."""

    digest: bytes
    signature: bytes
    vehicle_signature: bytes


_OPENING, _REPORT, _TYPE = 1, 2, 0x0F
_STATION_P256, _VEHICLE_K1, _VEHICLE_P256 = 0x10, 0x20, 0x40
_LENGTHS = {
    kind | station | vehicle: (body, station_bytes, vehicle_bytes)
    for kind, body in ((_OPENING, OPENING_HEAD), (_REPORT, REPORT_HEAD))
    for station, station_bytes in ((0, SIGNATURE_BYTES), (_STATION_P256, P256_SIGNATURE_BYTES))
    for vehicle, vehicle_bytes in (
        (0, 0),
        (_VEHICLE_K1, SIGNATURE_BYTES),
        (_VEHICLE_P256, P256_SIGNATURE_BYTES),
    )
    if kind == _OPENING or not vehicle
}
"""By the kind byte: how long a message is without boundaries, and its signatures are."""
# 40 and 48 bits are read as their upper 8 or 16 and their lower 32
_OPENING_FIELDS = Struct(">xIIBIHIHI32s").unpack_from
_REPORT_FIELDS = Struct(">xIIIBIHIHI?32s").unpack_from
_BOUNDARIES = Struct(">HIHI").iter_unpack
_OPEN_TYPE, _REPORT_TYPE = keccak(OPEN_SESSION.encode()), keccak(ENERGY_REPORT.encode())
_AT_LAST = 30
# each field as it is, and in a word of its own behind the type
_OPENING_BYTES, _REPORT_BYTES = Struct(">x4s4s5s6s6s32s"), Struct(">x4s4s4s5s6s6s33s")
_OPENING_WORDS = Struct(">32s28x4s28x4s32s27x5s26x6s26x6s")
_REPORT_WORDS = Struct(">32s28x4s28x4s28x4s27x5s26x6s26x6s31x33s32s")


def reader(domain: Domain) -> Callable[[bytes], Read | None]:
    """Hashes packed messages meant for one ledger; `None` where the ledger says `Malformed`."""
    prefix = b"\x19\x01" + domain.separator

    def read(raw: bytes) -> Read | None:
        lengths = _LENGTHS.get(raw[0]) if raw else None
        if lengths is None:
            return None
        body, station_bytes, vehicle_bytes = lengths
        end = len(raw) - vehicle_bytes
        start = end - station_bytes
        if raw[0] & _TYPE == _OPENING:
            if start != body:
                return None
            words = _opening_words(raw)
        else:
            if start < body or (start - body) % BOUNDARY_BYTES or raw[_AT_LAST] > 1:
                return None
            words = _REPORT_WORDS.pack(
                _REPORT_TYPE, *_REPORT_BYTES.unpack_from(raw), keccak(raw[body:start])
            )
        return Read(keccak(prefix + keccak(words)), raw[start:end], raw[end:])

    return read


def message_in(raw: bytes) -> Message:
    """The fields of bytes that are a message."""
    return _opening(raw) if raw[0] & _TYPE == _OPENING else _report(raw)


def _opening_words(raw: bytes) -> bytes:
    station, session, *reading, vehicle = _OPENING_BYTES.unpack_from(raw)
    return _OPENING_WORDS.pack(_OPEN_TYPE, station, session, vehicle, *reading)


def _opening(raw: bytes) -> Opening:
    station, session, t, time, i, imported, e, exported, vehicle = _OPENING_FIELDS(raw)
    return Opening(
        station, session, t << 32 | time, i << 32 | imported, e << 32 | exported, vehicle
    )


def _report(raw: bytes) -> Report:
    station, session, report, t, time, i, imported, e, exported, *said = _REPORT_FIELDS(raw)
    last, evidence = said
    registers = i << 32 | imported, e << 32 | exported
    boundaries = raw[REPORT_HEAD : len(raw) - _LENGTHS[raw[0]][1]]
    pairs = tuple([(a << 32 | b, c << 32 | d) for a, b, c, d in _BOUNDARIES(boundaries)])
    return Report(
        station, session, report, t << 32 | time, *registers, last, evidence, pairs, boundaries
    )
