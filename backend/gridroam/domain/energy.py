"""Energy by quarter hour: the difference of the cumulative registers at the two ends of each slot.

So the parts add up to the whole, whatever the slots; import and export never net.
"""

from collections.abc import Sequence
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


def by_slot(start: Reading, boundaries: Sequence[tuple[Wh, Wh]], end: Reading) -> list[SlotEnergy]:
    """The energy of each slot from one reading to the next; `boundaries` are the registers at each
    slot boundary between them."""
    slots: list[SlotEnergy] = []
    before, imported, exported = start
    times = boundaries_between(start.time, end.time)
    for time, (import_register, export_register) in zip(times, boundaries, strict=True):
        energy = import_register - imported, export_register - exported
        slots.append(SlotEnergy(before, time - before, *energy))
        before, imported, exported = time, import_register, export_register
    energy = end.import_register - imported, end.export_register - exported
    return [*slots, SlotEnergy(before, end.time - before, *energy)]


def deliverable(power: Watts, seconds: Seconds) -> Wh:
    """The most that a power may show as in a time; without power nothing may flow."""
    return power * seconds // _SECONDS_PER_HOUR + _TOLERANCE if power else 0


def check(slots: Sequence[SlotEnergy], station: Station) -> Reason:
    """Whether all of it can have gone through this station."""
    for _, _, import_wh, export_wh in slots:
        if import_wh < 0 or export_wh < 0:
            return Reason.REGISTER_BACKWARDS
    power, feed_in = station.max_power, station.max_feed_in
    lengths = {slot.seconds for slot in slots}
    most = {seconds: deliverable(power, seconds) for seconds in lengths}
    most_fed = {seconds: deliverable(feed_in, seconds) for seconds in lengths}
    for _, seconds, import_wh, export_wh in slots:
        if import_wh > most[seconds] or export_wh > most_fed[seconds]:
            return Reason.POWER_EXCEEDED
    return Reason.NONE
