"""The stations: they turn moves into packed messages."""

from dataclasses import dataclass, field, replace
from itertools import islice

from moves import Again, CoSigner, Kind, Load, Move, Signer, When
from records import PAGES, Printed, printed
from rules import Rules
from setting import KEYS, STRANGER_KEYS, VEHICLE_KEYS, VEHICLES
from twists import MAX_REGISTER, bent, changed

from gridroam.domain.energy import Reading
from gridroam.domain.session import Session
from gridroam.domain.slots import MAX_BOUNDARIES, SLOT, boundaries_between, slot_start
from gridroam.domain.stations import Station
from gridroam.domain.units import NO_KEY, NOBODY, Seconds, StationId, Timestamp, Watts, Wh
from gridroam.domain.vehicle_keys import VehicleKeys
from gridroam.messages import Domain, EnergyReport, Message, OpenSession, sign
from gridroam.signatures import Signer as Key

_ELSEWHERE = Domain(1, NO_KEY)
_NOWHERE = Station(NO_KEY, NOBODY, 11_000, 0)


@dataclass
class Fleet:
    """`sent` are all messages so far, `records` those of the meters, by their digest."""

    domain: Domain
    sent: list[bytes] = field(default_factory=list)
    records: dict[bytes, Printed] = field(default_factory=dict)
    _begun: dict[StationId, tuple[Wh, Wh]] = field(default_factory=dict)

    def pack(self, move: Move | Again, rules: Rules) -> bytes:
        if isinstance(move, Again):
            return self.sent[-1 - move.back % len(self.sent)] if self.sent else b""
        message = changed(self._metered(_message(move, rules)), move.twist)
        domain = _ELSEWHERE if move.signer is Signer.OTHER_LEDGER else self.domain
        co_signer = _co_signer(move, message, rules) if isinstance(message, OpenSession) else None
        packed = bent(sign(domain, message, _key(move, rules), co_signer), move.twist)
        self.sent.append(packed)
        return packed

    def _metered(self, message: Message) -> Message:
        """A last report names the meter's record; of each third one says another end, of each
        third another beginning."""
        registers = message.import_register, message.export_register
        if isinstance(message, OpenSession):
            self._begun[message.station] = registers
            return message
        if not message.last:
            return message
        begin, (imported, exported) = self._begun.get(message.station, registers), registers
        wrong = (message.session + message.station) % 3
        end = min(imported + 7 * (wrong == 1), MAX_REGISTER), exported
        begin = min(begin[0] + (wrong == 2), end[0]), min(begin[1], exported)
        record = printed(begin, end, len(self.records) % PAGES)
        self.records[record.digest] = record
        return replace(message, evidence=record.digest)


def _key(move: Move, rules: Rules) -> Key:
    """Of a station without a key, the former one: as long as it was retired, that may be right."""
    number, former = move.station, rules.stations.former_key(move.station)
    stranger = STRANGER_KEYS[move.station % 2]
    if move.signer is Signer.STRANGER:
        return stranger
    if move.signer is Signer.FORMER_KEY and former.key in KEYS:
        return KEYS[former.key]
    if move.signer is Signer.OTHER_STATION:
        number = number % len(rules.stations.by_number) + 1
    key = _station(rules, number).key
    return KEYS.get(former.key if key == NO_KEY else key, stranger)


def _co_signer(move: Move, opening: OpenSession, rules: Rules) -> Key | None:
    keys = rules.vehicles.keys.get(opening.vehicle, VehicleKeys())
    match move.co_signer:
        case CoSigner.NOBODY:
            return None
        case CoSigner.STRANGER:
            return STRANGER_KEYS[move.vehicle % 2]
        case CoSigner.OTHER_VEHICLE:
            return next(iter(VEHICLE_KEYS.values()))
        case CoSigner.FORMER_KEY:
            return VEHICLE_KEYS.get(keys.former)
    return VEHICLE_KEYS.get(keys.key)


def _station(rules: Rules, number: StationId) -> Station:
    return rules.stations.by_number.get(number, _NOWHERE)


def _message(move: Move, rules: Rules) -> Message:
    session = rules.market.sessions.get(move.station, Session())
    time = _time(move, session, rules)
    is_report = session.is_open if move.kind is Kind.NEXT else move.kind is Kind.REPORT
    if is_report:
        return _report(move, session, _station(rules, move.station), time)
    return OpenSession(
        station=move.station,
        session=session.number + 1,
        vehicle=VEHICLES[move.vehicle],
        time=time,
        import_register=_register(session.import_register + _meanwhile(move.taken)),
        export_register=_register(session.export_register + _meanwhile(move.fed)),
    )


def _time(move: Move, session: Session, rules: Rules) -> Timestamp:
    now, read, limits = rules.now, session.time, rules.market.registry.limits
    rotation = rules.stations.former_key(move.station).until
    keys = rules.vehicles.keys.get(VEHICLES[move.vehicle], VehicleKeys())
    change = session.change.effective if session.change else read
    most = slot_start(read) + (MAX_BOUNDARIES + 1) * SLOT if session.is_open else now
    time = {
        When.NOW: max(read, now),
        When.SECOND_AGO: max(read, now - 1),
        When.HALF_HOUR_AGO: max(read, now - 1_800),
        When.SLOT_START: max(read, slot_start(now)),
        When.SLOT_END: max(read, slot_start(now) - 1),
        When.LAST_READING: read,
        When.BEFORE_LAST_READING: read - 1,
        When.MOST_BOUNDARIES: min(most, now),
        When.ONE_BOUNDARY_MORE: min(most + 1, now),
        When.OLDEST: now - limits.backlog,
        When.TOO_OLD: now - limits.backlog - 1,
        When.AHEAD: now + limits.skew,
        When.TOO_FAR_AHEAD: now + limits.skew + 1,
        When.BEFORE_ROTATION: rotation - 1,
        When.ROTATION: rotation,
        When.BEFORE_VEHICLE_KEY: keys.from_ - 1,
        When.VEHICLE_KEY: keys.from_,
        When.CHANGE: change,
        When.AFTER_CHANGE: change + 1,
    }[move.when]
    return max(0, time)


def _register(energy: Wh) -> Wh:
    return min(energy, MAX_REGISTER)


def _meanwhile(load: Load) -> Wh:
    return {Load.NOTHING: 0, Load.SOME: 500, Load.MOST: 10**6, Load.TOO_MUCH: MAX_REGISTER}[load]


def _report(move: Move, session: Session, station: Station, time: Timestamp) -> EnergyReport:
    *boundaries, (imported, exported) = _readings(move, session.last_reading, station, time)
    return EnergyReport(
        station=move.station,
        session=session.number,
        report=session.report + 1,
        time=time,
        import_register=imported,
        export_register=exported,
        last=move.last,
        boundaries=tuple(boundaries),
    )


def _readings(move: Move, start: Reading, station: Station, end: Timestamp) -> list[tuple[Wh, Wh]]:
    """Both registers at each slot boundary and at the end."""
    time, imported, exported = start
    # without a session the last reading is decades ago
    boundaries = [*islice(boundaries_between(time, end), MAX_BOUNDARIES + 2)]
    readings = []
    for index, until in enumerate([*boundaries, end]):
        seconds, final = max(0, until - time), index == len(boundaries)
        imported += _energy(move.taken, station.max_power, seconds, index, final=final)
        exported += _energy(move.fed, station.max_feed_in, seconds, index, final=final)
        readings.append((_register(imported), _register(exported)))
        time = until
    return readings


def _energy(load: Load, power: Watts, seconds: Seconds, slot: int, *, final: bool) -> Wh:
    most = power * seconds // 3_600 + 1 if power else 0
    match load:
        case Load.NOTHING:
            return 0
        case Load.SOME:
            return most * (slot * 5 % 7 + 1) // 8
        case Load.MOST:
            return most
    return most + 1 if final else most
