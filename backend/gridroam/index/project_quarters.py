"""Quarter hours: a report's energy by slot, priced as the domain does, added to the sums of its
supplier, grid operator and station operator."""

from collections.abc import Sequence
from dataclasses import dataclass

from gridroam.chain import events
from gridroam.domain.energy import Reading, SlotEnergy, by_slot
from gridroam.domain.message import reading_of
from gridroam.domain.participants import Role
from gridroam.domain.slots import boundary_count, slot_start
from gridroam.domain.tariff import Tariff
from gridroam.errors import ChainError
from gridroam.index.desk import Desk
from gridroam.index.spread import is_even
from gridroam.messages import EnergyReport
from gridroam.store import index_schema as schema
from gridroam.store.index_writer import Row


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
    grid, operator = session["grid_operator"], session["station_operator"]
    network = desk.tariff(grid, Role.GRID_OPERATOR, session["grid_tariff"])
    service = desk.tariff(operator, Role.STATION_OPERATOR, session["operator_tariff"])
    even = is_even(start, report)
    rest = iter(parts)
    part = next(rest)
    for slot in by_slot(start, report.boundaries, reading_of(report)):
        if slot.time >= part.time:
            part = next(rest, part)
        sums = _sums(slot, network, service, even=even)
        _add(desk, slot_start(slot.time), part.supplier, grid, operator, sums)
    if report.last and (network.fee or service.fee):
        _add_fees(desk, session, report, parts[-1].supplier, network, service)


def _sums(slot: SlotEnergy, network: Tariff, service: Tariff, *, even: bool) -> dict[str, int]:
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


def _add_fees(  # noqa: PLR0917
    desk: Desk,
    session: Row,
    report: EnergyReport,
    supplier: int,
    network: Tariff,
    service: Tariff,
) -> None:
    """In the slot that the session ends in; a report at its very start ends the one before."""
    slot = slot_start(max(session["opened"], report.time - 1))
    sums = {
        "network_charge": network.fee,
        "service_fee": service.fee,
        "fees": network.fee + service.fee,
    }
    grid, operator = session["grid_operator"], session["station_operator"]
    _add(desk, slot, supplier, grid, operator, sums)


def _add(  # noqa: PLR0917
    desk: Desk, slot: int, supplier: int, grid: int, operator: int, sums: dict[str, int]
) -> None:
    if not any(sums.values()):
        return
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
