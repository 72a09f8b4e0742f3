"""Makes a plan for stations of a market out of sessions that happened elsewhere: at which station,
with which vehicle, and when. Pure.

A session goes to the station that is called as its connector, `station*connector`, or else to the
weakest that is free and has the power. The file names no vehicles: they come in turn.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gridroam.errors import InvalidInputError
from gridroam.signatures import Signer
from gridroam.station.replay import PlannedSession
from gridroam.station.sessions_file import FileSession, SkippedRow
from gridroam.station.simulator import average_power, charge, nothing

_APART = 3_600
"""Seconds between two sessions of a vehicle: it drives from one to the other."""


@dataclass(frozen=True, slots=True)
class Place:
    """A station of the market, and its power in W."""

    name: str
    max_power: int


@dataclass(frozen=True, slots=True)
class Plan:
    """The sessions of each station by its name, and what could not be planned."""

    sessions: dict[str, list[PlannedSession]]
    skipped: list[SkippedRow]

    @property
    def count(self) -> int:
        return sum(map(len, self.sessions.values()))


def plan(
    sessions: Sequence[FileSession],
    places: Sequence[Place],
    vehicles: Mapping[bytes, Signer | None],
    start: int,
) -> Plan:
    """`sessions` by their start, the first of which is moved to `start` (UTC seconds); `vehicles`
    with their keys."""
    made = Plan({place.name: [] for place in places}, [])
    by_power = sorted(places, key=lambda place: place.max_power)
    away_since = dict.fromkeys(vehicles, 0)
    for session in sessions:
        begin = session.start - sessions[0].start + start
        end = begin + session.end - session.start
        try:
            place = _place(made, by_power, session, begin)
            vehicle = _vehicle(away_since, begin)
        except InvalidInputError as error:
            made.skipped.append(SkippedRow(session.row, error.message))
            continue
        imported = charge(begin, end, session.energy, place.max_power)
        key = vehicles[vehicle]
        planned = PlannedSession(vehicle, begin, end, imported, nothing(begin), key)
        made.sessions[place.name].append(planned)
        # in turn: a dictionary keeps the order in which it is written
        del away_since[vehicle]
        away_since[vehicle] = end
    return made


def _place(made: Plan, by_power: Sequence[Place], session: FileSession, start: int) -> Place:
    name, needed = (
        "*".join(session.place),
        average_power(session.start, session.end, session.energy),
    )
    own = [place for place in by_power if place.name == name]
    for place in own or by_power:
        before = made.sessions[place.name]
        if place.max_power >= needed and (not before or before[-1].end <= start):
            return place
    raise InvalidInputError("no station with the power for it is free.")


def _vehicle(away_since: dict[bytes, int], start: int) -> bytes:
    for vehicle, since in away_since.items():
        if since + _APART <= start:
            return vehicle
    raise InvalidInputError("no vehicle of the market is free.")
