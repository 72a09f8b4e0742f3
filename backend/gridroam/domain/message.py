"""What the rules need to know of a signed message: its fields. Whoever decodes it fills them in."""

from typing import Protocol

from gridroam.domain.energy import Reading
from gridroam.domain.units import Bytes32, StationId, Timestamp, Wh


class Message(Protocol):
    """What every message says."""

    @property
    def station(self) -> StationId: ...
    @property
    def session(self) -> int: ...
    @property
    def time(self) -> Timestamp: ...
    @property
    def import_register(self) -> Wh: ...
    @property
    def export_register(self) -> Wh: ...


class Opening(Message, Protocol):
    """A vehicle plugged in."""

    @property
    def vehicle(self) -> Bytes32: ...


class Report(Message, Protocol):
    """Registers now and at every slot boundary since the last reading."""

    @property
    def report(self) -> int: ...
    @property
    def last(self) -> bool: ...
    @property
    def evidence(self) -> Bytes32:
        """SHA-256 of the meter's record, or zeros."""

    @property
    def boundaries(self) -> tuple[tuple[Wh, Wh], ...]: ...
    @property
    def packed_boundaries(self) -> bytes:
        """As on the wire."""


def reading_of(message: Message) -> Reading:
    return Reading(message.time, message.import_register, message.export_register)
