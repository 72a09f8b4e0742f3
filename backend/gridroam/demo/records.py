"""Meters' records in the demo: kept as they were printed, and brought to the ledger."""

from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from gridroam.chain import events
from gridroam.demo.market import OPERATOR
from gridroam.demo.stage import Stage
from gridroam.domain.energy import Reading
from gridroam.evidence.corrections import Corrections, proof
from gridroam.evidence.record import Evidence, read
from gridroam.evidence.story import story_of
from gridroam.station.meter import Meter, Registers
from gridroam.station.replay import Printer
from gridroam.station.signing_meter import kwh

_XML = """\
<?xml version="1.0" encoding="UTF-8"?>
<values>
  <value>
    <signedData format="OCMF" encoding="plain">{record}</signedData>
    <publicKey encoding="hex">{key}</publicKey>
  </value>
</values>
"""
"""As the transparency software of S.A.F.E. e.V. reads it."""
_TOO_MUCH = 5_000
"""Wh."""


@dataclass(frozen=True, slots=True)
class SlowCounter:
    """Since `first` it counts nineteen of every twenty watt-hours of a meter."""

    meter: Meter
    first: Registers

    def registers(self, time: int) -> Registers:
        counted = self.meter.registers(time)
        return Registers(
            *(a + (b - a) * 19 // 20 for a, b in zip(self.first, counted, strict=True))
        )


def forged(printer: Printer) -> Printer:
    """Claims more energy than the meter signed."""

    def printed(begin: Reading, end: Reading) -> str:
        true, claimed = (kwh(end.import_register + more) for more in (0, _TOO_MUCH))
        return printer(begin, end).replace(f'"RV":{true},', f'"RV":{claimed},')

    return printed


def bring(stage: Stage) -> list[events.Event]:
    """All records of sessions that have ended, in one transaction. Anybody may do this; here it is
    the station operator."""
    corrections = Corrections(stage.ledger)
    proofs = [_proof(corrections, *record) for record in _records(stage)]
    return events.of(corrections.prove(stage.market.participants[OPERATOR].account, proofs))


def keep(stage: Stage, folder: Path) -> int:
    """Each in a file of its own, with the key that is on file; gives how many."""
    folder.mkdir(parents=True, exist_ok=True)
    stations = {s.number: s.name for s in stage.market.stations.values()}
    meters = {s.name: s.meter for s in stage.scenario.market.stations}
    keys = {
        m.name: m.key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        for m in stage.scenario.market.meters
    }
    count = 0
    for station, session, text in _records(stage):
        key = keys[meters[stations[station]]].hex()
        path = folder / f"station-{station}-session-{session}.xml"
        path.write_text(_XML.format(record=escape(text, quote=False), key=key), encoding="utf-8")
        count += 1
    return count


def _records(stage: Stage) -> Iterator[tuple[int, int, str]]:
    for replay in stage.replays.values():
        for session, text in replay.records.items():
            yield replay.station.number, session, text


def _proof(corrections: Corrections, station: int, session: int, text: str) -> bytes:
    story = story_of(corrections.ledger, station, session)
    return proof(story, Evidence(tuple(read(text))), corrections.present(story))
