"""Reads of the index: pairs and what was posted in a period, journals, payments, acts."""

import json
from collections.abc import Collection
from heapq import merge
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, func, or_, select, tuple_

from gridroam.index import records
from gridroam.index.records import Page, PaymentKind
from gridroam.store import index_schema as schema
from gridroam.store.index_pages import page, read_place, write_place

_P, _D, _Y, _T = (
    schema.pairs.c,
    schema.pair_days.c,
    schema.payments.c,
    schema.settlements.c,
)


def pairs(connection: Connection, participant: int | None) -> list[records.Pair]:
    query = select(_P.payer, _P.payee, _P.amount, _P.claim, _P.import_wh, _P.export_wh)
    if participant is not None:
        query = query.where(or_(_P.payer == participant, _P.payee == participant))
    rows = connection.execute(query.order_by(_P.payer, _P.payee))
    return [records.Pair(*row) for row in rows]


def posted(
    connection: Connection, participant: int | None, since: int, until: int, *, by_day: bool
) -> list[records.Posted]:
    day = _D.day if by_day else func.min(_D.day)
    query = select(
        _D.payer,
        _D.payee,
        day,
        func.sum(_D.amount),
        func.sum(_D.import_wh),
        func.sum(_D.export_wh),
        func.sum(_D.postings),
    ).where(_D.day >= since, _D.day < until)
    if participant is not None:
        query = query.where(or_(_D.payer == participant, _D.payee == participant))
    columns = (_D.day, _D.payer, _D.payee) if by_day else (_D.payer, _D.payee)
    rows = connection.execute(query.group_by(*columns).order_by(*columns)).all()
    start = None if by_day else since
    return [
        records.Posted(row[0], row[1], row[2] if start is None else start, *map(int, row[3:]))
        for row in rows
    ]


# --------------------------------------------------------------------------------------- accounts


def account_at(connection: Connection, participant: int, day: int) -> records.AccountState | None:
    """As the account was when a UTC day began; `None` if there is no such participant."""
    p, d = schema.participants.c, schema.account_days.c
    kept = select(d.balance, d.owed, d.journal_head, d.journal_count).where(
        d.participant == participant, d.day >= day
    )
    row = connection.execute(kept.order_by(d.day).limit(1)).one_or_none()
    if row is None:
        now = select(p.balance, p.owed, p.journal_head, p.journal_count)
        row = connection.execute(now.where(p.number == participant)).one_or_none()
    return records.AccountState(*row) if row else None


# --------------------------------------------------------------------------------------- journals

_PAYMENT = (
    _Y.participant,
    _Y.entry,
    _Y.kind,
    _Y.amount,
    _Y.other,
    _Y.hash,
    _Y.block,
    _Y.time,
    _Y.tx_index,
    _Y.log,
    _Y.tx_hash,
    _Y.station,
    _Y.session,
    _Y.version,
    _Y.unpaid,
)
_SETTLEMENT = tuple(_T[name] for name in records.Settlement.__dataclass_fields__)
_PLACES = (
    (_T.supplier, _T.supplier_entry),
    (_T.grid_operator, _T.grid_entry),
    (_T.station_operator, _T.operator_entry),
)


def payments(  # noqa: PLR0917
    connection: Connection,
    participant: int | None,
    since: int | None,
    until: int | None,
    after: str | None,
    limit: int,
) -> Page[records.Payment]:
    """The newest first. A collection stands in two journals."""
    query = select(*_PAYMENT)
    if since is not None:
        query = query.where(_Y.time >= since)
    if until is not None:
        query = query.where(_Y.time < until)
    if participant is not None:
        query = query.where(_Y.participant == participant)
    order = [_Y.block, _Y.log, _Y.participant]
    return page(connection, query, order, _payment, limit=limit, after=after, descending=True)


def journal(
    connection: Connection, participant: int, after: str | None, limit: int
) -> Page[records.JournalEntry]:
    """In its order."""
    (first,) = read_place(after, 1) if after is not None else (0,)
    found = entries(connection, participant, first + 1, first + limit + 1)
    more = write_place([found[limit - 1].entry]) if len(found) > limit else None
    return Page(tuple(found[:limit]), more)


def entries(
    connection: Connection, participant: int, first: int, last: int
) -> list[records.JournalEntry]:
    """The entries of these numbers, both included."""
    settled: dict[int, records.JournalEntry] = {}
    for party, number in _PLACES:
        query = select(number, *_SETTLEMENT).where(
            party == participant, number >= first, number <= last
        )
        for row in connection.execute(query):
            made = records.Settlement(*row[1:])
            settled[row[0]] = records.JournalEntry(row[0], made.leaf, made.block, made, None)
    query = select(*_PAYMENT).where(
        _Y.participant == participant, _Y.entry >= first, _Y.entry <= last
    )
    paid = (_payment(row) for row in connection.execute(query.order_by(_Y.entry)))
    others = [records.JournalEntry(p.entry, p.hash, p.block, None, p) for p in paid]
    ordered = sorted(settled.values(), key=_number)
    return list(merge(ordered, others, key=_number))


def _number(entry: records.JournalEntry) -> int:
    return entry.entry


def _payment(row: Any) -> records.Payment:
    values = list(row[: len(_PAYMENT)])
    values[2] = PaymentKind(values[2])
    return records.Payment(*values)


# ------------------------------------------------------------------------------------------- acts

_A, _S = schema.acts.c, schema.sessions.c
_ACT = (_A.name, _A.block, _A.log, _A.time, _A.tx_hash, _A.station, _A.session, _A.details)


def acts_of(connection: Connection, station: int, session: int) -> list[records.Act]:
    query = select(*_ACT).where(_A.station == station, _A.session == session)
    return [_act(row) for row in connection.execute(query.order_by(_A.block, _A.log))]


def acts(
    connection: Connection,
    names: tuple[str, ...],
    participant: int | None,
    after: str | None,
    limit: int,
) -> Page[records.Act]:
    """The newest first."""
    query = select(*_ACT)
    if names:
        query = query.where(_A.name.in_(names))
    if participant is not None:
        here = and_(_S.station == _A.station, _S.session == _A.session)
        query = query.join(schema.sessions, here).where(_has_part(participant))
    return page(
        connection, query, [_A.block, _A.log], _act, limit=limit, after=after, descending=True
    )


def _has_part(participant: int) -> ColumnElement[bool]:
    """In an act's session: now, at first, in between, or by a proposal that needs its consent."""
    parties = _S.supplier, _S.former_supplier, _S.grid_operator, _S.station_operator
    o, p, c = schema.session_suppliers.c, schema.proposals.c, schema.consents.c
    had = select(o.station, o.session).where(o.supplier == participant)
    asked = (
        select(p.station, p.session)
        .join(schema.consents, c.content == p.content)
        .where(c.participant == participant)
    )
    place = tuple_(_A.station, _A.session)
    return or_(*(party == participant for party in parties), place.in_(had), place.in_(asked))


def acts_after(
    connection: Connection, place: tuple[int, int], names: Collection[str], limit: int
) -> list[records.Act]:
    query = select(*_ACT).where(_A.name.in_(names), tuple_(_A.block, _A.log) > tuple_(*place))
    return [_act(row) for row in connection.execute(query.order_by(_A.block, _A.log).limit(limit))]


def last_act(connection: Connection, up_to: int | None) -> tuple[int, int]:
    query = select(_A.block, _A.log).order_by(_A.block.desc(), _A.log.desc()).limit(1)
    if up_to is not None:
        query = query.where(_A.block <= up_to)
    row = connection.execute(query).one_or_none()
    return (row[0], row[1]) if row else (0, 0)


def _act(row: Any) -> records.Act:
    values = list(row[: len(_ACT)])
    values[7] = json.loads(values[7])
    return records.Act(*values)
