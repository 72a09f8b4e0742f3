"""Sessions, their stories and receipts; rejections, batches, messages."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse, Response

from gridroam.api.plain import plain
from gridroam.api.problems import Route, unknown
from gridroam.api.service import (
    After,
    Format,
    Limit,
    Named,
    Queries,
    Since,
    Until,
    answer,
    hash_of,
    listed,
    of,
    period,
)
from gridroam.domain.reasons import Reason
from gridroam.domain.session import State
from gridroam.errors import InvalidInputError
from gridroam.http.body import BodyLimits, read_json_body
from gridroam.http.limits import Budget
from gridroam.http.problems import Problem, ProblemError
from gridroam.index.queries import SORTS, Refused, Wanted
from gridroam.index.records import ProposalState
from gridroam.statements.receipt import read_receipt, receipt
from gridroam.statements.verify_receipt import verify_receipt

router = APIRouter(prefix="/v1/chain", route_class=Route, tags=["sessions"])

Number = Annotated[int | None, Query(ge=0, lt=1 << 32)]
Hash = Annotated[str | None, Query(max_length=66)]
_STATES = [state.name.lower() for state in State if state is not State.NONE]
_REASONS = [reason.slug for reason in Reason if reason]
_RECEIPT = BodyLimits(4 << 20, 20.0)
_MEMORY = 64 << 20
_PATIENCE = 10.0
"""Seconds that a receipt waits for its turn."""


@router.get("/sessions", summary="Sessions, by whatever is asked for")
def sessions(
    request: Request,
    *,
    supplier: Number = None,
    grid_operator: Number = None,
    station_operator: Number = None,
    station: Number = None,
    vehicle: Hash = None,
    state: Annotated[str | None, Query(pattern=f"^({'|'.join(_STATES)})$")] = None,
    since: Since = None,
    until: Until = None,
    fed_back: bool = False,
    disputed: bool = False,
    corrected: bool = False,
    verified: bool = False,
    with_record: Annotated[bool, Query(description="that names a record of the meter")] = False,
    text: Annotated[str, Query(max_length=100, description="in the station's EVSE id")] = "",
    sort: Annotated[str, Query(pattern=f"^-?({'|'.join(SORTS)})$")] = "-opened",
    after: After = None,
    limit: Limit = 100,
    format: Format = None,  # noqa: A002
) -> Response:
    """The newest first, or by `sort` (with a `-` the greatest first). Times are of the opening."""
    first, last = period(since, until)
    wanted = Wanted(
        supplier=supplier,
        grid_operator=grid_operator,
        station_operator=station_operator,
        station=station,
        vehicle=hash_of(vehicle, "vehicle") if vehicle else None,
        state=State[state.upper()] if state else None,
        since=first,
        until=last,
        fed_back=fed_back,
        disputed=disputed,
        corrected=corrected,
        verified=verified,
        with_record=with_record,
        text=text,
    )
    with of(request).snapshot() as (now, at):
        found = now.sessions(
            wanted,
            sort=sort.removeprefix("-"),
            descending=sort.startswith("-"),
            after=after,
            limit=limit,
        )
        return listed(request, at, found, format)


@router.get("/sessions/{station}/{session}", summary="One session's story")
def story(request: Request, station: Named, session: Named) -> Response:
    """Registers over time, quarter hours with prices, postings, messages with their signatures,
    what was rejected, corrected, disputed."""
    with of(request).snapshot() as (now, at):
        found = now.story(station, session)
        if found is None:
            raise unknown(f"session {session} of station {station}")
        return answer(request, at, {"story": plain(found)})


@router.get("/sessions/{station}/{session}/versions", summary="A session's versions")
def versions(request: Request, station: Named, session: Named) -> Response:
    """From the first on, each in whole; none as long as nobody disputed or corrected it."""
    with of(request).snapshot() as (now, at):
        if now.session(station, session) is None:
            raise unknown(f"session {session} of station {station}")
        return listed(request, at, now.versions(station, session))


@router.get("/proposals", summary="Corrections that were proposed, and who has to agree")
def proposals(
    request: Request,
    *,
    awaiting: Annotated[
        int | None, Query(ge=1, lt=1 << 32, description="open, and it needs this one's consent")
    ] = None,
    station: Number = None,
    session: Number = None,
    state: ProposalState | None = None,
    after: After = None,
    limit: Limit = 100,
    format: Format = None,  # noqa: A002
) -> Response:
    """The newest first. `session` goes with `station`."""
    if (station is None) != (session is None):
        raise InvalidInputError("A session is named by both numbers.", "Give station and session.")
    of_session = (station, session) if station is not None and session is not None else None
    with of(request).snapshot() as (now, at):
        found = now.proposals(
            awaiting=awaiting, session=of_session, state=state, after=after, limit=limit
        )
        return listed(request, at, found, format)


@router.get("/sessions/{station}/{session}/receipt", summary="One session's receipt")
def session_receipt(request: Request, station: Named, session: Named) -> Response:
    """With the proof of each line; `gridroam verify` or `POST /v1/chain/receipts` checks it."""
    with of(request).snapshot() as (now, _):
        if now.session(station, session) is None:
            raise unknown(f"session {session} of station {station}")
        return JSONResponse(receipt(now, station, session).as_dict())


@router.post(
    "/receipts",
    summary="Whether a receipt is real",
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": {"type": "object"}}},
        }
    },
)
async def check_receipt(request: Request) -> Response:
    """Asks the node, not the index. Whoever does not trust this service runs `gridroam verify`."""
    from fastapi.concurrency import run_in_threadpool  # noqa: PLC0415

    queries = of(request)
    if queries.anchors is None:
        raise ProblemError(Problem("node-failing", "This service has no node to ask."))
    with _bodies(request).share() as share:
        body = await read_json_body(request, _RECEIPT, share)
        found = read_receipt(body.decode("utf-8", errors="replace"))
        anchors = queries.anchors
        async with _turn(queries):
            verdict = await run_in_threadpool(lambda: verify_receipt(found, anchors()))
    return JSONResponse(verdict.as_dict())


@asynccontextmanager
async def _turn(queries: Queries) -> AsyncIterator[None]:
    """Raises `ProblemError` if it does not come soon."""
    try:
        await asyncio.wait_for(queries.proofs.acquire(), _PATIENCE)
    except TimeoutError as error:
        detail = "Too many receipts are being checked."
        raise ProblemError(Problem("node-failing", detail, retry_after=5)) from error
    try:
        yield
    finally:
        queries.proofs.release()


def _bodies(request: Request) -> Budget:
    state = request.app.state
    if not hasattr(state, "receipt_bodies"):
        state.receipt_bodies = Budget(_MEMORY)
    found: Budget = state.receipt_bodies
    return found


@router.get("/rejections", summary="What was not accepted, and why")
def rejections(
    request: Request,
    *,
    supplier: Number = None,
    grid_operator: Number = None,
    station_operator: Number = None,
    station: Number = None,
    vehicle: Hash = None,
    reason: Annotated[str | None, Query(pattern=f"^({'|'.join(_REASONS)})$")] = None,
    since: Since = None,
    until: Until = None,
    after: After = None,
    limit: Limit = 100,
    format: Format = None,  # noqa: A002
) -> Response:
    """The newest first. Times are of the block; parties as far as they are known."""
    first, last = period(since, until)
    wanted = Refused(
        supplier=supplier,
        grid_operator=grid_operator,
        station_operator=station_operator,
        station=station,
        vehicle=hash_of(vehicle, "vehicle") if vehicle else None,
        reason=next((r for r in Reason if r and r.slug == reason), None),
        since=first,
        until=last,
    )
    with of(request).snapshot() as (now, at):
        return listed(request, at, now.rejections(wanted, after=after, limit=limit), format)


@router.get("/messages/{digest}", summary="Every time that a message came to the ledger")
def messages(request: Request, digest: str) -> Response:
    key = hash_of(digest, "digest")
    with of(request).snapshot() as (now, at):
        return listed(request, at, now.messages(key))


@router.get("/batches", summary="Batches, the newest first")
def batches(
    request: Request,
    after: After = None,
    limit: Limit = 100,
    format: Format = None,  # noqa: A002
) -> Response:
    with of(request).snapshot() as (now, at):
        return listed(request, at, now.batches(after=after, limit=limit), format)


@router.get("/batches/{number}", summary="One batch, with its messages")
def batch(request: Request, number: Named) -> Response:
    with of(request).snapshot() as (now, at):
        found = now.batch(number)
        if found is None:
            raise unknown(f"batch {number}")
        return answer(request, at, {"batch": plain(found[0]), "messages": plain(found[1])})


@router.get("/acts", summary="Expiries, disputes, corrections, meters' evidence")
def acts(
    request: Request,
    *,
    name: Annotated[list[str], Query(description="only events of this name; repeat it")] = [],  # noqa: B006
    participant: Annotated[
        int | None, Query(ge=1, lt=1 << 32, description="only of sessions that it is a party of")
    ] = None,
    after: After = None,
    limit: Limit = 100,
    format: Format = None,  # noqa: A002
) -> Response:
    with of(request).snapshot() as (now, at):
        found = now.acts(*name, participant=participant, after=after, limit=limit)
        return listed(request, at, found, format)
