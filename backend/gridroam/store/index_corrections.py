"""Reads of the index: versions of sessions, proposals, and what waits for whose consent."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, case, or_, select

from gridroam.domain.version import Version
from gridroam.index import records
from gridroam.index.records import Page, ProposalState
from gridroam.store import index_schema as schema
from gridroam.store.index_pages import page
from gridroam.store.index_sessions import FINAL_AT

_V, _P, _C, _S = (
    schema.versions.c,
    schema.proposals.c,
    schema.consents.c,
    schema.sessions.c,
)


def versions_of(connection: Connection, station: int, session: int) -> list[records.SessionVersion]:
    """From the first on; none if nobody acted on the session."""
    query = select(_V.body, _V.by_meter, _V.block, _V.time, _V.tx_hash).where(
        _V.station == station, _V.session == session
    )
    rows = connection.execute(query.order_by(_V.number)).all()
    drafts = [_draft(row.body) for row in rows]
    consents = _consents(connection, [draft.content for draft in drafts])
    return [
        records.SessionVersion(
            draft,
            bool(row.by_meter),
            tuple(who for who, _, given in consents[draft.content] if given),
            row.block,
            row.time,
            row.tx_hash,
        )
        for draft, row in zip(drafts, rows, strict=True)
    ]


def present(connection: Connection, station: int, session: int) -> Version | None:
    """The version in force, if somebody acted on the session."""
    query = select(_V.body).where(_V.station == station, _V.session == session)
    body = connection.execute(query.order_by(_V.number.desc()).limit(1)).scalar_one_or_none()
    return None if body is None else Version.decoded(bytes(body))


def parties_of(connection: Connection, station: int, session: int) -> tuple[int, ...]:
    """Everyone who has a part in a session, in any version or proposal."""
    query = select(_S.supplier, _S.former_supplier, _S.grid_operator, _S.station_operator)
    query = query.where(_S.station == station, _S.session == session)
    parties = {who for row in connection.execute(query) for who in row}
    for table in (_V, _P):
        bodies = select(table.body).where(table.station == station, table.session == session)
        for body in connection.execute(bodies).scalars():
            parties |= {share.supplier for share in Version.decoded(bytes(body)).shares}
    return tuple(sorted(parties - {0}))


def proposals(  # noqa: PLR0917
    connection: Connection,
    awaiting: int | None,
    session: tuple[int, int] | None,
    state: ProposalState | None,
    after: str | None,
    limit: int,
) -> Page[records.Proposal]:
    """The newest first. `awaiting`: those that are open and wait for this participant."""
    query = _proposals()
    if session is not None:
        query = query.where(_P.station == session[0], _P.session == session[1])
    if awaiting is not None:
        missing = select(_C.content).where(
            _C.participant == awaiting, _C.time == 0, _C.needed.is_(True)
        )
        query = query.where(_P.content.in_(missing))
        state = ProposalState.OPEN
    if state is not None:
        query = query.where(_STATE.in_([state.value]))
    order = [_P.block, _P.content]
    found: Page[Any] = page(
        connection, query, order, tuple, limit=limit, after=after, descending=True
    )
    drafts = [_draft(row[0]) for row in found.items]
    consents = _consents(connection, [draft.content for draft in drafts])
    made = (
        _proposal(draft, row, consents[draft.content])
        for draft, row in zip(drafts, found.items, strict=True)
    )
    return Page(tuple(made), found.next)


_NOW = select(schema.cursor.c.block_time).scalar_subquery()
_STATE: ColumnElement[str] = case(
    (_V.content == _P.content, ProposalState.IN_FORCE.value),
    (
        or_(_S.version >= _P.version, and_(_S.verified, ~_P.same_registers)),
        ProposalState.VOID.value,
    ),
    (FINAL_AT < _NOW, ProposalState.LAPSED.value),
    else_=ProposalState.OPEN.value,
)


def _proposals() -> Select[Any]:
    here = and_(_S.station == _P.station, _S.session == _P.session)
    became = and_(_V.station == _P.station, _V.session == _P.session, _V.number == _P.version)
    return (
        select(_P.body, _P.by, _P.block, _P.time, _STATE, schema.stations.c.evse_id, FINAL_AT)
        .select_from(schema.proposals)
        .join(schema.sessions, here)
        .join(schema.stations, schema.stations.c.number == _P.station)
        .outerjoin(schema.versions, became)
    )


_Consent = tuple[int, bool, bool]
"""Who, whether it is needed, and whether it was given."""


def _proposal(
    draft: records.Draft, row: tuple[Any, ...], consents: Sequence[_Consent]
) -> records.Proposal:
    _, by, block, time, state, evse_id, final_at = row[:7]
    return records.Proposal(
        draft,
        by,
        block,
        time,
        tuple(who for who, needed, _ in consents if needed),
        tuple(who for who, _, given in consents if given),
        ProposalState(state),
        evse_id,
        final_at,
    )


def _consents(connection: Connection, contents: Sequence[bytes]) -> dict[bytes, list[_Consent]]:
    found: dict[bytes, list[_Consent]] = defaultdict(list)
    query = select(_C.content, _C.participant, _C.needed, _C.time).where(_C.content.in_(contents))
    for content, who, needed, time in connection.execute(query.order_by(_C.participant)):
        found[bytes(content)].append((who, bool(needed), bool(time)))
    return found


def _draft(body: bytes) -> records.Draft:
    version = Version.decoded(bytes(body))
    return records.Draft(
        version.station,
        version.session,
        version.number,
        version.content,
        version.previous,
        version.time,
        version.shares,
        tuple(version.moments()),
    )
