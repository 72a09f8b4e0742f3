"""Sessions that are disputed, proposed to be otherwise, corrected and proven, on a lively chain."""

from dataclasses import dataclass
from typing import Any

from meters import PRIVATE, SERIAL, record_of
from traffic import Traffic

from gridroam.chain import abi
from gridroam.devnet.members import MarketParticipant, MarketStation
from gridroam.domain.slots import SLOT
from gridroam.evidence.corrections import Change, Corrections, Version, packed, proof, same
from gridroam.evidence.record import Evidence, meter_key, read
from gridroam.evidence.story import story_of


@dataclass
class Corrector:
    """Acts for whoever is asked."""

    traffic: Traffic

    @property
    def corrections(self) -> Corrections:
        return Corrections(self.traffic.ledger)

    def who(self, number: int) -> MarketParticipant:
        people = self.traffic.market.participants.values()
        return next(one for one in people if one.number == number)

    def call(self, key: bytes, function: str, *arguments: Any) -> None:
        found = abi.functions("Corrections")[function]
        self.traffic.wallet(key).call(self.corrections.address, found, *arguments)

    def present(self, station: int, session: int) -> Version:
        later = self.corrections.corrected(station, session)
        if later:
            return later[-1]
        return self.corrections.version_of(story_of(self.traffic.ledger, station, session))

    def on(self, by: int, function: str, station: int, session: int, *arguments: Any) -> None:
        """By the story, or by the version if the session is on file."""
        if any(self.corrections.standing(station, session).content):
            version = self.present(station, session)
            self.call(self.who(by).key, function + "Version", version, *arguments)
        else:
            story = story_of(self.traffic.ledger, station, session).as_argument()
            self.call(self.who(by).key, function, story, *arguments)

    def dispute(self, by: int, station: int, session: int, reason: int = 1) -> None:
        self.on(by, "dispute", station, session, reason, bytes(31) + b"\1")

    def propose(self, by: int, present: Version, change: Change) -> tuple[int, ...]:
        """Gives those who have to consent besides."""
        self.on(by, "propose", present.station, present.session, change)
        _, costs = self.corrections.draft(present, change)
        return tuple(one for one in costs if one != by)

    def consent(self, by: int, present: Version, change: Change) -> None:
        self.call(self.who(by).key, "consent", present, change)

    def agree(self, by: int, present: Version, change: Change) -> None:
        for other in self.propose(by, present, change):
            self.consent(other, present, change)

    def change(
        self, present: Version, *, imported: int = 0, exported: int = 0, supplier: int = 0
    ) -> Change:
        """More or less energy in the last interval, or all of it for another supplier."""
        self.traffic.wait(1)
        *rest, (last_import, last_export) = present.registers
        most = last_import + imported, last_export + exported
        registers = [(min(i, most[0]), min(e, most[1])) for i, e in rest]
        made = same(present, self.traffic.now)._replace(readings=packed([*registers, most]))
        return made._replace(assignments=((supplier, present.end),)) if supplier else made

    # -------------------------------------------------------------------------------------- meters

    def put_meter_on_file(self, station: MarketStation) -> None:
        ledger = self.traffic.ledger
        grid = self.who(ledger.station(station.number).grid_operator)
        key = tuple(meter_key(PRIVATE.public_key(), SERIAL))
        assert self.traffic.act(
            grid.key, "Registry", "setMeterKey", ledger.meter_of(station.number), key
        )

    def session(self, station: MarketStation, car: bytes, taken: int, record: str) -> int:
        """Closed, and its last report names a record; gives its number."""
        traffic, digest = self.traffic, Evidence(tuple(read(record))).digest
        traffic.submit(traffic.sign(station, traffic.opening(station, car)))
        traffic.wait(2 * SLOT)
        report = traffic.report(station, taken, last=True, evidence=digest)
        traffic.submit(traffic.sign(station, report))
        return traffic.session(station).number

    def prove(self, station: int, session: int, record: str) -> None:
        story, evidence = story_of(self.traffic.ledger, station, session), read(record)
        on_file = any(self.corrections.standing(station, session).content)
        present = self.present(station, session) if on_file else None
        made = proof(story, Evidence(tuple(evidence)), present)
        self.call(self.traffic.anvil.keys[1], "proveAll", [made, b"\0" * 32])

    def bring(self, *proofs: bytes) -> None:
        self.call(self.traffic.anvil.keys[1], "proveAll", list(proofs))

    def false_proof(self, station: int, session: int, record: bytes = b"no record") -> bytes:
        """Of a session, as if nobody had acted on it."""
        story = story_of(self.traffic.ledger, station, session).as_argument()
        return abi.functions("Corrections")["prove"].calldata((story, [], record, 0, b""))[4:]


def correct(traffic: Traffic) -> None:
    """After the ordinary sessions, the handover and the bankruptcy: something of everything."""
    people, stations = traffic.market.participants, traffic.market.stations
    rich, fallback, coast, operator = (
        people[name].number for name in ("rich", "fallback", "coast", "operator")
    )
    both, charger = stations["both-ways"].number, stations["charger"].number
    corrector = Corrector(traffic)
    present = corrector.present

    # disputed, less by agreement, then more again
    corrector.dispute(rich, both, 1)
    first = present(both, 1)
    corrector.agree(rich, first, corrector.change(first, imported=-900, exported=100))
    corrector.agree(operator, second := present(both, 1), corrector.change(second, imported=50))

    # two proposals, of which one waits for the operator; disputed
    first = present(both, 2)
    corrector.propose(rich, first, change := corrector.change(first, imported=-700))
    corrector.consent(coast, first, change)
    corrector.propose(operator, first, corrector.change(first, imported=10))
    corrector.dispute(coast, both, 2, reason=5)

    # a change of supplier that should have been earlier, which the new one cannot pay at once
    first = present(both, 3)
    free = traffic.ledger.account(fallback)
    key = people["fallback"].key
    traffic.act(key, "Vault", "withdraw", free.balance - free.reserved, people["fallback"].address)
    corrector.agree(fallback, first, corrector.change(first, supplier=fallback))
    # and in which a third one has its part for a while
    second = present(both, 3)
    corrector.agree(rich, second, corrector.change(second, supplier=rich))

    # expired, and nothing was taken
    number = traffic.ledger.session(charger).number
    expired = present(charger, number)
    taken = expired.registers[-1][0] - expired.registers[0][0]
    corrector.agree(expired.shares[0].supplier, expired, corrector.change(expired, imported=-taken))

    _prove(corrector, stations["both-ways"])


def _prove(corrector: Corrector, station: MarketStation) -> None:
    """One session that the meter confirms, and one that it corrects, which somebody had proposed to
    correct otherwise."""
    traffic = corrector.traffic
    rich, car = traffic.market.participants["rich"], traffic.market.vehicles["of-rich"].id
    corrector.put_meter_on_file(station)
    start = traffic.session(station).import_register
    record = record_of(start, start + 3_000, page=1)
    number = corrector.session(station, car, 3_000, record)
    corrector.prove(station.number, number, record)

    start = traffic.session(station).import_register
    record = record_of(start - 20, start + 3_500, page=2)
    number = corrector.session(station, car, 3_000, record)
    first = corrector.present(station.number, number)
    corrector.propose(rich.number, first, corrector.change(first, imported=-1_000))
    corrector.prove(station.number, number, record)
