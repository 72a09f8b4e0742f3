"""Energy by quarter hour: the difference of the cumulative registers at the two ends of each slot.

So the parts add up to the whole, whatever the slots; import and export never net.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from gridroam.domain.reasons import Reason
from gridroam.domain.slots import boundaries_between
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

    def check(self, station: Station) -> Reason:
        """Whether it can have gone through this station."""
        if self.import_wh < 0 or self.export_wh < 0:
            return Reason.REGISTER_BACKWARDS
        if exceeds(self.import_wh, station.max_power, self.seconds):
            return Reason.POWER_EXCEEDED
        if exceeds(self.export_wh, station.max_feed_in, self.seconds):
            return Reason.POWER_EXCEEDED
        return Reason.NONE


def by_slot(
    start: Reading, boundaries: Sequence[tuple[Wh, Wh]], end: Reading
) -> Iterator[SlotEnergy]:
    """The energy of each slot from one reading to the next; `boundaries` are the registers at each
    slot boundary between them."""
    before = start
    times = boundaries_between(start.time, end.time)
    for time, registers in zip(times, boundaries, strict=True):
        reading = Reading(time, *registers)
        yield _between(before, reading)
        before = reading
    yield _between(before, end)


def exceeds(energy: Wh, power: Watts, seconds: Seconds) -> bool:
    """Whether it is more than the power gives in the time. Without power none may flow."""
    tolerance = _TOLERANCE if power else 0
    return energy * _SECONDS_PER_HOUR > power * seconds + tolerance * _SECONDS_PER_HOUR


def _between(before: Reading, after: Reading) -> SlotEnergy:
    return SlotEnergy(
        before.time,
        after.time - before.time,
        after.import_register - before.import_register,
        after.export_register - before.export_register,
    )
