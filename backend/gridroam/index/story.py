"""One session from its opening to what became of it: rows joined, slots computed from the signed
registers by the domain's rules at the pinned tariffs."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

from sqlalchemy import Connection

from gridroam.domain.energy import Reading as Registers
from gridroam.domain.energy import SlotEnergy, by_slot
from gridroam.domain.message import reading_of
from gridroam.domain.participants import Role
from gridroam.domain.slots import boundaries_between
from gridroam.domain.tariff import Tariff
from gridroam.domain.version import Version
from gridroam.index.records import Proposal, Reading, Slot, Story
from gridroam.index.spread import is_even, made_by, made_in
from gridroam.index.versions import Signed, counting
from gridroam.messages import EnergyReport
from gridroam.store import index_corrections, index_money, index_parties, index_sessions


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
    present = index_corrections.present(connection, station, session)
    return Story(
        session=found,
        station=where,
        messages=tuple(messages),
        readings=tuple(readings(read)),
        slots=tuple(slots(read, present, (grid, operator))) if grid and operator else (),
        settlements=tuple(index_sessions.settlements_of(connection, station, session)),
        claims=tuple(index_sessions.claims_of(connection, station, session)),
        acts=tuple(index_money.acts_of(connection, station, session)),
        grid_tariff=grid,
        operator_tariff=operator,
        versions=tuple(index_corrections.versions_of(connection, station, session)),
        proposals=_proposals(connection, station, session),
    )


def _proposals(connection: Connection, station: int, session: int) -> tuple[Proposal, ...]:
    of = station, session
    found = index_corrections.proposals(connection, None, of, None, None, _MOST_PROPOSALS)
    return found.items


_MOST_PROPOSALS = 100


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


def slots(
    read: Sequence[Signed], present: Version | None, tariffs: tuple[Tariff, Tariff]
) -> Iterator[Slot]:
    """The quarter hours of each report, or of a corrected session's present version, with their
    prices."""
    if present is not None and present.number > 1:
        made = made_in(present, made_by(read))
        for part in present.intervals():
            even = part.time in made or part.time + part.seconds in made
            yield _slot(part, 0, tariffs, even=even)
        return
    for before, report in pairwise(read):
        if not isinstance(report, EnergyReport):
            continue
        start = Registers(*reading_of(before))
        even = is_even(start, report)
        for part in by_slot(start, report.boundaries, reading_of(report)):
            yield _slot(part, report.report, tariffs, even=even)


def _slot(part: SlotEnergy, report: int, tariffs: tuple[Tariff, Tariff], *, even: bool) -> Slot:
    grid, operator = tariffs
    grid_level, operator_level = grid.level(part.time), operator.level(part.time)
    return Slot(
        time=part.time,
        seconds=part.seconds,
        report=report,
        import_wh=part.import_wh,
        export_wh=part.export_wh,
        grid_level=grid_level,
        operator_level=operator_level,
        import_price=grid.import_prices[grid_level],
        export_price=grid.export_prices[grid_level],
        operator_price=operator.import_prices[operator_level],
        even=even,
    )
