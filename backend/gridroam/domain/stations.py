"""The stations behind grid operators' meters, and the keys that stations sign with."""

from dataclasses import dataclass, field

from gridroam.domain.meters import Meters
from gridroam.domain.participants import Participants, Role
from gridroam.domain.units import (
    NO_KEY,
    NOBODY,
    Address,
    Bytes32,
    ParticipantId,
    StationId,
    Timestamp,
    Watts,
)
from gridroam.domain.violation import NotAllowedError, require


@dataclass(slots=True)
class Station:
    """One charging point."""

    key: Address
    """The address of its public key; `NO_KEY`: revoked or retired."""
    operator: ParticipantId
    """`NOBODY`: closed for good."""
    max_power: Watts
    """From the grid."""
    max_feed_in: Watts
    """Into the grid; 0: it charges only."""
    grid_operator: ParticipantId = NOBODY
    """`NOBODY`: requested, not approved."""

    @property
    def can_feed_in(self) -> bool:
        return self.max_feed_in != 0


@dataclass(frozen=True, slots=True)
class FormerKey:
    """The key before the present one."""

    key: Address = NO_KEY
    until: Timestamp = 0
    """Messages with a time before this may bear it."""

    def is_good(self, time: Timestamp) -> bool:
        return self.key != NO_KEY and time < self.until


@dataclass(slots=True)
class Stations:
    """Stations by number, and the meters they stand behind."""

    participants: Participants
    meters: Meters = field(init=False)
    by_number: dict[StationId, Station] = field(default_factory=dict)
    former_keys: dict[StationId, FormerKey] = field(default_factory=dict)
    meter_of: dict[StationId, Bytes32] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.meters = Meters(self.participants)

    def __getitem__(self, number: StationId) -> Station:
        station = self.by_number.get(number)
        if station is None:
            raise NotAllowedError("NotYourStation", f"there is no station {number}")
        return station

    def is_known(self, number: StationId, time: Timestamp) -> bool:
        """Approved, with a key that is good for `time`: what it signs can count."""
        station = self.by_number.get(number)
        if station is None or station.grid_operator == NOBODY:
            return False
        return station.key != NO_KEY or self.former_key(number).is_good(time)

    def may_sign(self, number: StationId, signer: Address | None, time: Timestamp) -> bool:
        """Whether the key behind a signature is the station's, or was until after `time`."""
        if signer in (None, NO_KEY):
            return False
        if signer == self[number].key:
            return True
        former = self.former_key(number)
        return signer == former.key and former.is_good(time)

    def former_key(self, number: StationId) -> FormerKey:
        return self.former_keys.get(number, _NONE)

    # ------------------------------------------------------------------------------ grid operators

    def approve(self, number: StationId, grid_operator: ParticipantId) -> None:
        """The meter's grid operator approves a station that was requested."""
        self.participants.require_active(grid_operator, Role.GRID_OPERATOR)
        station = self[number]
        behind = self.meters.owner_of(self.meter_of[number]) == grid_operator
        require(behind, "NotYourStation", f"station {number}, grid operator {grid_operator}")
        pending = station.grid_operator == NOBODY and station.operator != NOBODY
        require(pending, "NotPending", f"station {number}")
        station.grid_operator = grid_operator

    def close(self, number: StationId) -> None:
        """The meter's grid operator closes a station for good."""
        station = self._running(number)
        station.key, station.operator = NO_KEY, NOBODY
        self.former_keys.pop(number, None)

    # --------------------------------------------------------------------------- station operators

    def request(
        self,
        operator: ParticipantId,
        meter: Bytes32,
        key: Address,
        max_power: Watts,
        max_feed_in: Watts,
    ) -> StationId:
        """A station operator asks for a station behind a meter; it works once it is approved."""
        self.participants.require_active(operator, Role.STATION_OPERATOR)
        require(self.meters.owner_of(meter), "UnknownMeter", meter.hex())
        require(key != NO_KEY, "InvalidKey", key)
        require(max_power > 0, "InvalidPower", f"{max_power} W")
        number = len(self.by_number) + 1
        self.by_number[number] = Station(key, operator, max_power, max_feed_in)
        self.meter_of[number] = meter
        return number

    def rotate_key(self, number: StationId, key: Address, until: Timestamp) -> None:
        """`key` signs from now on, whatever the message's time; the former one what lies before
        `until`. Without a present key the former one stays: none, if it was revoked."""
        station = self._running(number)
        require(key != NO_KEY, "InvalidKey", key)
        if station.key != NO_KEY:
            self.former_keys[number] = FormerKey(station.key, until)
        station.key = key

    def retire_key(self, number: StationId, until: Timestamp) -> None:
        """What the key signs for times before `until` stays valid; no other one takes its place."""
        station = self._running(number)
        require(station.key != NO_KEY, "InvalidKey", f"station {number} has none")
        self.former_keys[number] = FormerKey(station.key, until)
        station.key = NO_KEY

    def revoke_key(self, number: StationId) -> None:
        """Cuts present and former key off at once, what they signed before included."""
        self._running(number).key = NO_KEY
        self.former_keys.pop(number, None)

    def _running(self, number: StationId) -> Station:
        require(self[number].operator != NOBODY, "NotYourStation", f"station {number} is closed")
        return self[number]


_NONE = FormerKey()
