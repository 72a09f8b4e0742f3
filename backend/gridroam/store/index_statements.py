"""Reads of the index that statements are made of, in the chain's order and a piece at a time."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, func, or_, select

from gridroam.domain.version import Version
from gridroam.index import records
from gridroam.store import index_schema as schema
from gridroam.store.index_money import entries
from gridroam.store.index_sessions import MESSAGE, message_of, messages_of, settlements_of

_M, _B, _S, _C = schema.messages.c, schema.batches.c, schema.sessions.c, schema.claims.c
_BATCHES = 200
_ENTRIES = 500

Place = tuple[int, int, int]
"""Block, index of the transaction, place within it: sorts as the chain does."""


@dataclass(frozen=True, slots=True)
class Told:
    """A message with its place, and the terms of its session."""

    place: Place
    message: records.Message
    evse_id: str
    grid_tariff: int
    operator_tariff: int
    supplier_reserve: int
    grid_reserve: int


@dataclass(frozen=True, slots=True)
class Entered:
    """A journal entry with its place and time, and the message behind it, if there is one."""

    place: Place
    time: int
    entry: records.JournalEntry
    told: Told | None = None
    claims: tuple[records.Claim, ...] = ()


def terms(connection: Connection, participant: int, since: int, until: int) -> Iterator[Told]:
    """Openings that were cleared, and expiries, in which the participant is a party."""
    first, last = connection.execute(
        select(func.min(_B.number), func.max(_B.number)).where(_B.time >= since, _B.time < until)
    ).one()
    if first is None:
        return
    party = or_(
        _M.supplier == participant,
        _M.grid_operator == participant,
        _M.station_operator == participant,
    )
    kinds = (int(records.Kind.OPENING), int(records.Kind.EXPIRY))
    for start in range(first, last + 1, _BATCHES):
        end = min(last, start + _BATCHES - 1)
        query = _placed().where(
            _M.batch >= start, _M.batch <= end, _M.kind.in_(kinds), _M.reason == 0, party
        )
        rows = connection.execute(query.order_by(_M.batch, _M.position)).all()
        yield from (_told(row) for row in rows)


def journal(connection: Connection, participant: int, first: int, last: int) -> Iterator[Entered]:
    """The entries of these numbers, as far as there are."""
    start = first
    while start <= last:
        some = entries(connection, participant, start, min(last, start + _ENTRIES - 1))
        if not some:
            return
        numbers = [entry.settlement.message for entry in some if entry.settlement]
        found = {told.message.id: told for told in _by_id(connection, numbers)}
        claims = _claims(connection, numbers)
        for entry in some:
            yield _entered(entry, found, claims)
        start = some[-1].entry + 1


def _entered(entry: records.JournalEntry, found: dict[int, Told], claims: Any) -> Entered:
    settled, payment = entry.settlement, entry.payment
    if settled is not None:
        told = found[settled.message]
        kept = tuple(claims[settled.message, settled.part])
        return Entered(told.place, told.message.block_time, entry, told, kept)
    if payment is None:
        raise TypeError("an entry is of a report or a payment")
    return Entered((payment.block, payment.tx_index, payment.log), payment.time, entry)


def leaves(connection: Connection, batch: int) -> list[bytes]:
    query = select(_M.leaf).where(_M.batch == batch).order_by(_M.position)
    return list(connection.execute(query).scalars())


def parts(connection: Connection, message: records.Message) -> list[records.Settlement]:
    """What a report settled: one part, or two."""
    settled = settlements_of(connection, message.station, message.session)
    return [one for one in settled if one.message == message.id]


def accepted(connection: Connection, station: int, session: int) -> list[Told]:
    """Everything of a session that the ledger took, in order."""
    messages = messages_of(connection, station, session)
    return list(_by_id(connection, [m.id for m in messages if m.accepted]))


@dataclass(frozen=True, slots=True)
class Corrected:
    """A version that came into force instead of the one before."""

    before: Version
    after: Version
    evse_id: str
    block: int
    time: int
    tx_hash: bytes


def corrected(connection: Connection, station: int, session: int, number: int) -> Corrected:
    """From the second version on."""
    v, s = schema.versions.c, schema.stations.c
    query = (
        select(v.body, s.evse_id, v.block, v.time, v.tx_hash)
        .join(schema.stations, s.number == v.station)
        .where(v.station == station, v.session == session, v.number.in_([number - 1, number]))
    )
    before, after = connection.execute(query.order_by(v.number)).all()
    old, new = (Version.decoded(bytes(row.body)) for row in (before, after))
    return Corrected(old, new, *after[1:])


def earlier(connection: Connection, message: records.Message) -> list[Told]:
    """The session's opening, and the last of its accepted messages before this one."""
    accepted = [
        m
        for m in messages_of(connection, message.station, message.session)
        if m.accepted and m.id < message.id and m.kind != records.Kind.EXPIRY
    ]
    return list(_by_id(connection, sorted({m.id for m in (*accepted[:1], *accepted[-1:])})))


def _claims(connection: Connection, messages: Sequence[int]) -> Any:
    found: dict[tuple[int, int], list[records.Claim]] = defaultdict(list)
    names = records.Claim.__dataclass_fields__
    query = select(*(_C[name] for name in names), _C.part).where(_C.message.in_(messages))
    for row in connection.execute(query):
        claim = records.Claim(*row[:-1])
        found[claim.message, row[-1]].append(claim)
    return found


def _by_id(connection: Connection, numbers: Sequence[int]) -> Iterator[Told]:
    query = _placed().where(_M.id.in_(numbers)).order_by(_M.id)
    yield from (_told(row) for row in connection.execute(query).all())


_TERMS = (
    _B.tx_index,
    schema.stations.c.evse_id,
    _S.grid_tariff,
    _S.operator_tariff,
    _S.supplier_reserve,
    _S.grid_reserve,
)


def _placed() -> Any:
    here = (_S.station == _M.station) & (_S.session == _M.session)
    return (
        select(*MESSAGE, *_TERMS)
        .select_from(schema.messages)
        .join(schema.batches, _B.number == _M.batch)
        .join(schema.sessions, here)
        .join(schema.stations, schema.stations.c.number == _M.station)
    )


def _told(row: Any) -> Told:
    message = message_of(row)
    tx_index, *session = row[len(MESSAGE) :]
    return Told((message.block, tx_index, message.position), message, *session)
