"""Quarter hours: a report's energy by slot, priced as the domain does, added to the sums of its
supplier, grid operator and station operator."""

from collections import Counter, defaultdict
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from gridroam.chain import events
from gridroam.domain.energy import Reading, SlotEnergy, by_slot
from gridroam.domain.message import reading_of
from gridroam.domain.participants import Role
from gridroam.domain.slots import boundary_count, slot_start
from gridroam.domain.tariff import Tariff
from gridroam.domain.version import Version
from gridroam.errors import ChainError
from gridroam.index.desk import Desk
from gridroam.index.spread import is_even
from gridroam.messages import EnergyReport
from gridroam.store import index_schema as schema
from gridroam.store.index_writer import Row

Sums = Mapping[str, int]
Tariffs = tuple[Tariff, Tariff]
"""The grid operator's and the station operator's, as pinned."""
Quarter = tuple[int, int, Sums]
"""A slot's start, its supplier, and what is added."""
Told = Callable[[Tariffs], Iterable[Quarter]]
"""What a version says of its quarter hours."""


@dataclass(frozen=True, slots=True)
class Part:
    """Up to `time` the energy is this supplier's; one report has one, or two."""

    time: int
    supplier: int


def parts_of(session: Row, report: EnergyReport, found: Sequence[events.Event]) -> list[Part]:
    """Who had which time; checks that the events say the energy that the registers say."""
    if len(report.boundaries) != boundary_count(session["time"], report.time):
        raise _unfit(report, "its boundaries do not fit its times")
    settled = [event for event in found if isinstance(event, events.ReportSettled)]
    energy = (
        report.import_register - session["import_register"],
        report.export_register - session["export_register"],
    )
    said = sum(e.import_wh for e in settled), sum(e.export_wh for e in settled)
    if said != energy:
        raise _unfit(report, f"{said} Wh in the logs, {energy} Wh by the registers")
    return [Part(event.time, event.supplier) for event in settled]


def add(desk: Desk, session: Row, report: EnergyReport, parts: list[Part]) -> None:
    """To the series of all three, and to the allocation."""
    start = Reading(session["time"], session["import_register"], session["export_register"])
    for slot, supplier, sums in of_report(start, report, parts, _tariffs(desk, session)):
        _add(desk, session, slot, supplier, sums)
    if report.last:
        fees = of_fees(session["opened"], report.time, _tariffs(desk, session))
        _add(desk, session, fees[0], parts[-1].supplier, fees[1])


def replace(desk: Desk, session: Row, before: Told, after: Told) -> None:
    """What one version says instead of another, by the differences."""
    tariffs = _tariffs(desk, session)
    changes: dict[tuple[int, int], Counter[str]] = defaultdict(Counter)
    for sign, told in ((-1, before), (1, after)):
        for slot, supplier, sums in told(tariffs):
            for name, amount in sums.items():
                changes[slot, supplier][name] += sign * amount
    for (slot, supplier), sums in changes.items():
        _add(desk, session, slot, supplier, sums)


def of_report(
    start: Reading, report: EnergyReport, parts: Sequence[Part], tariffs: Tariffs
) -> Iterator[Quarter]:
    """Without the session fees."""
    even = is_even(start, report)
    rest = iter(parts)
    part = next(rest)
    for slot in by_slot(start, report.boundaries, reading_of(report)):
        if slot.time >= part.time:
            part = next(rest, part)
        yield slot_start(slot.time), part.supplier, _sums(slot, *tariffs, even=even)


def of_version(version: Version, made: Container[int], tariffs: Tariffs) -> Iterator[Quarter]:
    """`made`: the boundaries whose registers nobody read."""
    for slot in version.intervals():
        even = slot.time in made or slot.time + slot.seconds in made
        sums = _sums(slot, *tariffs, even=even)
        yield slot_start(slot.time), version.share_at(slot.time).supplier, sums
    if version.closed:
        slot_of_fees, sums = of_fees(version.start, version.end, tariffs)
        yield slot_of_fees, version.shares[-1].supplier, sums


def of_fees(opened: int, end: int, tariffs: Tariffs) -> tuple[int, Sums]:
    """In the slot that the session ends in; an end at its very start ends the one before."""
    network, service = tariffs
    fees = {
        "network_charge": network.fee,
        "service_fee": service.fee,
        "fees": network.fee + service.fee,
        "service_fees": service.fee,
    }
    return slot_start(max(opened, end - 1)), fees


def _tariffs(desk: Desk, session: Row) -> Tariffs:
    grid, operator = session["grid_operator"], session["station_operator"]
    return (
        desk.tariff(grid, Role.GRID_OPERATOR, session["grid_tariff"]),
        desk.tariff(operator, Role.STATION_OPERATOR, session["operator_tariff"]),
    )


def _sums(slot: SlotEnergy, network: Tariff, service: Tariff, *, even: bool) -> Sums:
    level = network.level(slot.time)
    return {
        "import_wh": slot.import_wh,
        "export_wh": slot.export_wh,
        "network_charge": slot.import_wh * network.import_prices[level],
        "service_fee": slot.import_wh * service.import_prices[service.level(slot.time)],
        "feed_in": slot.export_wh * network.export_prices[level],
        "even_import_wh": slot.import_wh if even else 0,
        "even_export_wh": slot.export_wh if even else 0,
    }


def _add(desk: Desk, session: Row, slot: int, supplier: int, sums: Sums) -> None:
    if not any(sums.values()):
        return
    grid, operator = session["grid_operator"], session["station_operator"]
    add = desk.rows.sum
    add(schema.series, supplier, int(Role.SUPPLIER), slot, **sums)
    add(schema.series, grid, int(Role.GRID_OPERATOR), slot, **sums)
    add(schema.series, operator, int(Role.STATION_OPERATOR), slot, **sums)
    add(schema.allocations, grid, supplier, slot, **sums)


def _unfit(report: EnergyReport, what: str) -> ChainError:
    return ChainError(
        f"The node's logs do not fit report {report.report} of session {report.session} at "
        f"station {report.station}: {what}.",
        "It changes logs or leaves some out: ask another node.",
    )
