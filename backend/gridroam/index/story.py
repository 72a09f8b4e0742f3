"""One session from its opening to what became of it: rows joined, slots computed from the signed
registers by the domain's rules at the pinned tariffs."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

from sqlalchemy import Connection

from gridroam.domain.energy import Reading as Registers
from gridroam.domain.energy import by_slot
from gridroam.domain.message import reading_of
from gridroam.domain.participants import Role
from gridroam.domain.slots import boundaries_between
from gridroam.domain.tariff import Tariff
from gridroam.index.records import Kind, Message, Reading, Slot, Story
from gridroam.index.spread import is_even
from gridroam.messages import EnergyReport, OpenSession, unpack
from gridroam.store import index_money, index_parties, index_sessions


def tell(connection: Connection, station: int, session: int) -> Story | None:
    found = index_sessions.session(connection, station, session)
    where = index_parties.station(connection, station)
    if found is None or where is None:
        return None
    messages = index_sessions.messages_of(connection, station, session)
    tariff = index_parties.tariff
    grid = tariff(connection, found.grid_operator, Role.GRID_OPERATOR, found.grid_tariff)
    operator = tariff(
        connection, found.station_operator, Role.STATION_OPERATOR, found.operator_tariff
    )
    read = counting(messages)
    return Story(
        session=found,
        station=where,
        messages=tuple(messages),
        readings=tuple(readings(read)),
        slots=tuple(slots(read, grid, operator)) if grid and operator else (),
        settlements=tuple(index_sessions.settlements_of(connection, station, session)),
        claims=tuple(index_sessions.claims_of(connection, [m.id for m in messages])),
        acts=tuple(index_money.acts_of(connection, station, session)),
        grid_tariff=grid,
        operator_tariff=operator,
    )


Signed = OpenSession | EnergyReport


def counting(messages: Sequence[Message]) -> list[Signed]:
    """What the station signed and the ledger took: the opening, then the reports."""
    kept = (m for m in messages if m.kind in (Kind.OPENING, Kind.REPORT))
    return [
        unpack(m.body).message for m in kept if m.accepted or (m.reason.decides and m.kind == 1)
    ]


def readings(read: Sequence[Signed]) -> Iterator[Reading]:
    """Every register that was signed, in order."""
    for before, message in zip([None, *read], read, strict=False):
        number = 0
        if isinstance(message, EnergyReport):
            number = message.report
            times = boundaries_between(before.time if before else message.time, message.time)
            for time, registers in zip(times, message.boundaries, strict=False):
                yield Reading(time, *registers, number, boundary=True)
        yield Reading(*reading_of(message), number, boundary=False)


def slots(read: Sequence[Signed], grid: Tariff, operator: Tariff) -> Iterator[Slot]:
    """The quarter hours of each report, with their prices."""
    for before, report in pairwise(read):
        if not isinstance(report, EnergyReport):
            continue
        start = Registers(*reading_of(before))
        even = is_even(start, report)
        for part in by_slot(start, report.boundaries, reading_of(report)):
            grid_level, operator_level = grid.level(part.time), operator.level(part.time)
            yield Slot(
                time=part.time,
                seconds=part.seconds,
                report=report.report,
                import_wh=part.import_wh,
                export_wh=part.export_wh,
                grid_level=grid_level,
                operator_level=operator_level,
                import_price=grid.import_prices[grid_level],
                export_price=grid.export_prices[grid_level],
                operator_price=operator.import_prices[operator_level],
                even=even,
            )
