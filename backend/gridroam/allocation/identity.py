"""The identity of a meter's quarter hours, for each slot and direction: what the meter counted is
what is allocated to suppliers plus the delta, which is the station operator's.

The allocation follows from the signed messages of the stations behind the meter; the series is the
grid operator's. A negative delta is an over-claim: more was settled than the meter counted. It is
shown and flagged, never set to zero.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise

from gridroam.domain.energy import Reading, SlotEnergy, by_slot
from gridroam.domain.message import reading_of
from gridroam.domain.session import State
from gridroam.domain.slots import SLOT, slot_start
from gridroam.domain.version import Version
from gridroam.errors import InvalidInputError
from gridroam.index.queries import Snapshot
from gridroam.index.records import Message, Meter, Session, Settlement, Station
from gridroam.index.spread import is_even, made_by, made_in
from gridroam.index.versions import Signed, counting
from gridroam.messages import EnergyReport
from gridroam.store import index_corrections, index_series, index_sessions


@dataclass(slots=True)
class Share:
    """A supplier's energy in a slot. `even`: of it, what the station spread evenly, because it had
    no reading at the slot's ends."""

    import_wh: int = 0
    export_wh: int = 0
    even_import_wh: int = 0
    even_export_wh: int = 0


@dataclass(frozen=True, slots=True)
class IdentitySlot:
    """One quarter hour, by its start. Without a series there is no delta."""

    time: int
    series_import_wh: int | None
    series_export_wh: int | None
    shares: dict[int, Share]
    """By supplier."""
    is_final: bool
    """Every session in it was reported on beyond it: nothing will be added."""

    @property
    def import_wh(self) -> int:
        """Allocated."""
        return sum(share.import_wh for share in self.shares.values())

    @property
    def export_wh(self) -> int:
        """Allocated."""
        return sum(share.export_wh for share in self.shares.values())

    @property
    def delta_import_wh(self) -> int | None:
        return None if self.series_import_wh is None else self.series_import_wh - self.import_wh

    @property
    def delta_export_wh(self) -> int | None:
        return None if self.series_export_wh is None else self.series_export_wh - self.export_wh

    @property
    def over_claimed(self) -> bool:
        """More was settled than the meter counted, in one direction or both."""
        return any(d is not None and d < 0 for d in (self.delta_import_wh, self.delta_export_wh))


@dataclass(frozen=True, slots=True)
class MeterIdentity:
    """A meter's period, slot by slot: those with a series or with sessions."""

    meter: bytes
    grid_operator: int
    station_operators: tuple[int, ...]
    """To whom the delta belongs."""
    slots: tuple[IdentitySlot, ...]

    def total(self, name: str) -> int:
        """Of the slots that have a series: so that the identity holds for the sums, too."""
        told = (slot for slot in self.slots if slot.series_import_wh is not None)
        return sum(getattr(slot, name) for slot in told)

    @property
    def over_claimed(self) -> int:
        """Slots."""
        return sum(slot.over_claimed for slot in self.slots)

    @property
    def without_series(self) -> int:
        """Slots with sessions, of which the grid operator has given nothing."""
        return sum(slot.series_import_wh is None for slot in self.slots)


def identity(now: Snapshot, meter: bytes, since: int, until: int) -> MeterIdentity:
    """Raises `InvalidInputError` if the meter is unknown, or an end of the period is no slot's."""
    found = _require(now, meter, since, until)
    stations = list(_behind(now, meter))
    work = _Work(since, until)
    for station in stations:
        if station.session_state in (State.OPEN, State.SUPERSEDED):
            work.open_from = min(work.open_from, slot_start(station.time))
    numbers = [station.number for station in stations]
    for session in index_sessions.sessions_between(now.connection, numbers, since, until):
        work.add(now, session)
    given = index_series.meter_series(now.connection, meter, since, until)
    series = {time: (imported, exported) for time, imported, exported in given}
    slots = (
        IdentitySlot(
            time,
            series[time][0] if time in series else None,
            series[time][1] if time in series else None,
            shares=dict(sorted(work.shares[time].items())) if time in work.shares else {},
            is_final=time < work.open_from,
        )
        for time in sorted(series.keys() | work.shares.keys())
    )
    operators = tuple(sorted({station.operator for station in stations}))
    return MeterIdentity(meter, found.grid_operator, operators, tuple(slots))


@dataclass(frozen=True, slots=True)
class Claim:
    """What a session has in a slot, for one of its suppliers."""

    session: Session
    supplier: int
    share: Share


def claims(now: Snapshot, meter: bytes, slot: int) -> list[Claim]:
    """The sessions that a slot's allocation is made of, the greatest first. Raises
    `InvalidInputError` as `identity` does."""
    _require(now, meter, slot, slot + SLOT)
    stations = [station.number for station in _behind(now, meter)]
    found = []
    for session in index_sessions.sessions_between(now.connection, stations, slot, slot + SLOT):
        work = _Work(slot, slot + SLOT)
        work.add(now, session)
        found += [Claim(session, who, share) for who, share in work.shares[slot].items()]
    return sorted(found, key=lambda c: -max(c.share.import_wh, c.share.export_wh))


def _behind(now: Snapshot, meter: bytes) -> Iterator[Station]:
    """All stations of a meter."""
    after: str | None = None
    while True:
        page = now.stations(meter=meter, after=after)
        yield from page.items
        if (after := page.next) is None:
            return


def identities(
    now: Snapshot, grid_operator: int, since: int, until: int
) -> Iterator[MeterIdentity]:
    """Of every meter of a grid operator that has a series in the period."""
    with_series = index_series.meters_with_series(now.connection, since, until)
    for meter in sorted(with_series):
        found = now.meter(meter)
        if found is not None and found.grid_operator == grid_operator:
            yield identity(now, meter, since, until)


def _require(now: Snapshot, meter: bytes, since: int, until: int) -> Meter:
    found = now.meter(meter)
    if found is None:
        raise InvalidInputError(f"There is no meter 0x{meter.hex()}.")
    if since % SLOT or until % SLOT or since >= until:
        raise InvalidInputError("The period must begin and end with a quarter hour.")
    return found


@dataclass(slots=True)
class _Work:
    since: int
    until: int
    shares: dict[int, dict[int, Share]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(Share))
    )
    open_from: int = 1 << 62
    """The first slot to which a session may still add that the station has not ended."""

    def add(self, now: Snapshot, session: Session) -> None:
        messages = index_sessions.messages_of(now.connection, session.station, session.session)
        parts = index_sessions.settlements_of(now.connection, session.station, session.session)
        corrected = (
            index_corrections.present(now.connection, session.station, session.session)
            if session.version > 1
            else None
        )
        if corrected is not None:
            self._add_version(corrected, counting(messages))
        else:
            self._add_slots(messages, parts)

    def _add_slots(self, messages: list[Message], parts: list[Settlement]) -> None:
        signed = counting(messages)
        for before, report in pairwise(signed):
            if not isinstance(report, EnergyReport):
                continue
            start = Reading(*reading_of(before))
            even = is_even(start, report)
            for slot in by_slot(start, report.boundaries, reading_of(report)):
                self._add(slot, _supplier(parts, report.report, slot.time), even=even)

    def _add_version(self, version: Version, signed: list[Signed]) -> None:
        made = made_in(version, made_by(signed))
        for slot in version.intervals():
            even = slot.time in made or slot.time + slot.seconds in made
            self._add(slot, version.share_at(slot.time).supplier, even=even)

    def _add(self, slot: SlotEnergy, supplier: int, *, even: bool) -> None:
        time = slot_start(slot.time)
        if self.since <= time < self.until and (slot.import_wh or slot.export_wh):
            share = self.shares[time][supplier]
            share.import_wh += slot.import_wh
            share.export_wh += slot.export_wh
            share.even_import_wh += slot.import_wh * even
            share.even_export_wh += slot.export_wh * even


def _supplier(parts: list[Settlement], report: int, time: int) -> int:
    """Whose part of the report a time lies in."""
    mine = [part for part in parts if part.report == report]
    inside = (part.supplier for part in mine if part.since <= time < part.time)
    return next(inside, mine[-1].supplier)
