"""Rows of vehicles: who supplies them since when, what is offered, what is agreed."""

from gridroam.chain import events
from gridroam.domain.units import NOBODY
from gridroam.domain.vehicle_keys import REVOKED, VehicleKeys, first
from gridroam.index.desk import Desk, Handlers
from gridroam.store import index_schema as schema


def supplier_at(desk: Desk, vehicle: bytes, time: int) -> int:
    """The vehicle's own supplier at a time, or nobody."""
    row = desk.rows.look(schema.vehicles, vehicle)
    if row is None:
        return NOBODY
    if row["next_from"] and time >= row["next_from"]:
        return int(row["next_supplier"])
    return int(row["supplier"]) if time >= row["from_"] else NOBODY


def default_supplier(desk: Desk, operator: int) -> int:
    """Who supplies unregistered vehicles at an operator's stations, or nobody."""
    row = desk.rows.look(schema.participants, operator)
    supplier = row["default_supplier"] if row else NOBODY
    offered = desk.rows.look(schema.default_supply, supplier, operator)
    return int(supplier) if offered and offered["offered"] else NOBODY


def _registered(desk: Desk, event: events.VehicleRegistered) -> None:
    known = desk.rows.look(schema.vehicles, event.vehicle)
    if known is None or (known["supplier"] == NOBODY and not known["next_from"]):
        row = desk.rows.change(schema.vehicles, event.vehicle)
        row["supplier"], row["from_"] = event.supplier, event.from_
        row["since"] = row["since"] or desk.time
    else:
        _change(desk, event.vehicle, event.supplier, event.from_)
    _agreed(desk, event, event.vehicle, event.supplier, event.from_)


def _offered(desk: Desk, event: events.VehicleOffered) -> None:
    row = desk.rows.change(schema.offers, event.vehicle)
    row["supplier"], row["to"], row["effective"] = event.from_, event.to, event.effective


def _supplier_changed(desk: Desk, event: events.SupplierChanged) -> None:
    desk.known(schema.vehicles, event.vehicle)
    _change(desk, event.vehicle, event.to, event.effective)
    if event.to != NOBODY:
        desk.rows.remove(schema.offers, event.vehicle)
    _agreed(desk, event, event.vehicle, event.to, event.effective)


def _change(desk: Desk, vehicle: bytes, supplier: int, effective: int) -> None:
    """A vehicle knows its supply and the one change after it."""
    row = desk.rows.change(schema.vehicles, vehicle)
    if row["next_from"]:
        row["supplier"], row["from_"] = row["next_supplier"], row["next_from"]
    row["next_supplier"], row["next_from"] = supplier, effective


def keys_of(desk: Desk, vehicle: bytes) -> VehicleKeys | None:
    """`None` for a vehicle that has none, or whose openings need none."""
    row = desk.rows.look(schema.vehicles, vehicle)
    if row is None or not row["keyed"]:
        return None
    return VehicleKeys(row["key"], row["key_from"], row["key_since"], row["former_key"])


def _keep_keys(desk: Desk, vehicle: bytes, keys: VehicleKeys | None) -> None:
    row = desk.rows.change(schema.vehicles, vehicle, since=desk.time)
    row["keyed"] = keys is not None
    kept = keys or VehicleKeys()
    row["key"], row["key_from"] = kept.key, kept.from_
    row["key_since"], row["former_key"] = kept.since, kept.former


def _key_set(desk: Desk, event: events.VehicleKeySet) -> None:
    before = keys_of(desk, event.vehicle)
    keys = before.next(event.key, event.from_) if before else first(event.key, event.from_)
    _keep_keys(desk, event.vehicle, keys)


def _key_revoked(desk: Desk, event: events.VehicleKeyRevoked) -> None:
    _keep_keys(desk, event.vehicle, REVOKED)


def _key_cleared(desk: Desk, event: events.VehicleKeyCleared) -> None:
    _keep_keys(desk, event.vehicle, None)


def _agreed(desk: Desk, event: events.Event, vehicle: bytes, supplier: int, start: int) -> None:
    desk.rows.add(
        schema.supplies,
        vehicle=vehicle,
        supplier=supplier,
        from_=start,
        block=event.at.block,
        log=event.at.log_index,
    )


HANDLERS: Handlers = {
    events.VehicleRegistered: _registered,
    events.VehicleOffered: _offered,
    events.SupplierChanged: _supplier_changed,
    events.VehicleKeySet: _key_set,
    events.VehicleKeyRevoked: _key_revoked,
    events.VehicleKeyCleared: _key_cleared,
}
