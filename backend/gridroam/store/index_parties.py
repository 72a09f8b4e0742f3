"""Reads of the index: participants, tariffs, meters, stations, vehicles, and where the index is."""

from typing import Any

from sqlalchemy import ColumnElement, Connection, case, false, func, or_, select

from gridroam.domain.participants import Limits, Role
from gridroam.domain.session import State
from gridroam.domain.tariff import Tariff
from gridroam.index import records
from gridroam.index.records import Page, StationState
from gridroam.store import index_schema as schema
from gridroam.store.index_pages import page

_NO_KEY = "0x" + "0" * 40


def head(connection: Connection) -> records.Head | None:
    c = schema.cursor.c
    query = select(*(c[name] for name in records.Head.__dataclass_fields__))
    row = connection.execute(query).one_or_none()
    return records.Head(*row) if row else None


def is_on_chain(connection: Connection, block: int, hash_begins: str) -> bool:
    c = schema.blocks.c
    found = connection.execute(select(c.hash).where(c.number == block)).scalar_one_or_none()
    if found is not None:
        return bool(found.hex().startswith(hash_begins))
    oldest = connection.execute(select(func.min(c.number))).scalar_one()
    return oldest is not None and block < oldest


def block_hashes(connection: Connection) -> dict[int, str]:
    c = schema.blocks.c
    return {row[0]: row[1].hex()[:8] for row in connection.execute(select(c.number, c.hash))}


def last_common(connection: Connection, before: int) -> tuple[int, str]:
    c = schema.blocks.c
    query = select(c.number, c.hash).where(c.number < before).order_by(c.number.desc()).limit(1)
    row = connection.execute(query).one_or_none()
    return (row[0], row[1].hex()[:8]) if row else (0, "")


def limits(connection: Connection) -> Limits | None:
    c = schema.market.c
    query = select(
        c.skew, c.backlog, c.silence, c.notice, c.reserve_wh, c.max_price, c.max_session_fee
    )
    row = connection.execute(query).one_or_none()
    return Limits(*row) if row else None


# ----------------------------------------------------------------------------------- participants

_PARTICIPANT = tuple(
    schema.participants.c[name] for name in records.Participant.__dataclass_fields__
)


def participants(
    connection: Connection, role: Role | None, after: str | None, limit: int
) -> Page[records.Participant]:
    query = select(*_PARTICIPANT)
    if role is not None:
        query = query.where(schema.participants.c.roles.bitwise_and(int(role)) != 0)
    order = [schema.participants.c.number]
    return page(connection, query, order, _participant, limit=limit, after=after)


def participant(connection: Connection, number: int) -> records.Participant | None:
    query = select(*_PARTICIPANT).where(schema.participants.c.number == number)
    row = connection.execute(query).one_or_none()
    return _participant(row) if row else None


def participant_of(connection: Connection, account: str) -> records.Participant | None:
    query = select(*_PARTICIPANT).where(schema.participants.c.account == account.lower())
    row = connection.execute(query).one_or_none()
    return _participant(row) if row else None


def _participant(row: Any) -> records.Participant:
    return records.Participant(*row[: len(_PARTICIPANT)])


_TARIFF = tuple(schema.tariffs.c[name] for name in Tariff.__dataclass_fields__)


def tariffs(connection: Connection, number: int, role: Role | None) -> list[records.TariffVersion]:
    c = schema.tariffs.c
    query = select(c.role, c.version, c.block, *_TARIFF).where(c.participant == number)
    if role is not None:
        query = query.where(c.role == int(role))
    return [
        records.TariffVersion(number, Role(row[0]), row[1], Tariff(*row[3:]), row[2])
        for row in connection.execute(query.order_by(c.role, c.version))
    ]


def tariff(connection: Connection, number: int, role: Role, version: int) -> Tariff | None:
    c = schema.tariffs.c
    query = select(*_TARIFF).where(
        c.participant == number, c.role == int(role), c.version == version
    )
    row = connection.execute(query).one_or_none()
    return Tariff(*row) if row else None


# --------------------------------------------------------------------------------- meters, stations


def meters(
    connection: Connection, grid_operator: int | None, after: str | None, limit: int
) -> Page[records.Meter]:
    c = schema.meters.c
    query = select(c.id, c.grid_operator, c.curve)
    if grid_operator is not None:
        query = query.where(c.grid_operator == grid_operator)
    found = page(connection, query, [c.id], lambda row: row, limit=limit, after=after)
    return Page(tuple(_meter(connection, row) for row in found.items), found.next)


def meter(connection: Connection, meter: bytes) -> records.Meter | None:
    c = schema.meters.c
    query = select(c.id, c.grid_operator, c.curve).where(c.id == meter)
    row = connection.execute(query).one_or_none()
    return _meter(connection, row) if row else None


def _meter(connection: Connection, row: Any) -> records.Meter:
    c = schema.stations.c
    query = select(c.number).where(c.meter == row[0]).order_by(c.number)
    behind = tuple(connection.execute(query).scalars())
    return records.Meter(row[0], row[1], row[2] != 0, behind)


_S = schema.stations.c
_STATION_STATE = case(
    (_S.closed, StationState.CLOSED.value),
    (_S.grid_operator == 0, StationState.REQUESTED.value),
    (_S.session_state.in_((int(State.OPEN), int(State.SUPERSEDED))), StationState.CHARGING.value),
    (_S.key == _NO_KEY, StationState.WITHOUT_KEY.value),
    else_=StationState.READY.value,
)
_STATION = (
    _S.number,
    _S.evse_id,
    _S.meter,
    _S.operator,
    case((_S.grid_operator == 0, _S.asked_grid_operator), else_=_S.grid_operator),
    _S.key,
    _S.max_power,
    _S.max_feed_in,
    _STATION_STATE,
    _S.session,
    _S.session_state,
    _S.time,
    _S.touched,
    _S.import_register,
    _S.export_register,
    _S.sessions,
    _S.since,
)


def stations(  # noqa: PLR0917
    connection: Connection,
    operator: int | None,
    grid_operator: int | None,
    meter: bytes | None,
    state: StationState | None,
    text: str,
    after: str | None,
    limit: int,
) -> Page[records.Station]:
    query = select(*_STATION)
    if operator is not None:
        query = query.where(_S.operator == operator)
    if grid_operator is not None:
        query = query.where(
            or_(_S.grid_operator == grid_operator, _S.asked_grid_operator == grid_operator)
        )
    if meter is not None:
        query = query.where(_S.meter == meter)
    if state is not None:
        query = query.where(_STATION_STATE.in_([state.value]))
    if text:
        query = query.where(named(text))
    return page(connection, query, [_S.number], _station, limit=limit, after=after)


def station(connection: Connection, number: int) -> records.Station | None:
    row = connection.execute(select(*_STATION).where(_S.number == number)).one_or_none()
    return _station(row) if row else None


def named(text: str) -> ColumnElement[bool]:
    """Of a station: its EVSE id has the text in it, whatever its case."""
    escaped = text.lower().replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return func.lower(_S.evse_id).like(f"%{escaped}%", escape="\\") if text else false()


def _station(row: Any) -> records.Station:
    values = list(row[: len(_STATION)])
    values[8], values[10] = StationState(values[8]), State(values[10])
    return records.Station(*values)


# --------------------------------------------------------------------------------------- vehicles

_V = schema.vehicles.c
_VEHICLE = tuple(_V[name] for name in records.Vehicle.__dataclass_fields__)


def vehicles(
    connection: Connection, supplier: int | None, after: str | None, limit: int
) -> Page[records.Vehicle]:
    query = select(*_VEHICLE)
    if supplier is not None:
        query = query.where(or_(_V.supplier == supplier, _V.next_supplier == supplier))
    return page(connection, query, [_V.id], _vehicle, limit=limit, after=after)


def vehicle(connection: Connection, vehicle: bytes) -> records.Vehicle | None:
    row = connection.execute(select(*_VEHICLE).where(_V.id == vehicle)).one_or_none()
    return _vehicle(row) if row else None


def _vehicle(row: Any) -> records.Vehicle:
    return records.Vehicle(*row[: len(_VEHICLE)])


def supplies(connection: Connection, vehicle: bytes) -> list[records.Supply]:
    c = schema.supplies.c
    query = select(c.vehicle, c.supplier, c.from_, c.block).where(c.vehicle == vehicle)
    return [records.Supply(*row) for row in connection.execute(query.order_by(c.block, c.log))]
