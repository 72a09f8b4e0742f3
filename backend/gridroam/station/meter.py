"""The meter of a station: what it shows, and what the kit asks of it."""

from typing import NamedTuple, Protocol

from gridroam.domain.slots import boundaries_between


class Registers(NamedTuple):
    """Cumulative energy in Wh: taken from the grid, and fed into it."""

    imported: int
    exported: int


class Meter(Protocol):
    """Anything that knows the registers at a time, back to the last reading that was settled."""

    def registers(self, time: int) -> Registers:
        """What the meter showed at `time`, UTC seconds."""
        ...


def boundaries(meter: Meter, since: int, until: int) -> tuple[Registers, ...]:
    """The registers at every slot boundary strictly between two times, as a report carries them."""
    return tuple(meter.registers(time) for time in boundaries_between(since, until))


def evenly(since: int, start: Registers, until: int, end: Registers) -> tuple[Registers, ...]:
    """The registers at every slot boundary strictly between two readings, for a station that had no
    reading there: the energy spread evenly over the time, rounded down. By exactly this shape a
    supplier sees later that they were not read (docs/quarter-hours.md)."""
    seconds = max(1, until - since)
    return tuple(
        Registers(
            start.imported + (end.imported - start.imported) * (time - since) // seconds,
            start.exported + (end.exported - start.exported) * (time - since) // seconds,
        )
        for time in boundaries_between(since, until)
    )
