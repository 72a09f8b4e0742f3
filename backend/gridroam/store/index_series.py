"""Reads of the index: quarter hours of participants, allocations of grid operators, and the series
that grid operators gave for their meters."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select

from gridroam.domain.participants import Role
from gridroam.index import records
from gridroam.index.records import Step
from gridroam.store import index_schema as schema

_DAY = 86_400
_NAMES = tuple(records.SlotSum.__dataclass_fields__)[1:]
_S, _A, _M = schema.series.c, schema.allocations.c, schema.meter_series.c


def series(  # noqa: PLR0917
    connection: Connection,
    participant: int,
    role: Role,
    since: int,
    until: int,
    step: Step,
    most: int | None = None,
) -> list[records.SlotSum]:
    where = (_S.participant == participant, _S.role == int(role), _S.slot >= since, _S.slot < until)
    if step is Step.SLOT:
        query = select(_S.slot, *(_S[name] for name in _NAMES)).where(*where).order_by(_S.slot)
    else:
        day = (_S.slot - _S.slot % _DAY).label("day")
        sums = (func.sum(_S[name]) for name in _NAMES)
        query = select(day, *sums).where(*where).group_by(day).order_by(day)
    return [_sum(row) for row in connection.execute(query.limit(most))]


def totals(
    connection: Connection, participant: int, role: Role, since: int, until: int
) -> records.Totals:
    names = tuple(records.Totals.__dataclass_fields__)
    query = select(*(func.coalesce(func.sum(_S[name]), 0) for name in names)).where(
        _S.participant == participant, _S.role == int(role), _S.slot >= since, _S.slot < until
    )
    return records.Totals(*map(int, connection.execute(query).one()))


def allocations(  # noqa: PLR0917
    connection: Connection,
    grid_operator: int | None,
    supplier: int | None,
    since: int,
    until: int,
    step: Step,
    most: int | None = None,
) -> list[records.Allocation]:
    """By slot or day, grid operator and supplier."""
    where = [_A.slot >= since, _A.slot < until]
    if grid_operator is not None:
        where.append(_A.grid_operator == grid_operator)
    if supplier is not None:
        where.append(_A.supplier == supplier)
    time = (_A.slot if step is Step.SLOT else _A.slot - _A.slot % _DAY).label("start")
    columns = [time, _A.grid_operator, _A.supplier]
    query = (
        select(*columns, *(func.sum(_A[name]) for name in _NAMES))
        .where(*where)
        .group_by(*columns)
        .order_by(*columns)
    )
    return [
        records.Allocation(row[1], row[2], _sum((row[0], *row[3:])))
        for row in connection.execute(query.limit(most))
    ]


def _sum(row: Any) -> records.SlotSum:
    return records.SlotSum(*map(int, row))


# ------------------------------------------------------------------------------- meters' own series


def meter_series(
    connection: Connection, meter: bytes, since: int, until: int
) -> list[tuple[int, int, int]]:
    """(slot, import, export) as the grid operator gave it."""
    query = select(_M.slot, _M.import_wh, _M.export_wh).where(
        _M.meter == meter, _M.slot >= since, _M.slot < until
    )
    return [(row[0], row[1], row[2]) for row in connection.execute(query.order_by(_M.slot))]


def meters_with_series(connection: Connection, since: int, until: int) -> set[bytes]:
    query = select(_M.meter).where(_M.slot >= since, _M.slot < until).distinct()
    return {bytes(meter) for meter in connection.execute(query).scalars()}


def put_meter_series(
    connection: Connection, meter: bytes, rows: Iterable[tuple[int, int, int]]
) -> int:
    """Replaces what there was for these slots; gives how many."""
    values = [
        {"meter": meter, "slot": slot, "import_wh": imported, "export_wh": exported}
        for slot, imported, exported in rows
    ]
    slots = [value["slot"] for value in values]
    for start in range(0, len(slots), 500):
        some = slots[start : start + 500]
        connection.execute(delete(schema.meter_series).where(_M.meter == meter, _M.slot.in_(some)))
    if values:
        connection.execute(insert(schema.meter_series), values)
    return len(values)
