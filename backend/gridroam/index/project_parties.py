"""Rows of participants, limits, tariffs, meters, stations."""

from dataclasses import asdict

from gridroam.chain import events
from gridroam.domain.units import NO_KEY
from gridroam.index.desk import Desk, Handlers
from gridroam.store import index_schema as schema


def _admitted(desk: Desk, event: events.ParticipantAdmitted) -> None:
    desk.rows.change(
        schema.participants,
        event.participant,
        account=event.account,
        roles=event.roles,
        market_code=event.market_code,
        since=desk.time,
    )


def _roles_changed(desk: Desk, event: events.RolesChanged) -> None:
    desk.participant(event.participant)["roles"] = event.roles


def _suspended(desk: Desk, event: events.ParticipantSuspended) -> None:
    desk.participant(event.participant)["active"] = False


def _reinstated(desk: Desk, event: events.ParticipantReinstated) -> None:
    desk.participant(event.participant)["active"] = True


def _account_moved(desk: Desk, event: events.AccountMoved) -> None:
    desk.participant(event.participant)["account"] = event.to


def _limits_set(desk: Desk, event: events.LimitsSet) -> None:
    desk.rows.change(schema.market, 1).update(asdict(event.limits))


def _default_supply_offered(desk: Desk, event: events.DefaultSupplyOffered) -> None:
    row = desk.rows.change(
        schema.default_supply, event.supplier, event.operator, offered=event.offered
    )
    row["offered"] = event.offered


def _default_supplier_set(desk: Desk, event: events.DefaultSupplierSet) -> None:
    desk.participant(event.operator)["default_supplier"] = event.supplier


def _tariff_published(desk: Desk, event: events.TariffPublished) -> None:
    desk.rows.change(
        schema.tariffs,
        event.participant,
        event.role,
        event.version,
        block=event.at.block,
        **asdict(event.tariff),
    )


def _meter_registered(desk: Desk, event: events.MeterRegistered) -> None:
    desk.rows.change(
        schema.meters, event.meter, grid_operator=event.grid_operator, block=event.at.block
    )


def _station_requested(desk: Desk, event: events.StationRequested) -> None:
    meter = desk.rows.look(schema.meters, event.meter)
    desk.rows.change(
        schema.stations,
        event.station,
        evse_id=event.evse_id,
        meter=event.meter,
        operator=event.operator,
        asked_grid_operator=meter["grid_operator"] if meter else 0,
        key=event.key,
        max_power=event.max_power,
        max_feed_in=event.max_feed_in,
        since=desk.time,
    )


def _station_approved(desk: Desk, event: events.StationApproved) -> None:
    desk.known(schema.stations, event.station)["grid_operator"] = event.grid_operator


def _paused(desk: Desk, event: events.Paused) -> None:  # noqa: ARG001
    desk.rows.change(schema.market, 1)["paused"] = True


def _unpaused(desk: Desk, event: events.Unpaused) -> None:  # noqa: ARG001
    desk.rows.change(schema.market, 1)["paused"] = False


def _meter_key_set(desk: Desk, event: events.MeterKeySet) -> None:
    row = desk.known(schema.meters, event.meter)
    row |= {name: getattr(event, name) for name in ("curve", "x", "y", "serial")}


def _meter_key_revoked(desk: Desk, event: events.MeterKeyRevoked) -> None:
    desk.known(schema.meters, event.meter)["curve"] = 0


def _key_rotated(desk: Desk, event: events.StationKeyRotated) -> None:
    row = desk.known(schema.stations, event.station)
    if row["key"] != NO_KEY:
        row["former_key"], row["former_until"] = row["key"], event.until
    row["key"] = event.key


def _key_retired(desk: Desk, event: events.StationKeyRetired) -> None:
    row = desk.known(schema.stations, event.station)
    row["former_key"], row["former_until"], row["key"] = row["key"], event.until, NO_KEY


def _key_revoked(desk: Desk, event: events.StationKeyRevoked) -> None:
    row = desk.known(schema.stations, event.station)
    row["key"], row["former_key"], row["former_until"] = NO_KEY, "", 0


def _station_closed(desk: Desk, event: events.StationClosed) -> None:
    row = desk.known(schema.stations, event.station)
    row["closed"] = True
    row["key"], row["former_key"], row["former_until"] = NO_KEY, "", 0


HANDLERS: Handlers = {
    events.ParticipantAdmitted: _admitted,
    events.RolesChanged: _roles_changed,
    events.ParticipantSuspended: _suspended,
    events.ParticipantReinstated: _reinstated,
    events.AccountMoved: _account_moved,
    events.LimitsSet: _limits_set,
    events.DefaultSupplyOffered: _default_supply_offered,
    events.DefaultSupplierSet: _default_supplier_set,
    events.TariffPublished: _tariff_published,
    events.MeterRegistered: _meter_registered,
    events.StationRequested: _station_requested,
    events.StationApproved: _station_approved,
    events.StationKeyRotated: _key_rotated,
    events.StationKeyRetired: _key_retired,
    events.StationKeyRevoked: _key_revoked,
    events.MeterKeySet: _meter_key_set,
    events.MeterKeyRevoked: _meter_key_revoked,
    events.Paused: _paused,
    events.Unpaused: _unpaused,
    events.StationClosed: _station_closed,
}
