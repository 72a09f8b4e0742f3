"""Energy by quarter hour: the difference of the cumulative registers at the two ends of each slot.

So the parts add up to the whole, whatever the slots; import and export never net.
"""

from bisect import bisect_left
from collections.abc import Sequence
from itertools import pairwise
from operator import sub
from typing import NamedTuple

from gridroam.domain.reasons import Reason
from gridroam.domain.slots import SLOT, boundaries_between
from gridroam.domain.stations import Station
from gridroam.domain.units import Seconds, Timestamp, Watts, Wh

_SECONDS_PER_HOUR = 3600
_TOLERANCE: Wh = 1
"""Registers show whole watt-hours, so a slot may seem to have one more than it had."""


class Reading(NamedTuple):
    """What the meter showed."""

    time: Timestamp
    import_register: Wh
    export_register: Wh


class SlotEnergy(NamedTuple):
    """What went through the meter within one slot, or within the part of it that was read."""

    time: Timestamp
    """Of its start."""
    seconds: Seconds
    import_wh: Wh
    """Negative if the register ran backwards."""
    export_wh: Wh
    """The same."""


class Course(NamedTuple):
    """The energy slot by slot from one reading to another, in columns: they are added up, priced
    and compared as a whole, by the million."""

    times: tuple[Timestamp, ...]
    """Of the first reading, of each slot boundary after it, and of the last reading."""
    import_wh: list[Wh]
    """From each time to the next; negative if the register ran backwards."""
    export_wh: list[Wh]
    """The same."""

    def cut(self, time: Timestamp) -> tuple["Course", "Course"]:
        """The slots that begin before a time, and the others."""
        times, import_wh, export_wh = self
        at = bisect_left(times, time, hi=len(import_wh))
        return (
            Course(times[: at + 1], import_wh[:at], export_wh[:at]),
            Course(times[at:], import_wh[at:], export_wh[at:]),
        )

    def slots(self) -> list[SlotEnergy]:
        """Row by row."""
        rows = zip(pairwise(self.times), self.import_wh, self.export_wh, strict=True)
        return [SlotEnergy(time, until - time, *energy) for (time, until), *energy in rows]


def course(start: Reading, boundaries: Sequence[tuple[Wh, Wh]], end: Reading) -> Course:
    """From one reading to the next; `boundaries` are the registers at each slot boundary between
    them. Raises `ValueError` if there are more or fewer."""
    times = start.time, *boundaries_between(start.time, end.time), end.time
    imported, exported = zip(start[1:], *boundaries, end[1:], strict=True)
    if len(imported) != len(times):
        raise ValueError(f"{len(boundaries)} boundaries from {start.time} to {end.time}")
    return Course(
        times, list(map(sub, imported[1:], imported)), list(map(sub, exported[1:], exported))
    )


def by_slot(start: Reading, boundaries: Sequence[tuple[Wh, Wh]], end: Reading) -> list[SlotEnergy]:
    """The same row by row."""
    return course(start, boundaries, end).slots()


def deliverable(power: Watts, seconds: Seconds) -> Wh:
    """The most that a power may show as in a time; without power nothing may flow."""
    return power * seconds // _SECONDS_PER_HOUR + _TOLERANCE if power else 0


def check(energy: Course, station: Station) -> Reason:
    """Whether all of it can have gone through this station."""
    times, import_wh, export_wh = energy
    if min(import_wh) < 0 or min(export_wh) < 0:
        return Reason.REGISTER_BACKWARDS
    first, last = times[1] - times[0], times[-1] - times[-2]
    for power, energies in (station.max_power, import_wh), (station.max_feed_in, export_wh):
        if (
            energies[0] > deliverable(power, first)
            or energies[-1] > deliverable(power, last)
            or max(energies) > deliverable(power, SLOT)
        ):
            return Reason.POWER_EXCEEDED
    return Reason.NONE
