"""What a meter's record says, and whether the meter signed it: the rules of docs/evidence.md a
second time, for whoever would not take the contract's word for it.

`evidence.record` finds records in files; this reads one as it was brought on chain. What is refused
raises `NotAllowedError` with the contract's name for it. Bytes are taken for Latin-1, so that each
stays one character, whatever they mean.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from typing import TypeVar

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from gridroam.domain.hashing import keccak
from gridroam.domain.meters import MeterCurve, MeterKey
from gridroam.domain.record import Record, Span
from gridroam.domain.units import Bytes32, Timestamp, Wh
from gridroam.domain.violation import NotAllowedError, require

T = TypeVar("T")

HEAD = "OCMF|"
_SIGNATURE = 64
_CURVES = {MeterCurve.SECP256K1: ec.SECP256K1(), MeterCurve.SECP256R1: ec.SECP256R1()}

# JSON without escapes, as deep as OCMF goes: between quotes nothing looks like structure
_SPACE = r"[ \n\r\t]*"
_PLAIN = r'(?:"[^"]*"|[A-Za-z0-9.+-]+)'
_PAIR = rf'"[^"]*"{_SPACE}:{_SPACE}{_PLAIN}'
_COMMA = rf"{_SPACE},{_SPACE}"
_LIST = rf"\[{_SPACE}(?:{_PLAIN}(?:{_COMMA}{_PLAIN})*)?{_SPACE}\]"
_OBJECT = rf"\{{{_SPACE}(?:{_PAIR}(?:{_COMMA}{_PAIR})*)?{_SPACE}\}}"
_KEY = re.compile(rf'("[^"]*"){_SPACE}:{_SPACE}')
_VALUE = re.compile(rf"{_PLAIN}|{_LIST}|{_OBJECT}")
_OPEN = {bracket: re.compile(rf"\{bracket}{_SPACE}") for bracket in "{["}
_READINGS = re.compile(rf"\[{_SPACE}\{{")
_NEXT = re.compile(rf"{_SPACE}(?:,{_SPACE}|(?P<end>[\]}}]))")

_READ = frozenset({"FV", "PG", "MS", "GS", "RD", "TM", "TX", "RV", "RI", "RU", "ST", "EF"})
_CARRIED = _READ - {"FV", "PG", "MS", "GS", "RD", "RV"}
"""What a reading leaves out is as in the one before."""
_CODE = re.compile(
    r"0?1-[0-9A-F]{1,2}:([0-9A-F]{1,2})\.0?8\.00?(?:[.*](?:FF|255|0FF))?", re.IGNORECASE
)
_RANKS = (
    {"1": 0, "B0": 0, "B2": 1, "B1": 2, "98": 2, "B3": 3},
    {"2": 0, "C0": 0, "C2": 1, "C1": 2, "C3": 3},
)
"""Of registers of import and export, by the group C. Odd ones begin anew with each transaction."""
_NUMBER = re.compile(r'(?P<quote>" *)?([0-9]+)(?:\.([0-9]+))?(?(quote)")')
_TIME = re.compile(
    r'"([0-9]{4}).([0-9]{2}).([0-9]{2}).([0-9]{2}).([0-9]{2}).([0-9]{2})....'
    r"([+-])([0-9]{2})([0-9]{2}) S."
)
_TIME_LENGTH = 32
_MOST = 2**48
_FIRST_YEAR, _MONTHS = 1970, 12


def read(text: bytes, second: int, signatures: bytes, key: MeterKey) -> Record:
    """One record, or two of which the latter begins at `second`; `signatures` are r and s of
    each, 64 bytes. Raises `NotAllowedError`."""
    plain = text.decode("latin-1")
    require("\\" not in plain, "NotOcmf", "a backslash")
    starts = [0, second] if second else [0]
    require(len(signatures) == _SIGNATURE * len(starts), "BadMeterSignature", "not of each record")
    page = _Page()
    for index, start in enumerate(starts):
        payload = page.add(plain, start)
        signature = signatures[_SIGNATURE * index : _SIGNATURE * (index + 1)]
        signed = _is_signed(payload.encode("latin-1"), signature, key)
        require(signed, "BadMeterSignature", f"record {index + 1}")
    require(page.serial == key.serial, "OtherMeter", page.serial.hex())
    return page.complete(sha256(text).digest())


def _is_signed(payload: bytes, signature: bytes, key: MeterKey) -> bool:
    """ECDSA over SHA-256; s in either half of the order."""
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
    x, y = int.from_bytes(key.x, "big"), int.from_bytes(key.y, "big")
    try:
        public = ec.EllipticCurvePublicNumbers(x, y, _CURVES[MeterCurve(key.curve)]).public_key()
        public.verify(encode_dss_signature(r, s), payload, ec.ECDSA(SHA256()))
    except (InvalidSignature, ValueError, KeyError):
        return False
    return True


@dataclass(slots=True)
class _Register:
    rank: int
    begin: Wh
    end: Wh | None = None

    def span(self) -> Span:
        end = _found(self.end, "Incomplete", "no last reading")
        require(self.begin <= end < _MOST, "Backwards", f"{self.begin} to {end}")
        return Span(self.begin, end, bool(self.rank % 2))


class _Page:
    """What was read so far, of one record or of two."""

    def __init__(self) -> None:
        self.serial: Bytes32 = b""
        self._number = -1
        self._registers: list[_Register | None] = [None, None]
        self._begin: Timestamp = 0
        self._end: Timestamp = 0

    def add(self, text: str, start: int) -> str:
        """Returns the payload, which the meter signed."""
        require(text.startswith(HEAD, start), "NotOcmf", f"at {start}")
        begin = start + len(HEAD)
        fields, end = _members(text, begin)
        require(text.startswith("|", end), "NotOcmf", f"at {end}")
        require(fields.get("FV", '"1.').startswith('"1.'), "UnknownVersion", fields.get("FV", ""))
        number = re.fullmatch(r'"T([0-9]{1,20})"', fields.get("PG", ""))
        self._follow(int(_found(number, "NoTransaction", "no page")[1]), _serial(fields))
        before: dict[str, str] = {}
        for reading in _readings(fields.get("RD", "")):
            before |= {key: value for key, value in reading.items() if key in _CARRIED}
            self._take(before, reading.get("RV"))
        return text[begin:end]

    def _follow(self, number: int, serial: Bytes32) -> None:
        follows = self._number < 0 or (number, serial) == (self._number + 1, self.serial)
        require(follows, "NotConsecutive", f"page {number} after {self._number}")
        self._number, self.serial = number, serial

    def _take(self, reading: dict[str, str], value: str | None) -> None:
        """A register's first reading, or its last. What stands in between is not needed."""
        time, how = reading.get("TM", ""), _letter(reading, "TX")
        status, fault = _letter(reading, "ST"), reading.get("EF", '""')
        timed = len(time) == _TIME_LENGTH and time.startswith('"')
        require(timed or "TM" not in reading, "BadValue", time)
        code = _CODE.fullmatch(reading.get("RI", "")[1:-1])
        group = code[1].upper().lstrip("0") if code else ""
        direction = int(group in _RANKS[1])
        rank = _RANKS[direction].get(group)
        if rank is None:
            return
        good = status == "G" and fault in {'""', '"t"'} and how != "X"
        require(good, "StatusNotGood", f"status {status}, {how}")
        register = self._registers[direction]
        if register is not None and rank > register.rank:
            return
        if register is not None and rank < register.rank:
            register = self._registers[direction] = None
        if how == "B":
            require(register is None, "ReadingOutOfOrder", "two first readings")
            self._registers[direction] = _Register(rank, _watt_hours(value, reading.get("RU")))
            self._begin = _synchronised(time)
        elif how and how in "ELRAP":
            register = _found(register, "ReadingOutOfOrder", "no first reading")
            require(register.end is None, "ReadingOutOfOrder", "two last readings")
            register.end = _watt_hours(value, reading.get("RU"))
            self._end = _synchronised(time)

    def complete(self, digest: Bytes32) -> Record:
        imported, exported = [r.span() if r else None for r in self._registers]
        require(imported or exported, "Incomplete", "no register")
        in_order = not self._end or self._begin <= self._end
        require(in_order, "Backwards", f"{self._begin} to {self._end}")
        return Record(digest, self._number, imported, exported, self._begin, self._end)


# ------------------------------------------------------------------------------------------- values


def _members(text: str, at: int) -> tuple[dict[str, str], int]:
    """An object's values by key, each as it stands there, and where it ends."""
    fields: dict[str, str] = {}
    at, closing = _open(text, at, "{"), ""
    while closing != "}":
        key = _found(_KEY.match(text, at), "NotOcmf", f"at {at}")
        name, start = key[1][1:-1], key.end()
        require(name not in fields or name not in _READ, "KeyTwice", name)
        if name == "RD" and _READINGS.match(text, start):
            end = _end_of_readings(text, start)
        else:
            end = _found(_VALUE.match(text, start), "NotOcmf", f"at {start}").end()
        fields[name] = text[start:end]
        at, closing = _next(text, end)
    return fields, at


def _end_of_readings(text: str, at: int) -> int:
    at, closing = _open(text, at, "["), ""
    while closing != "]":
        _, at = _members(text, at)
        at, closing = _next(text, at)
    return at


def _readings(listed: str) -> Iterator[dict[str, str]]:
    if not listed.startswith("["):
        return
    at, closing = _open(listed, 0, "["), ""
    while closing != "]":
        reading, at = _members(listed, at)
        yield reading
        at, closing = _next(listed, at)


def _open(text: str, at: int, bracket: str) -> int:
    return _found(_OPEN[bracket].match(text, at), "NotOcmf", f"at {at}").end()


def _next(text: str, at: int) -> tuple[int, str]:
    """Where the next element begins, or the end after the closing bracket, which comes with it."""
    found = _found(_NEXT.match(text, at), "NotOcmf", f"at {at}")
    return found.end(), found["end"] or ""


def _serial(fields: dict[str, str]) -> Bytes32:
    """Of the meter, or of the gateway where that is missing or empty."""
    printed = next((p for n in ("MS", "GS") if len(p := fields.get(n, "")) > len('""')), "")
    require(printed.startswith('"'), "NoSerial", printed or "neither MS nor GS")
    return keccak(printed[1:-1].encode("latin-1"))


def _letter(reading: dict[str, str], name: str) -> str:
    printed = reading.get(name)
    if printed is None:
        return ""
    require(printed.startswith('"') and len(printed) == len('"B"'), "BadValue", printed)
    return printed[1]


def _watt_hours(printed: str | None, unit: str | None) -> Wh:
    """Cut off, never rounded: a register shows the last one that is full."""
    number = _found(_NUMBER.fullmatch(printed or ""), "BadValue", printed or "no value")
    require(unit in {'"kWh"', '"Wh"'}, "UnknownUnit", unit or "none")
    digits = 3 if unit == '"kWh"' else 0
    return int(number[2] + (number[3] or "").ljust(digits, "0")[:digits])


def _synchronised(time: str) -> Timestamp:
    """UTC s of `"2018-07-24T13:22:04,000+0200 S"`, 0 by a clock that is not synchronised."""
    if time[-2:-1] != "S":
        return 0
    parts = _found(_TIME.fullmatch(time), "BadValue", time)
    year, month, day, hour, minute, second, east, more = map(int, parts.group(*range(1, 7), 8, 9))
    require(year >= _FIRST_YEAR and 1 <= month <= _MONTHS, "BadValue", time)
    days = date(year, month, 1).toordinal() - date(_FIRST_YEAR, 1, 1).toordinal() + day - 1
    offset = (east * 60 + more) * (60 if parts[7] == "+" else -60)
    return days * 86_400 + hour * 3_600 + minute * 60 + second - offset


def _found(what: T | None, error: str, detail: str) -> T:
    if what is None:
        raise NotAllowedError(error, detail)
    return what
