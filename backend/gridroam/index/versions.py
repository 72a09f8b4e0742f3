"""Versions of a session, from rows: the first is what was settled, the others are kept as the chain
told them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from sqlalchemy import Connection

from gridroam.domain.batch import Pinned
from gridroam.domain.chronicle import Chronicle, version_1
from gridroam.domain.decision import Part as Settled
from gridroam.domain.message import reading_of
from gridroam.domain.session import State
from gridroam.domain.version import Version
from gridroam.index import project_quarters as quarters
from gridroam.index.records import Kind, Message, Settlement
from gridroam.index.spread import made_by, made_in
from gridroam.messages import EnergyReport, OpenSession, unpack
from gridroam.store import index_sessions

Signed = OpenSession | EnergyReport


def counting(messages: Iterable[Message]) -> list[Signed]:
    """What the station signed and the ledger took: the opening, then the reports."""
    kept = (m for m in messages if m.kind in (Kind.OPENING, Kind.REPORT))
    return [
        unpack(m.body).message for m in kept if m.accepted or (m.reason.decides and m.kind == 1)
    ]


@dataclass(frozen=True, slots=True)
class Reported:
    """What a session's station signed, and what the ledger settled."""

    signed: Sequence[Signed]
    settled: Sequence[Settlement]

    @classmethod
    def of(cls, connection: Connection, station: int, session: int) -> "Reported":
        messages = index_sessions.messages_of(connection, station, session)
        return cls(counting(messages), index_sessions.settlements_of(connection, station, session))

    def version(self, session: Mapping[str, Any]) -> Version:
        """Version 1 of a session that has ended, by its row."""
        opening, *reports = self.signed
        chronicle = Chronicle.of(reading_of(opening))
        for report in reports:
            if isinstance(report, EnergyReport):
                chronicle.add(report, reading_of(report), tuple(map(_part, self._of(report))))
        pinned = Pinned(*(session[name] for name in _PINNED))
        key, closed = (session["station"], session["session"]), session["state"] == State.CLOSED
        return version_1(chronicle.sealed(*key, pinned, session["ended"], closed=closed))

    def as_reported(self, tariffs: quarters.Tariffs) -> Iterable[quarters.Quarter]:
        """As they were added when it was settled."""
        for before, report in pairwise(self.signed):
            if not isinstance(report, EnergyReport):
                continue
            parts = [quarters.Part(one.time, one.supplier) for one in self._of(report)]
            yield from quarters.of_report(reading_of(before), report, parts, tariffs)
            if report.last:
                slot, fees = quarters.of_fees(self.signed[0].time, report.time, tariffs)
                yield slot, parts[-1].supplier, fees

    def quarters_of(self, version: Version) -> quarters.Told:
        """What a version of the session says of them."""
        if version.number == 1:
            return self.as_reported
        made = made_in(version, made_by(self.signed))
        return lambda tariffs: quarters.of_version(version, made, tariffs)

    def _of(self, report: EnergyReport) -> list[Settlement]:
        return [one for one in self.settled if one.report == report.report]


_PINNED = ("supplier", "grid_operator", "station_operator", "grid_tariff", "operator_tariff")


def _part(one: Settlement) -> Settled:
    return Settled(
        one.leaf,
        one.supplier,
        one.grid_operator,
        one.station_operator,
        one.time,
        one.import_wh,
        one.export_wh,
        one.network_charge,
        one.service_fee,
        one.feed_in,
        one.last,
        (),
    )
