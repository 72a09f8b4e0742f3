"""The week as it is played: the real sessions moved to the last complete week, an invented car for
each, and some cars that feed back at the evening peak. What goes wrong is in `troubles`.

Imports are the file's, to the watt-hour; nothing else about a session is changed but its date.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import as_file, files

from gridroam.demo import market
from gridroam.devnet.plan import MarketPlan, VehiclePlan
from gridroam.signatures import KeyCurve, Signer
from gridroam.station.replay import PlannedSession
from gridroam.station.sessions_file import FileSession, read_sessions
from gridroam.station.simulator import (
    WATT_HOUR,
    Curve,
    average_power,
    charge,
    constant,
    nothing,
)

DAY, WEEK, HOUR = 86_400, 7 * 86_400, 3_600
CLOCK = HOUR
"""Seconds that the week's own clock is ahead of UTC."""
WEEK_START = 1_575_846_000
"""Monday 2019-12-09, 00:00 at UTC+1, the week's own clock."""
_SEED = "the fleet of the demo"
_CARS = {"Mougins": 110, "Caen": 40}
_KEYED, _CURVES = 5, {1: KeyCurve.SECP256K1, 3: KeyCurve.SECP256R1}
"""Of every so many cars two have a key, one on either curve."""
_SMALL_EVERY = 12
"""Every so manyth car has the small supplier."""
_FEED_IN_POWER = 7_360
_PEAK = (17 * HOUR, 19 * HOUR)
"""Local seconds of the day between which cars feed back."""
_SHORTEST = 1_200
"""Seconds of feeding back that are worth it."""
_APART = 2 * HOUR
"""Between two sessions of a car: it has to drive from one to the other."""


@dataclass(frozen=True, slots=True)
class Visit:
    """A car at a connector; `energy` is the file's."""

    station: str
    car: str
    energy: int
    session: PlannedSession


@dataclass(frozen=True, slots=True)
class Scenario:
    """`start` is Monday 00:00 of the week's clock, in UTC seconds."""

    start: int
    days: int
    market: MarketPlan
    visits: tuple[Visit, ...]

    @property
    def end(self) -> int:
        return self.start + self.days * DAY


def build(now: int, days: int = 7) -> Scenario:
    """The first `days` of the week, moved so that the week ended before `now`."""
    shift = (now - WEEK_START - WEEK) // WEEK * WEEK
    start = WEEK_START + shift
    sessions = [
        replace(session, start=session.start + shift, end=session.end + shift)
        for session in load_week()
        if session.start < WEEK_START + days * DAY
    ]
    cars = list(_assign_cars(sessions))
    visits = [_visit(session, car, start) for session, car in zip(sessions, cars, strict=True)]
    # all connectors and cars are there, however few the days
    return Scenario(start, days, market.plan(load_week(), fleet()), tuple(visits))


def load_week() -> list[FileSession]:
    """The week as it was."""
    with as_file(files("gridroam.demo") / "week.csv") as path:
        return read_sessions(path)


def fleet() -> list[VehiclePlan]:
    """All cars with their suppliers."""
    return list(_fleet().values())


def car_id(car: str) -> bytes:
    """What the chain calls it; a car that is not in the fleet has no supplier."""
    plan = _fleet().get(car, VehiclePlan(car))
    return plan.id_of(market.number(plan.supplier) if plan.supplier else 0)


def car_key(car: str) -> Signer | None:
    """What it signs with, if it does."""
    return _fleet()[car].signer


@cache
def _fleet() -> dict[str, VehiclePlan]:
    cars = enumerate(car for site in _CARS for car in _cars_of(site))
    return {car: VehiclePlan(car, _supplier(n), _CURVES.get(n % _KEYED)) for n, car in cars}


def _supplier(number: int) -> str:
    if number % _SMALL_EVERY == 0:
        return market.SMALL
    return market.NORTH if number % 5 < 3 else market.SOUTH


def _cars_of(site: str) -> list[str]:
    return [f"{site} car {number}" for number in range(1, _CARS[site] + 1)]


def _assign_cars(sessions: Sequence[FileSession]) -> Iterator[str]:
    """By chance, the same every time: some come daily, some once a week, none is in two places."""
    chance = random.Random(_SEED)  # noqa: S311  no secret
    habits = {site: [chance.randint(1, 6) for _ in _cars_of(site)] for site in _CARS}
    free_from: dict[str, int] = {}
    for session in sessions:
        site = market.site(session.station)
        pairs = zip(_cars_of(site), habits[site], strict=True)
        free = {car: habit for car, habit in pairs if free_from.get(car, 0) <= session.start}
        (car,) = chance.choices(list(free), list(free.values()))
        free_from[car] = session.end + _APART
        yield car


def _visit(session: FileSession, car: str, start: int) -> Visit:
    imported, exported = _curves(session, start)
    key = car_key(car)
    planned = PlannedSession(car_id(car), session.start, session.end, imported, exported, key)
    return Visit(market.name(*session.place), car, session.energy, planned)


def _curves(session: FileSession, start: int) -> tuple[Curve, Curve]:
    begin, end = session.start, session.end
    power = market.max_power(session.station)
    peak = _feed_in_window(session, start)
    if peak:
        pause = peak[1] - peak[0]
        imported = charge(begin, end - pause, session.energy, power).paused(*peak)
        energy = _FEED_IN_POWER * pause // WATT_HOUR
        return imported, constant(*peak, energy, _FEED_IN_POWER)
    return charge(begin, end, session.energy, power), nothing(begin)


def _feed_in_window(session: FileSession, start: int) -> tuple[int, int] | None:
    """When a car at a station that can feed in does so: if it stays for long enough."""
    if not market.max_feed_in(session.station):
        return None
    day = start + (session.start - start) // DAY * DAY
    first, last = max(day + _PEAK[0], session.start + HOUR), min(day + _PEAK[1], session.end)
    if last - first < _SHORTEST:
        return None
    enough = market.max_power(session.station) // 2
    fits = average_power(session.start, session.end - (last - first), session.energy) <= enough
    return (first, last) if fits else None
