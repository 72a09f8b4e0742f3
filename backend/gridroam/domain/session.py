"""A station's session: how far it got, and the terms it was cleared on."""

from dataclasses import dataclass
from enum import IntEnum

from gridroam.domain.energy import Reading
from gridroam.domain.units import (
    NO_VERSION,
    NOBODY,
    NanoEuro,
    ParticipantId,
    Timestamp,
    Version,
    Wh,
)


class State(IntEnum):
    """Where a session stands."""

    NONE = 0
    OPEN = 1
    CLOSED = 2
    """By a final report."""
    EXPIRED = 3
    """The station went silent."""
    REFUSED = 4
    """The opening was decided against."""


@dataclass(slots=True)
class Session:
    """The station's only one: the next opening uses it again."""

    number: int = 0
    report: int = 0
    """The number of the last settled report."""
    time: Timestamp = 0
    """Of the last reading."""
    touched: Timestamp = 0
    """Block time of the last message that changed it."""
    import_register: Wh = 0
    """At the last reading."""
    export_register: Wh = 0
    """At the last reading."""
    state: State = State.NONE
    supplier: ParticipantId = NOBODY
    """This and what follows is fixed at clearing; a refused opening changes none of it."""
    grid_tariff: Version = NO_VERSION
    operator_tariff: Version = NO_VERSION
    supplier_reserve: NanoEuro = 0
    grid_reserve: NanoEuro = 0

    @property
    def is_open(self) -> bool:
        return self.state == State.OPEN

    @property
    def last_reading(self) -> Reading:
        return Reading(self.time, self.import_register, self.export_register)

    def advance(self, reading: Reading, now: Timestamp) -> None:
        """Takes over the registers of an accepted or decided message."""
        self.time, self.import_register, self.export_register = reading
        self.touched = now

    def is_silent(self, limit: int, now: Timestamp) -> bool:
        """Whether anybody may expire it."""
        return self.is_open and now > self.touched + limit
