"""Reads of the index: sessions, their messages and settlements, batches, what was rejected."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, case, func, select, tuple_

from gridroam.domain.reasons import Reason
from gridroam.domain.session import State
from gridroam.index import records
from gridroam.index.records import Page
from gridroam.store import index_schema as schema
from gridroam.store.index_pages import page, write_place
from gridroam.store.index_parties import named

_S, _M, _B, _T = schema.sessions.c, schema.messages.c, schema.batches.c, schema.settlements.c
_O = schema.session_suppliers.c
_FEW = 50
"""Stations that are named one by one in a question."""
FINAL_AT = case(
    (_S.ended > 0, _S.ended + select(schema.cursor.c.window).scalar_subquery()), else_=0
)
"""Of a session: until when it can be corrected; 0 as long as it is open."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which sessions; what is `None` does not matter. Times are those of the opening: `since` is
    included, `until` is not. `text` is sought in the station's EVSE id."""

    supplier: int | None = None
    grid_operator: int | None = None
    station_operator: int | None = None
    vehicle: bytes | None = None
    vehicles: tuple[bytes, ...] | None = None
    station: int | None = None
    stations: tuple[int, ...] | None = None
    state: State | None = None
    reason: Reason | None = None
    since: int | None = None
    until: int | None = None
    fed_back: bool = False
    disputed: bool = False
    corrected: bool = False
    verified: bool = False
    with_record: bool = False
    """Whose final report names a record of the meter."""
    text: str = ""

    def conditions(self) -> list[ColumnElement[bool]]:
        """All but the supplier's."""
        given = (
            (self.grid_operator, self._by(_S.grid_operator)),
            (self.station_operator, self._by(_S.station_operator)),
            (self.vehicle, _S.vehicle),
            (self.station, _S.station),
            (self.state, _S.state),
            (self.reason, _S.reason),
        )
        found: list[ColumnElement[bool]] = [
            column == (int(value) if isinstance(value, int) else value)
            for value, column in given
            if value is not None
        ]
        if self.vehicles is not None:
            found.append(_S.vehicle.in_(self.vehicles))
        if self.stations is not None:
            found.append(_S.station.in_(self.stations))
        if self.since is not None:
            found.append(_S.opened >= self.since)
        if self.until is not None:
            found.append(_S.opened < self.until)
        flags: tuple[tuple[bool, ColumnElement[bool]], ...] = (
            (self.fed_back, _S.export_register > _S.export_start),
            (self.disputed, _S.disputed.expression),
            (self.corrected, _S.version > 1),
            (self.verified, _S.verified.expression),
            (self.with_record, _S.evidence.is_not(None)),
        )
        found += [condition for wanted, condition in flags if wanted]
        if self.text:
            matching = select(schema.stations.c.number).where(named(self.text))
            found.append(_S.station.in_(matching))
        return found

    def branches(self, connection: Connection) -> list[list[ColumnElement[bool]]]:
        """Conditions whose answers, taken together, are all, each once: each goes by an index."""
        wanted = self._narrowed(connection)
        rest = wanted.conditions()
        return [[*some, *rest] for some in wanted._by_supplier(connection)]  # noqa: SLF001  a Wanted

    def _by_supplier(self, connection: Connection) -> list[tuple[ColumnElement[bool], ...]]:
        """Those that it has now, that it cleared, and that it had in a version in between."""
        if self.supplier is None:
            return [()]
        present = (self._by(_S.supplier) == self.supplier,)
        former = (
            self._by(_S.former_supplier) == self.supplier,
            _S.former_supplier != 0,
            _S.supplier != self.supplier,
        )
        had = select(_O.station, _O.session).where(_O.supplier == self.supplier)
        if connection.execute(had.limit(1)).first() is None:
            return [present, former]
        others = (
            _S.supplier != self.supplier,
            _S.former_supplier != self.supplier,
            tuple_(_S.station, _S.session).in_(had),
        )
        return [present, former, others]

    def _narrowed(self, connection: Connection) -> "Wanted":
        """A text that few stations have in their names is sought by those."""
        if not self.text:
            return self
        query = select(schema.stations.c.number).where(named(self.text)).limit(_FEW + 1)
        found = tuple(connection.execute(query).scalars())
        return self if len(found) > _FEW else replace(self, stations=found, text="")

    def _by(self, column: ColumnElement[int]) -> ColumnElement[int]:
        """A party's column; without its index where few stations are given, or what few sessions
        are: these are the shorter way, however many sessions the party has."""
        is_rare = self.stations is not None or self.disputed or self.corrected
        return func.coalesce(column, 0) if is_rare else column


SORTS: dict[str, ColumnElement[Any]] = {
    "opened": _S.opened,
    "import": _S.import_register - _S.import_start,
    "export": _S.export_register - _S.export_start,
    "cost": _S.network_charge + _S.service_fee - _S.feed_in,
}
"""By what sessions can be ordered."""

_SESSION = (
    _S.station,
    _S.session,
    schema.stations.c.evse_id,
    _S.vehicle,
    _S.supplier,
    _S.former_supplier,
    _S.grid_operator,
    _S.station_operator,
    _S.state,
    _S.reason,
    _S.opened,
    _S.time,
    _S.import_start,
    _S.export_start,
    _S.import_register,
    _S.export_register,
    _S.network_charge,
    _S.service_fee,
    _S.feed_in,
    _S.grid_tariff,
    _S.operator_tariff,
    _S.supplier_reserve,
    _S.grid_reserve,
    _S.reports,
    _S.signed,
    _S.version,
    _S.disputed,
    _S.verified,
    _S.evidence,
    _S.ended,
    FINAL_AT.label("final_at"),
    _S.block,
    _B.time.label("block_time"),
    _B.tx_hash,
)


def _sessions() -> Select[Any]:
    return (
        select(*_SESSION)
        .select_from(schema.sessions)
        .join(schema.stations, schema.stations.c.number == _S.station)
        .join(schema.messages, _M.id == _S.opening)
        .join(schema.batches, _B.number == _M.batch)
    )


def sessions(  # noqa: PLR0917
    connection: Connection,
    wanted: Wanted,
    sort: str,
    descending: bool,
    after: str | None,
    limit: int,
) -> Page[records.Session]:
    order = [SORTS[sort], _S.station, _S.session]
    rows: dict[tuple[int, int], tuple[Any, ...]] = {}
    more = False
    for conditions in wanted.branches(connection):
        some = page(
            connection,
            _sessions().where(*conditions),
            order,
            tuple,
            limit=limit,
            after=after,
            descending=descending,
        )
        more = more or some.next is not None
        rows |= {(row[0], row[1]): row for row in some.items}
    shown = sorted(rows.values(), key=_place, reverse=descending)
    more = more or len(shown) > limit
    shown = shown[:limit]
    return Page(
        tuple(_session(row) for row in shown),
        write_place(_place(shown[-1])) if more and shown else None,
    )


def _place(row: tuple[Any, ...]) -> tuple[Any, ...]:
    return row[-3:]


def session(connection: Connection, station: int, number: int) -> records.Session | None:
    query = _sessions().where(_S.station == station, _S.session == number)
    row = connection.execute(query).one_or_none()
    return _session(row) if row else None


def sessions_between(
    connection: Connection, stations: Sequence[int], since: int, until: int
) -> list[records.Session]:
    """Those that were cleared and have readings in a period, by opening."""
    query = _sessions().where(
        _S.station.in_(stations),
        _S.opened < until,
        _S.time >= since,
        _S.state != int(State.REFUSED),
    )
    rows = connection.execute(query.order_by(_S.opened, _S.station, _S.session))
    return [_session(row) for row in rows]


def _session(row: Any) -> records.Session:
    values = list(row[: len(_SESSION)])
    values[5] = values[5] or values[4]
    values[8], values[9] = State(values[8]), Reason(values[9])
    return records.Session(*values)


def counts(connection: Connection, wanted: Wanted) -> records.Counts:
    totals = [0] * 6
    for conditions in wanted.branches(connection):
        query = select(
            func.count(),
            _sum(_S.state == int(State.OPEN)),
            _sum(_S.state == int(State.REFUSED)),
            _sum(_S.state == int(State.EXPIRED)),
            _sum(_S.export_register > _S.export_start),
            _sum(_S.disputed),
        ).where(*conditions)
        row = connection.execute(query).one()
        totals = [total + int(value or 0) for total, value in zip(totals, row, strict=True)]
    return records.Counts(*totals)


def _sum(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return func.count().filter(condition)


# --------------------------------------------------------------------------------------- messages

MESSAGE = (
    _M.id,
    _M.batch,
    _M.position,
    _M.block,
    _B.time.label("block_time"),
    _B.tx_hash,
    _M.kind,
    _M.station,
    _M.session,
    _M.report,
    _M.time,
    _M.reason,
    _M.digest,
    _M.leaf,
    _M.body,
    _M.vehicle,
    _M.supplier,
    _M.grid_operator,
    _M.station_operator,
)


def _messages() -> Select[Any]:
    return select(*MESSAGE).select_from(schema.messages).join(schema.batches, _B.number == _M.batch)


def messages_of(connection: Connection, station: int, session: int) -> list[records.Message]:
    query = _messages().where(_M.station == station, _M.session == session).order_by(_M.id)
    return [message_of(row) for row in connection.execute(query)]


def messages_in(connection: Connection, batch: int) -> list[records.Message]:
    query = _messages().where(_M.batch == batch).order_by(_M.position)
    return [message_of(row) for row in connection.execute(query)]


def messages_by(connection: Connection, digest: bytes) -> list[records.Message]:
    query = _messages().where(_M.digest == digest).order_by(_M.id)
    return [message_of(row) for row in connection.execute(query)]


def messages_after(connection: Connection, number: int, limit: int) -> list[records.Message]:
    query = _messages().where(_M.id > number).order_by(_M.id).limit(limit)
    return [message_of(row) for row in connection.execute(query)]


def last_message(connection: Connection, up_to: int | None) -> int:
    query = select(func.max(_M.id))
    if up_to is not None:
        query = query.where(_M.block <= up_to)
    return int(connection.execute(query).scalar_one() or 0)


@dataclass(frozen=True, slots=True)
class Refused:
    """Which rejections; times are those of the block: `since` is included, `until` is not."""

    supplier: int | None = None
    grid_operator: int | None = None
    station_operator: int | None = None
    vehicle: bytes | None = None
    station: int | None = None
    reason: Reason | None = None
    since: int | None = None
    until: int | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        given = (
            (self.supplier, _M.supplier),
            (self.grid_operator, _M.grid_operator),
            (self.station_operator, _M.station_operator),
            (self.vehicle, _M.vehicle),
            (self.station, _M.station),
            (self.reason, _M.reason),
        )
        found: list[ColumnElement[bool]] = [
            column == (int(value) if isinstance(value, int) else value)
            for value, column in given
            if value is not None
        ]
        if self.since is not None:
            found.append(_B.time >= self.since)
        if self.until is not None:
            found.append(_B.time < self.until)
        return [_M.reason != 0, *found]


def rejections(
    connection: Connection, wanted: Refused, after: str | None, limit: int
) -> Page[records.Message]:
    query = _messages().where(*wanted.conditions())
    return page(connection, query, [_M.id], message_of, limit=limit, after=after, descending=True)


def message_of(row: Any) -> records.Message:
    values = list(row[: len(MESSAGE)])
    values[6], values[11] = records.Kind(values[6]), Reason(values[11])
    return records.Message(*values)


# ---------------------------------------------------------------------------- batches, settlements

_BATCH = (_B.number, _B.root, _B.count, _B.block, _B.time, _B.tx_hash)


def batches(connection: Connection, after: str | None, limit: int) -> Page[records.Batch]:
    """The newest first."""
    query = select(*_BATCH)
    return page(connection, query, [_B.number], _batch, limit=limit, after=after, descending=True)


def batch(connection: Connection, number: int) -> records.Batch | None:
    row = connection.execute(select(*_BATCH).where(_B.number == number)).one_or_none()
    return _batch(row) if row else None


def _batch(row: Any) -> records.Batch:
    return records.Batch(*row[: len(_BATCH)])


_SETTLEMENT = tuple(_T[name] for name in records.Settlement.__dataclass_fields__)


def settlements_of(connection: Connection, station: int, session: int) -> list[records.Settlement]:
    query = (
        select(*_SETTLEMENT)
        .where(_T.station == station, _T.session == session)
        .order_by(_T.message, _T.part)
    )
    return [records.Settlement(*row) for row in connection.execute(query)]


def claims_of(connection: Connection, station: int, session: int) -> list[records.Claim]:
    c = schema.claims.c
    query = select(*(c[name] for name in records.Claim.__dataclass_fields__)).where(
        c.station == station, c.session == session
    )
    return [records.Claim(*row) for row in connection.execute(query.order_by(c.block, c.log))]
