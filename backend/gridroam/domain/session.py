"""A station's session: how far it got, and the terms it was cleared on."""

from dataclasses import dataclass
from enum import IntEnum

from gridroam.domain.batch import Pinned
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
    """The station went silent, or the session was superseded."""
    REFUSED = 4
    """The opening was decided against."""
    SUPERSEDED = 5
    """The vehicle has signed an opening elsewhere and had not signed this one. It takes no more
    reports; its reserve is held and its station busy until somebody expires it."""


@dataclass(frozen=True, slots=True)
class Change:
    """Another supplier takes the vehicle over while the session runs."""

    supplier: ParticipantId
    effective: Timestamp
    """The start of a slot."""


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
    vehicle_signed: bool = False
    """Whether the vehicle signed the opening, too."""
    change: Change | None = None
    """A change of supplier that no report has reached yet."""
    supplier: ParticipantId = NOBODY
    """This and what follows is fixed at clearing; a refused opening changes none of it."""
    grid_operator: ParticipantId = NOBODY
    station_operator: ParticipantId = NOBODY
    grid_tariff: Version = NO_VERSION
    operator_tariff: Version = NO_VERSION
    supplier_reserve: NanoEuro = 0
    grid_reserve: NanoEuro = 0

    @property
    def is_open(self) -> bool:
        return self.state == State.OPEN

    @property
    def occupies(self) -> bool:
        """Whether the station can open no other one, and reserves are held."""
        return self.state in (State.OPEN, State.SUPERSEDED)

    @property
    def last_reading(self) -> Reading:
        return Reading(self.time, self.import_register, self.export_register)

    @property
    def pinned(self) -> Pinned:
        return Pinned(
            self.supplier,
            self.grid_operator,
            self.station_operator,
            self.grid_tariff,
            self.operator_tariff,
        )

    def advance(self, reading: Reading, now: Timestamp) -> None:
        """Takes over the registers of an accepted or decided message."""
        self.time, self.import_register, self.export_register = reading
        self.touched = now

    def may_expire(self, silence: int, now: Timestamp) -> bool:
        """Whether anybody may expire it: at once if it was superseded."""
        silent = self.is_open and now > self.touched + silence
        return silent or self.state == State.SUPERSEDED
