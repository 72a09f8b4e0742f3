"""A session as it stands after it ended: version 1 is what the ledger settled, every correction is
the next one. What a version costs follows from its readings, at the tariffs pinned at clearing."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from eth_abi.abi import decode, encode
from eth_abi.exceptions import DecodingError

from gridroam.domain.energy import Course, Reading, SlotEnergy, course
from gridroam.domain.hashing import keccak
from gridroam.domain.settlement import price
from gridroam.domain.slots import boundaries_between, boundary_count
from gridroam.domain.tariff import Tariff
from gridroam.domain.units import (
    Bytes32,
    NanoEuro,
    ParticipantId,
    StationId,
    Timestamp,
    Wh,
)
from gridroam.domain.units import Version as TariffVersion
from gridroam.domain.violation import require

READING_BYTES = 12
MOST_IN_AN_INTERVAL: Wh = 2**22
"""What a station of 2^24 W has in a slot; so that nobody fills a pair's counters by agreement."""
MOST_SHARES = 16
"""Of a correction, unless there were more before: nobody makes a session so long by assignments
that the meter's word costs more gas than a transaction may have."""
_SHARE = "(uint24,uint40,uint48,uint48,uint48,uint80,uint80,int88)"
_VERSION = (
    "(uint32,uint32,uint24,uint24,uint16,uint16,uint40,uint40,bool,uint40,uint16,uint40,bytes32,"
    f"{_SHARE}[],bytes)"
)


@dataclass(frozen=True, slots=True)
class Share:
    """A stretch of a session, whose supplier it was, and what came of it."""

    supplier: ParticipantId
    until: Timestamp
    import_wh: Wh
    export_wh: Wh
    """Paid for by the grid operator."""
    return_wh: Wh
    """Fed in as well, but paid for by the supplier: the prices were negative."""
    network_charge: NanoEuro
    service_fee: NanoEuro
    feed_in: NanoEuro


@dataclass(frozen=True, slots=True)
class Version:
    """Everything up to `settled_at` is the same in every version of a session."""

    station: StationId
    session: int
    grid_operator: ParticipantId
    station_operator: ParticipantId
    grid_tariff: TariffVersion
    operator_tariff: TariffVersion
    start: Timestamp
    end: Timestamp
    closed: bool
    """By a final report, with which the session fees were due."""
    settled_at: Timestamp
    """The block time of its end: the window for corrections runs from here."""
    number: int
    time: Timestamp
    """When it was drawn up; of version 1 `settled_at`."""
    previous: Bytes32
    """The content of the version before; 0 of version 1."""
    shares: tuple[Share, ...]
    readings: bytes
    """Both registers at the start, at each slot boundary within, and at the end, as on the wire."""

    @property
    def content(self) -> Bytes32:
        """The hash that stands for it on chain."""
        return keccak(self.encoded)

    @property
    def encoded(self) -> bytes:
        """As the contracts write it."""
        values = [getattr(self, name) for name in self.__slots__]
        shares = [tuple(getattr(s, name) for name in s.__slots__) for s in self.shares]
        return encode([_VERSION], [(*values[:-2], shares, self.readings)])

    @classmethod
    def decoded(cls, encoded: bytes) -> "Version":
        """From that. Raises `ValueError` if it is none."""
        try:
            (values,) = decode([_VERSION], encoded)
        except DecodingError as error:
            raise ValueError(f"it is no version ({error})") from error
        shares = tuple(Share(*share) for share in values[-2])
        named = dict(zip(cls.__slots__, values, strict=True)) | {"shares": shares}
        return cls(**named)

    def course(self) -> Course:
        """The energy between one reading and the next."""
        first, *between, last = pairs(self.readings)
        return course(Reading(self.start, *first), between, Reading(self.end, *last))

    def intervals(self) -> list[SlotEnergy]:
        """The same row by row."""
        return self.course().slots()

    def moments(self) -> list[Reading]:
        """The registers with their times. Raises `ValueError` if they do not fit each other."""
        registers = pairs(self.readings)
        if len(registers) != boundary_count(self.start, self.end) + 2:
            raise ValueError(f"it has {len(registers)} readings from {self.start} to {self.end}")
        times = self.start, *boundaries_between(self.start, self.end), self.end
        return [Reading(time, *both) for time, both in zip(times, registers, strict=True)]

    def share_at(self, time: Timestamp) -> Share:
        """Whose the interval is that begins then."""
        return next((share for share in self.shares if time < share.until), self.shares[-1])


def pairs(readings: bytes) -> list[tuple[Wh, Wh]]:
    """Import and export registers."""
    return [
        (
            int.from_bytes(readings[i : i + 6], "big"),
            int.from_bytes(readings[i + 6 : i + 12], "big"),
        )
        for i in range(0, len(readings), READING_BYTES)
    ]


def packed(registers: Sequence[tuple[Wh, Wh]]) -> bytes:
    return b"".join([(i << 48 | e).to_bytes(READING_BYTES, "big") for i, e in registers])


@dataclass(frozen=True, slots=True)
class Assignment:
    """Who has a session until when."""

    supplier: ParticipantId
    until: Timestamp


@dataclass(frozen=True, slots=True)
class Correction:
    """What the next version would have instead."""

    time: Timestamp
    assignments: tuple[Assignment, ...]
    readings: bytes


def next_version(present: Version, change: Correction, grid: Tariff, operator: Tariff) -> Version:
    """The version that a change makes of another, priced anew."""
    _check_assignments(present, change.assignments)
    wanted = (boundary_count(present.start, present.end) + 2) * READING_BYTES
    length = len(change.readings)
    require(length == wanted, "WrongReadings", f"{length} bytes of {wanted}")
    drawn = replace(
        present,
        number=present.number + 1,
        time=change.time,
        previous=present.content,
        readings=change.readings,
        shares=(),
    )
    left = drawn.course()
    for time, *energy in zip(left.times, left.import_wh, left.export_wh, strict=False):
        possible = all(0 <= wh <= MOST_IN_AN_INTERVAL for wh in energy)
        require(possible, "RegisterBackwards", f"at {time}")
    shares = []
    for index, assignment in enumerate(change.assignments, 1):
        last = index == len(change.assignments)
        own, left = (left, left) if last else left.cut(assignment.until)
        shares.append(_share(assignment, own, grid, operator, fees=last and present.closed))
    return replace(drawn, shares=tuple(shares))


def _check_assignments(present: Version, assignments: Sequence[Assignment]) -> None:
    require(assignments, "WrongAssignment", "there is none")
    most = max(MOST_SHARES, len(present.shares))
    require(len(assignments) <= most, "WrongAssignment", f"more than {most}")
    before = present.start
    for assignment in assignments:
        until = assignment.until
        require(before <= until <= present.end, "WrongAssignment", f"until {until}")
        before = until
    require(before == present.end, "WrongAssignment", f"the last until {before}")


def _share(
    assignment: Assignment,
    energy: Course,
    grid: Tariff,
    operator: Tariff,
    *,
    fees: bool,
) -> Share:
    due = price(energy, grid, operator, last=fees)
    fed = sum(energy.export_wh)
    returned = due.feed_in < 0
    return Share(
        assignment.supplier,
        assignment.until,
        sum(energy.import_wh),
        0 if returned else fed,
        fed if returned else 0,
        *due,
    )
