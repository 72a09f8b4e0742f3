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

    def ran_backwards(self) -> bool:
        return self.import_wh < 0 or self.export_wh < 0

    def fits(self, station: Station) -> bool:
        """Whether the station's power can have brought it in the time."""
        return self.import_wh <= deliverable(station.max_power, self.seconds) and (
            self.export_wh <= deliverable(station.max_feed_in, self.seconds)
        )


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


def deliverable(power: Watts, seconds: Seconds) -> Wh:
    """The most that a power may show as in a time; without power nothing may flow."""
    return power * seconds // _SECONDS_PER_HOUR + _TOLERANCE if power else 0


def check(slots: Sequence[SlotEnergy], station: Station) -> Reason:
    """Whether all of it can have gone through this station."""
    if any(slot.ran_backwards() for slot in slots):
        return Reason.REGISTER_BACKWARDS
    fits = all(slot.fits(station) for slot in slots)
    return Reason.NONE if fits else Reason.POWER_EXCEEDED


def _between(before: Reading, after: Reading) -> SlotEnergy:
    return SlotEnergy(
        before.time,
        after.time - before.time,
        after.import_register - before.import_register,
        after.export_register - before.export_register,
    )
