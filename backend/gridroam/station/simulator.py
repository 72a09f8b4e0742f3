"""Simulated charging: curves of energy over time, exact to the watt-hour, and the meter that shows
them. Driven by whatever time is asked for, so that a week takes as long as its questions take.

A curve counts watt-seconds at whole seconds, joined by straight lines none of which is steeper than
the power allows; a register shows its whole watt-hours. So registers never run backwards, end at
exactly the energy given, and no slot takes more than the ledger's power rule allows.
"""

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass

from gridroam.errors import InvalidInputError
from gridroam.station.meter import Registers

WATT_HOUR = 3600
"""Watt-seconds."""
_CHARGERS = (3_680, 7_360, 11_040, 22_080)
"""W that cars draw from alternating current."""
_BATTERY = 80_000
"""Wh of a usual one."""
_TAPER = ((85, 90), (90, 70), (95, 50), (100, 30))
"""Up to this state of charge at this share of the power, both in percent."""


@dataclass(frozen=True, slots=True)
class Curve:
    """Points of (UTC seconds, watt-seconds since the start), both ascending, at least one."""

    points: tuple[tuple[int, int], ...]

    @property
    def start(self) -> int:
        return self.points[0][0]

    @property
    def end(self) -> int:
        return self.points[-1][0]

    def energy_at(self, time: int) -> int:
        """Whole Wh since the start."""
        return self.watt_seconds_at(time) // WATT_HOUR

    def watt_seconds_at(self, time: int) -> int:
        after = bisect_right(self.points, time, key=lambda point: point[0])
        if after == 0:
            return 0
        if after == len(self.points):
            return self.points[-1][1]
        (t0, w0), (t1, w1) = self.points[after - 1], self.points[after]
        return w0 + (w1 - w0) * (time - t0) // (t1 - t0)

    def paused(self, at: int, until: int) -> "Curve":
        """Stands still between two times and goes on as before, that much later."""
        head = [point for point in self.points if point[0] < at]
        tail = [(time + until - at, w) for time, w in self.points if time > at]
        stand = self.watt_seconds_at(at)
        return Curve((*head, (at, stand), (until, stand), *tail))


@dataclass(frozen=True, slots=True)
class SimulatedMeter:
    """The registers of a session that starts at `before`."""

    before: Registers
    imported: Curve
    exported: Curve

    def registers(self, time: int) -> Registers:
        return Registers(
            self.before.imported + self.imported.energy_at(time),
            self.before.exported + self.exported.energy_at(time),
        )


def nothing(start: int) -> Curve:
    """No energy at all."""
    return Curve(((start, 0),))


def charge(start: int, end: int, energy: int, max_power: int) -> Curve:
    """As cars do at a station of that power: with alternating current at the least of the usual
    powers that is enough, with direct current tapering off. Raises as `constant` does."""
    if max_power > _CHARGERS[-1]:
        return tapered(start, end, energy, max_power, _BATTERY)
    needed = average_power(start, end, energy)
    power = next((power for power in _CHARGERS if needed <= power <= max_power), max_power)
    return constant(start, end, energy, power)


def constant(start: int, end: int, energy: int, power: int) -> Curve:
    """Alternating current: `energy` Wh at `power` W from the start on, then the car stays plugged
    in. Raises `InvalidInputError` if that takes longer than until `end`."""
    return _chain(start, end, [(energy * WATT_HOUR, power)])


def tapered(start: int, end: int, energy: int, power: int, capacity: int) -> Curve:
    """Direct current: full power up to 80 % of a battery of `capacity` Wh, then less and less.

    The battery ends as full as the time allows; in haste it ends at 80 %, without any taper.
    """
    for full in (100, 95, 90, 85):
        curve = _chain(start, None, _taper(energy, power, capacity, full))
        if curve.end <= end:
            return curve
    return constant(start, end, energy, power)


def average_power(start: int, end: int, energy: int) -> int:
    """The least whole W at which `energy` Wh flow in the time."""
    return _divide_up(energy * WATT_HOUR, end - start) if energy else 0


def _taper(energy: int, power: int, capacity: int, full: int) -> list[tuple[int, int]]:
    """(watt-seconds, W) of the steps that end at `full` percent with `energy` Wh in all."""
    total = energy * WATT_HOUR
    step = capacity * WATT_HOUR * 5 // 100
    above = [share for limit, share in _TAPER if limit <= full]
    kept: list[tuple[int, int]] = []
    for share in reversed(above):
        part = min(step, total)
        kept.append((part, _divide_up(power * share, 100)))
        total -= part
    return [(total, power), *reversed(kept)]


def _chain(start: int, end: int | None, steps: Iterable[tuple[int, int]]) -> Curve:
    """One straight line after another, each over whole seconds and so never above its power."""
    points = [(start, 0)]
    for watt_seconds, power in steps:
        if watt_seconds:
            seconds = _divide_up(watt_seconds, power) if power > 0 else 0
            time, before = points[-1]
            if not seconds or (end is not None and time + seconds > end):
                raise InvalidInputError(
                    f"{watt_seconds // WATT_HOUR} Wh do not flow in time at {power} W.",
                    "Give the session more power or less energy.",
                )
            points.append((time + seconds, before + watt_seconds))
    return Curve(tuple(points))


def _divide_up(value: int, by: int) -> int:
    return -(-value // by)
