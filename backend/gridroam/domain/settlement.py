"""Settlement: whether a report fits its session, and what its energy costs whom."""

from operator import mul
from typing import NamedTuple

from gridroam.domain.energy import Course
from gridroam.domain.message import Report
from gridroam.domain.reasons import Reason
from gridroam.domain.session import Session
from gridroam.domain.slots import MAX_BOUNDARIES, boundary_count
from gridroam.domain.tariff import Tariff
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


def price(energy: Course, grid: Tariff, operator: Tariff, *, last: bool) -> Amounts:
    """Each slot's energy at its price; the session fees with the final report."""
    start = energy.times[0]
    network_charge = sum(map(mul, energy.import_wh, grid.import_prices_from(start)))
    service_fee = sum(map(mul, energy.import_wh, operator.import_prices_from(start)))
    feed_in = sum(map(mul, energy.export_wh, grid.export_prices_from(start)))
    if last:
        network_charge += grid.fee
        service_fee += operator.fee
    return Amounts(network_charge, service_fee, feed_in)
