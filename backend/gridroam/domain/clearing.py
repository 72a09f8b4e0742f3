"""Clearing: whether an opening fits its station, who pays for it, and whether they can.

The checks leave no trace; the decision uses the session number up.
"""

from typing import NamedTuple

from gridroam.domain.accounts import Accounts
from gridroam.domain.batch import Pinned
from gridroam.domain.message import Opening
from gridroam.domain.participants import Limits, Role
from gridroam.domain.reasons import Reason
from gridroam.domain.registry import Registry
from gridroam.domain.session import Session
from gridroam.domain.stations import Station
from gridroam.domain.tariff import Tariff
from gridroam.domain.units import (
    NO_VERSION,
    NOBODY,
    NanoEuro,
    ParticipantId,
    Timestamp,
    Wh,
)


class Terms(NamedTuple):
    """What a session is cleared on: between whom, at which tariffs, and what is held back."""

    pinned: Pinned
    supplier_reserve: NanoEuro = 0
    grid_reserve: NanoEuro = 0


def check(opening: Opening, session: Session, limits: Limits, now: Timestamp) -> Reason:
    """Whether the opening fits the station's last session and the clock."""
    if session.occupies:
        same = opening.session == session.number
        return Reason.SESSION_USED if same else Reason.STATION_BUSY
    if opening.session <= session.number:
        return Reason.SESSION_USED
    if opening.time > now + limits.skew:
        return Reason.TIME_IN_FUTURE
    if opening.time + limits.backlog < now:
        return Reason.TOO_OLD
    if opening.time < session.time:
        return Reason.TIME_BACKWARDS
    backwards = (
        opening.import_register < session.import_register
        or opening.export_register < session.export_register
    )
    return Reason.REGISTER_BACKWARDS if backwards else Reason.NONE


def terms_of(
    registry: Registry, station: Station, own_supplier: ParticipantId, time: Timestamp
) -> Terms:
    """The terms in force at `time`; `own_supplier` is the vehicle's, or `NOBODY`."""
    grid, operator = station.grid_operator, station.operator
    supplier = own_supplier or registry.participants.default_supplier(operator)
    in_force = registry.tariffs.in_force
    versions = (
        in_force(grid, Role.GRID_OPERATOR, time),
        in_force(operator, Role.STATION_OPERATOR, time),
    )
    pinned = Pinned(supplier, grid, operator, *versions)
    if NO_VERSION in versions:
        return Terms(pinned)
    reserves = reserves_of(
        registry.limits.reserve_wh,
        registry.tariffs.get(grid, Role.GRID_OPERATOR, pinned.grid_tariff),
        registry.tariffs.get(operator, Role.STATION_OPERATOR, pinned.operator_tariff),
        feeds_in=station.can_feed_in,
    )
    if supplier == grid:
        reserves = sum(reserves), 0
    return Terms(pinned, *reserves)


def reserves_of(
    energy: Wh, grid: Tariff, operator: Tariff, *, feeds_in: bool
) -> tuple[NanoEuro, NanoEuro]:
    """What the supplier and the grid operator may come to owe for `energy` in each direction, at
    the highest of the prices."""
    price = grid.highest_import_price + operator.highest_import_price
    fees = grid.fee + operator.fee
    if not feeds_in:
        return energy * price + fees, 0
    price += max(0, -min(grid.export_prices))
    return energy * price + fees, energy * max(0, *grid.export_prices)


def check_parties(registry: Registry, pinned: Pinned) -> Reason:
    """Whether the market is open, and everybody is there and active, with a tariff in force."""
    is_active = registry.participants.is_active
    if registry.paused:
        return Reason.MARKET_PAUSED
    if not is_active(pinned.grid_operator, Role.GRID_OPERATOR):
        return Reason.GRID_OPERATOR_INACTIVE
    if not is_active(pinned.station_operator, Role.STATION_OPERATOR):
        return Reason.STATION_OPERATOR_INACTIVE
    if NO_VERSION in pinned[3:]:
        no_grid_tariff = pinned.grid_tariff == NO_VERSION
        return Reason.NO_GRID_TARIFF if no_grid_tariff else Reason.NO_OPERATOR_TARIFF
    if pinned.supplier == NOBODY:
        return Reason.NO_SUPPLIER
    active = is_active(pinned.supplier, Role.SUPPLIER)
    return Reason.NONE if active else Reason.SUPPLIER_INACTIVE


def check_cover(accounts: Accounts, terms: Terms) -> Reason:
    """Whether those who may come to pay can; a grid operator without a reserve need not."""
    if not accounts.accounts[terms.pinned.supplier].covers(terms.supplier_reserve):
        return Reason.SUPPLIER_NOT_COVERED
    grid = accounts.accounts[terms.pinned.grid_operator]
    if terms.grid_reserve and not grid.covers(terms.grid_reserve):
        return Reason.GRID_OPERATOR_NOT_COVERED
    return Reason.NONE
