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
