"""The registry: participants, stations and tariffs together, and the limits they live under."""

from dataclasses import dataclass, field

from gridroam.domain.participants import Limits, Participants
from gridroam.domain.stations import Stations
from gridroam.domain.tariff import Tariff
from gridroam.domain.tariffs import Tariffs
from gridroam.domain.units import ParticipantId, Timestamp, Version
from gridroam.domain.violation import NotAllowedError


@dataclass(slots=True)
class Registry:
    """What clearing asks about, kept by its parts."""

    participants: Participants = field(default_factory=Participants)
    stations: Stations = field(init=False)
    tariffs: Tariffs = field(init=False)
    paused: bool = False
    """Governance has stopped new clearings; nothing else changes."""

    def __post_init__(self) -> None:
        self.stations = Stations(self.participants)
        self.tariffs = Tariffs(self.participants)

    @property
    def limits(self) -> Limits:
        """Governance sets them before anything else."""
        limits = self.participants.limits
        if limits is None:
            raise NotAllowedError("LimitOutOfRange", "no limits were ever set")
        return limits

    def publish_tariff(
        self, participant: ParticipantId, role: int, tariff: Tariff, now: Timestamp
    ) -> Version:
        return self.tariffs.publish(participant, role, tariff, self.limits, now)
