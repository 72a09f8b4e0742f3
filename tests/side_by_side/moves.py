"""Moves: what a station, or somebody in its place, sends next, as it should be or not.

A move says nothing of numbers and times: these follow from where the market stands in its turn.
"""

from dataclasses import dataclass
from enum import Enum, auto

from twists import Twist

from gridroam.domain.units import StationId


class Kind(Enum):
    """Of a message. `NEXT` is the one that fits: a report if the session is open."""

    NEXT = auto()
    OPENING = auto()
    REPORT = auto()


class When(Enum):
    """A message's time, by the clock or by the station's last reading."""

    NOW = auto()
    SECOND_AGO = auto()
    HALF_HOUR_AGO = auto()
    SLOT_START = auto()
    """of the running slot"""
    SLOT_END = auto()
    """the second before"""
    LAST_READING = auto()
    BEFORE_LAST_READING = auto()
    MOST_BOUNDARIES = auto()
    ONE_BOUNDARY_MORE = auto()
    OLDEST = auto()
    TOO_OLD = auto()
    AHEAD = auto()
    """as far as it may be"""
    TOO_FAR_AHEAD = auto()
    BEFORE_ROTATION = auto()
    """the last second of the former key"""
    ROTATION = auto()
    BEFORE_VEHICLE_KEY = auto()
    """the last second of the vehicle's former key, or of none"""
    VEHICLE_KEY = auto()
    CHANGE = auto()
    """of supplier, on the road"""
    AFTER_CHANGE = auto()


class Load(Enum):
    """What went through the meter; of an opening, since the last session."""

    NOTHING = auto()
    SOME = auto()
    """another share of the power in each slot"""
    MOST = auto()
    """all that the power allows, in each slot"""
    TOO_MUCH = auto()
    """a watt-hour more, in the last; of an opening, up to the end of the register"""


class Signer(Enum):
    STATION = auto()
    FORMER_KEY = auto()
    """if there is one"""
    OTHER_STATION = auto()
    STRANGER = auto()
    OTHER_LEDGER = auto()
    """the right key, but for a ledger somewhere else"""


class CoSigner(Enum):
    """Who signs an opening for the vehicle."""

    VEHICLE = auto()
    """if it has a key, else nobody"""
    FORMER_KEY = auto()
    """if there is one"""
    NOBODY = auto()
    STRANGER = auto()
    OTHER_VEHICLE = auto()


@dataclass(frozen=True)
class Move:
    """`vehicle` is an index of the scene's; it counts for openings only, and so does its signer."""

    station: StationId
    vehicle: int = 0
    kind: Kind = Kind.NEXT
    when: When = When.NOW
    taken: Load = Load.NOTHING
    fed: Load = Load.NOTHING
    last: bool = False
    signer: Signer = Signer.STATION
    co_signer: CoSigner = CoSigner.VEHICLE
    twist: Twist = Twist.NONE


@dataclass(frozen=True)
class Again:
    """One of the last messages once more."""

    back: int


Batch = list[Move | Again]
