"""What goes wrong in the demo's week, and when: mistakes, attacks and failures, each played against
the running system. What it answers is read from receipts and from the chain, not from here."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from gridroam.chain import events
from gridroam.demo import records
from gridroam.demo.dispute import Dispute
from gridroam.demo.incidents import Outcome
from gridroam.demo.market import NORTH, SOUTH
from gridroam.demo.scenario import HOUR, Scenario, Visit, car_id, car_key
from gridroam.demo.stage import Stage
from gridroam.devnet.plan import secret
from gridroam.domain.slots import SLOT, slot_start
from gridroam.messages import EnergyReport, Message, OpenSession, sign, unpack
from gridroam.station.meter import Registers
from gridroam.station.receipt import Receipt

_GLITCH = 1_000_000
"""Wh that a broken meter jumps by."""
_SLOW, _FORGER = "SAP-Mougins-14*1", "SAP-Caen-02*2"
"""Stations whose meters sign records, both charging at that time."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """Happens `at` seconds after the week's start, when all stations have done what they do."""

    at: int
    what: str
    play: Callable[[Stage], Sequence[Outcome]]


def of_the_first_day() -> tuple[Trouble, ...]:
    """In order of time."""
    return (
        Trouble(10 * HOUR, "a meter jumps ahead", meter_jumps_ahead),
        Trouble(10 * HOUR, "a station loses its network", lose_network),
        Trouble(10 * HOUR, "a station counts less than its meter", count_slowly),
        Trouble(10 * HOUR, "a station forges its meter's record", forge_record),
        Trouble(10 * HOUR, "a car on the road changes its supplier", change_supplier),
        Trouble(14 * HOUR, "a station was offline for 4 h", regain_network),
        Trouble(21 * HOUR, "a car without supplier", unknown_vehicle),
        Trouble(21 * HOUR, "a copied car id", copied_id),
        Trouble(21 * HOUR, "a register runs backwards", register_runs_backwards),
        Trouble(21 * HOUR, "a station dies after clearing", station_falls_silent),
        Trouble(22 * HOUR, "a forgery, two replays", forgery_and_replay),
        Trouble(28 * HOUR, "anybody ends its session", expire_silent_sessions),
        Trouble(29 * HOUR, "a session billed to the wrong supplier", correct_by_consent),
        Trouble(30 * HOUR, "another one, without consent yet", propose_only),
        Trouble(31 * HOUR, "meters' records are brought, one of them forged", records.bring),
    )


def meter_jumps_ahead(stage: Stage) -> list[Receipt]:
    """A report of more energy than the station has power for. The next one is right again."""
    station = next(r.station for r in stage.replays.values() if r.station.in_session)
    imported, exported = station.registers
    return station.report(station.last_time + 1, Registers(imported + _GLITCH, exported))


def lose_network(stage: Stage) -> list[Receipt]:
    """It charges on, and keeps what it signs. Its car is there until the network is back."""
    back = stage.scenario.start + 14 * HOUR
    name = next(v.station for v in stage.scenario.visits if _spans(v, stage.now, back))
    stage.cables[name].is_plugged = False
    return []


def regain_network(stage: Stage) -> list[Receipt]:
    name = next(name for name, cable in stage.cables.items() if not cable.is_plugged)
    stage.cables[name].is_plugged = True
    return stage.replays[name].station.flush()


def count_slowly(stage: Stage) -> list[Receipt]:
    """Its own counter, until the session ends. The meter's record will say what it was."""
    replay = stage.replays[_SLOW]
    assert replay.meter is not None  # noqa: S101  the week is always the same
    replay.counter = records.SlowCounter(replay.meter, replay.station.registers)
    return []


def forge_record(stage: Stage) -> list[Receipt]:
    replay = stage.replays[_FORGER]
    assert replay.printer is not None  # noqa: S101  it has a meter that signs
    replay.printer = records.forged(replay.printer)
    return []


def change_supplier(stage: Stage) -> Sequence[Outcome]:
    """Agreed while the car charges, for the half-hour after: both suppliers have their part."""
    soon = slot_start(stage.now) + 2 * SLOT
    car = next(
        v.car
        for v in reversed(stage.scenario.visits)
        if _spans(v, stage.now, soon + SLOT) and 0 < _energy(v, soon) < _energy(v, v.session.end)
        if _supplier(stage.scenario, v.car) == NORTH
    )
    heir, ids = stage.market.participants[SOUTH], [car_id(car)]
    stage.act(NORTH, "offerVehicles", ids, heir.number, soon)
    return stage.act(SOUTH, "acceptVehicles", ids)


def copied_id(stage: Stage) -> list[Receipt]:
    """Of a car that signs its openings: without its signature the id is worth nothing."""
    replay = next(iter(stage.idle()))
    car = next(v.car for v in stage.scenario.visits if car_key(v.car))
    return [replay.station.open(car_id(car), stage.now, replay.registers)]


def unknown_vehicle(stage: Stage) -> list[Receipt]:
    replay = next(iter(stage.idle()))
    return [replay.station.open(car_id("a car of nobody"), stage.now, replay.registers)]


def register_runs_backwards(stage: Stage) -> list[Receipt]:
    """An opening with less on the meter than the ledger has seen."""
    replay = next(r for r in stage.idle() if r.station.last_time)
    imported, exported = replay.registers
    car = car_id(_spare_car(stage.scenario))
    return [replay.station.open(car, stage.now, Registers(imported - 1, exported))]


def station_falls_silent(stage: Stage) -> list[Receipt]:
    """Cleared, and then no more is heard of it, until it works again some day."""
    *_, replay = stage.idle()
    return [replay.station.open(car_id(_spare_car(stage.scenario)), stage.now, replay.registers)]


def forgery_and_replay(stage: Stage) -> Sequence[Outcome]:
    """Straight to the ledger, past any relay."""
    outcomes = stage.submit([_forged(stage), *_first_session(stage)])
    return [event for event in outcomes if isinstance(event, events.MessageRejected)]


def expire_silent_sessions(stage: Stage) -> Sequence[Outcome]:
    limit = stage.ledger.limits().silence
    stations = [replay.station for replay in stage.replays.values()]
    silent = [s.number for s in stations if s.in_session and stage.now > s.last_time + limit]
    return [event for number in silent for event in stage.expire(number)]


def correct_by_consent(stage: Stage) -> Sequence[Outcome]:
    """Its supplier disputes it and proposes another one. Everybody whom that costs agrees: the new
    supplier, and both operators, to whom somebody else now owes the money."""
    dispute = Dispute(stage, _north_sessions(stage)[0])
    done = [*dispute.raise_by(NORTH), *dispute.propose_by(NORTH, SOUTH)]
    return [*done, *(event for name in dispute.needed for event in dispute.consent_by(name))]


def propose_only(stage: Stage) -> Sequence[Outcome]:
    dispute = Dispute(stage, _north_sessions(stage)[1])
    return [*dispute.raise_by(NORTH), *dispute.propose_by(NORTH, SOUTH)]


def _north_sessions(stage: Stage) -> list[events.ReportSettled]:
    """Its last reports with energy taken, of sessions that have ended."""
    number = stage.market.participants[NORTH].number
    settled = (e for e in _happened(stage) if isinstance(e, events.ReportSettled))
    return [e for e in settled if e.last and e.supplier == number and e.import_wh]


def _spans(visit: Visit, start: int, end: int) -> bool:
    return visit.session.start < start and end < visit.session.end


def _energy(visit: Visit, until: int) -> int:
    return visit.session.imported.energy_at(until)


def _supplier(scenario: Scenario, car: str) -> str:
    return next(c.supplier for c in scenario.market.vehicles if c.name == car)


def _spare_car(scenario: Scenario) -> str:
    """One that the week does not need, and that signs nothing."""
    driven = {visit.car for visit in scenario.visits}
    cars = scenario.market.vehicles
    spare = (c.name for c in cars if c.name not in driven and not c.curve)
    return next(name for name in spare if _supplier(scenario, name) == NORTH)


def _forged(stage: Stage) -> bytes:
    """A stranger opens a session at somebody else's station, with a key of its own."""
    station = next(iter(stage.idle())).station
    imported, exported = station.registers
    car = car_id(stage.scenario.visits[0].car)
    opening = OpenSession(station.number, 4_000_000_000, car, stage.now, imported, exported)
    return sign(stage.ledger.domain, opening, secret("stranger", "key")).pack()


def _first_session(stage: Stage) -> Iterator[bytes]:
    """Its opening and its final report, as they stand in the chain for everybody."""
    found = _happened(stage)
    opened = next(e for e in found if isinstance(e, events.SessionCleared))
    closed = next(
        e
        for e in found
        if isinstance(e, events.ReportSettled) and e.last and e.station == opened.station
    )
    for event in (opened, closed):
        yield next(raw for raw in stage.batch_of(event) if _is_of(unpack(raw).message, event))


def _happened(stage: Stage) -> list[events.Event]:
    """The ledger's events so far."""
    head = stage.ledger.w3.eth.block_number
    return list(events.fetch(stage.ledger.w3, [stage.ledger.address], stage.deployment.block, head))


def _is_of(message: Message, event: events.SessionCleared | events.ReportSettled) -> bool:
    last = isinstance(message, EnergyReport) and message.last
    return message.station == event.station and last == isinstance(event, events.ReportSettled)
