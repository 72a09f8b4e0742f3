"""Settlement: whether a report fits its session, and what its energy costs whom."""

from collections.abc import Sequence
from typing import NamedTuple

from gridroam.domain.energy import SlotEnergy
from gridroam.domain.message import Report
from gridroam.domain.reasons import Reason
from gridroam.domain.session import Session
from gridroam.domain.slots import MAX_BOUNDARIES, boundary_count
from gridroam.domain.tariff import Tariff, level_bits
from gridroam.domain.units import NanoEuro, Seconds, Timestamp


class Amounts(NamedTuple):
    """What one report costs."""

    network_charge: NanoEuro
    service_fee: NanoEuro
    feed_in: NanoEuro


def check(report: Report, session: Session, skew: Seconds, now: Timestamp) -> Reason:
    """Whether the report is the session's next, at a time that can be, with all its boundaries."""
    if not session.is_open or report.session != session.number:
        return Reason.SESSION_NOT_OPEN
    if report.report <= session.report:
        return Reason.REPORT_USED
    if report.report > session.report + 1:
        return Reason.REPORT_MISSING
    if report.time > now + skew:
        return Reason.TIME_IN_FUTURE
    if report.time < session.time:
        return Reason.TIME_BACKWARDS
    due = boundary_count(session.time, report.time)
    complete = len(report.boundaries) == due <= MAX_BOUNDARIES
    return Reason.NONE if complete else Reason.WRONG_BOUNDARIES


def price(slots: Sequence[SlotEnergy], grid: Tariff, operator: Tariff, *, last: bool) -> Amounts:
    """Each slot's energy at its price; the session fees with the final report."""
    network_charge = service_fee = feed_in = 0
    grid_import, grid_export = grid.import_prices, grid.export_prices
    operator_import = operator.import_prices
    grid_levels, operator_levels = grid.levels, operator.levels
    for time, _, import_wh, export_wh in slots:
        bits = level_bits(time)
        level = grid_levels >> bits & 3
        network_charge += import_wh * grid_import[level]
        feed_in += export_wh * grid_export[level]
        service_fee += import_wh * operator_import[operator_levels >> bits & 3]
    if last:
        network_charge += grid.fee
        service_fee += operator.fee
    return Amounts(network_charge, service_fee, feed_in)
