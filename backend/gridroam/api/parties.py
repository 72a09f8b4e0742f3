"""Participants, stations, meters, vehicles; accounts, journals, postings."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from gridroam.api.plain import plain
from gridroam.api.problems import Route, unknown
from gridroam.api.service import (
    After,
    Format,
    Limit,
    Named,
    Since,
    Until,
    answer,
    hash_of,
    listed,
    of,
    whole_period,
)
from gridroam.domain.participants import Role
from gridroam.index.records import StationState

router = APIRouter(prefix="/v1/chain", route_class=Route, tags=["parties"])

_DAY = 86_400
Number = Annotated[int | None, Query(ge=0, lt=1 << 32)]


@router.get("/head", summary="How far the index is")
def head(request: Request) -> Response:
    with of(request).snapshot() as (now, at):
        more = {"chain_id": at.chain_id, "ledger": at.ledger, "limits": plain(now.limits())}
        return answer(request, at, more)


@router.get("/participants", summary="Companies with their accounts")
def participants(
    request: Request,
    role: Annotated[
        str | None, Query(pattern="^(supplier|grid-operator|station-operator)$")
    ] = None,
    after: After = None,
    limit: Limit = 100,
    format: Format = None,  # noqa: A002
) -> Response:
    wanted = Role[role.upper().replace("-", "_")] if role else None
    with of(request).snapshot() as (now, at):
        return listed(request, at, now.participants(wanted, after=after, limit=limit), format)


@router.get("/participants/{number}", summary="One company, with tariffs and pairs")
def participant(request: Request, number: Named) -> Response:
    with of(request).snapshot() as (now, at):
        found = now.participant(number)
        if found is None:
            raise unknown(f"participant {number}")
        more = {"tariffs": plain(now.tariffs(number)), "pairs": plain(now.pairs(number))}
        return answer(request, at, {"participant": plain(found)} | more)


@router.get("/participants/{number}/journal", summary="Everything that happened to an account")
def journal(
    request: Request,
    number: Named,
    after: After = None,
    limit: Limit = 100,
    format: Format = None,  # noqa: A002
) -> Response:
    """In its order; the entries' hashes chain up to the journal's head on chain."""
    with of(request).snapshot() as (now, at):
        return listed(request, at, now.journal(number, after=after, limit=limit), format)


@router.get("/participants/{number}/postings", summary="What was posted with whom")
def postings(
    request: Request,
    number: Named,
    *,
    since: Since = None,
    until: Until = None,
    by: Annotated[str, Query(pattern="^(day|period)$")] = "period",
    format: Format = None,  # noqa: A002
) -> Response:
    """By the UTC days of the blocks that posted: both ends are widened to whole days."""
    with of(request).snapshot() as (now, at):
        first, last = whole_period(since, until, at)
        start, end = first - first % _DAY, last + -last % _DAY
        return listed(request, at, now.posted(number, start, end, by_day=by == "day"), format)


@router.get("/pairs", summary="Everything ever posted between two, and open claims")
def pairs(
    request: Request,
    participant: Number = None,
    format: Format = None,  # noqa: A002
) -> Response:
    with of(request).snapshot() as (now, at):
        return listed(request, at, now.pairs(participant), format)


@router.get("/payments", summary="Deposits, withdrawals, collections, corrections")
def payments(
    request: Request,
    participant: Number = None,
    after: After = None,
    limit: Limit = 100,
    format: Format = None,  # noqa: A002
) -> Response:
    """The newest first."""
    with of(request).snapshot() as (now, at):
        return listed(request, at, now.payments(participant, after=after, limit=limit), format)


@router.get("/stations", summary="Stations and their state")
def stations(
    request: Request,
    *,
    operator: Number = None,
    grid_operator: Number = None,
    state: StationState | None = None,
    text: Annotated[str, Query(max_length=100, description="in the EVSE id")] = "",
    after: After = None,
    limit: Limit = 100,
    format: Format = None,  # noqa: A002
) -> Response:
    with of(request).snapshot() as (now, at):
        found = now.stations(
            operator=operator,
            grid_operator=grid_operator,
            state=state,
            text=text,
            after=after,
            limit=limit,
        )
        return listed(request, at, found, format)


@router.get("/stations/{number}", summary="One station")
def station(request: Request, number: Named) -> Response:
    with of(request).snapshot() as (now, at):
        found = now.station(number)
        if found is None:
            raise unknown(f"station {number}")
        return answer(request, at, {"station": plain(found)})


@router.get("/vehicles", summary="Vehicles by their hash")
def vehicles(
    request: Request,
    supplier: Number = None,
    after: After = None,
    limit: Limit = 100,
    format: Format = None,  # noqa: A002
) -> Response:
    with of(request).snapshot() as (now, at):
        return listed(request, at, now.vehicles(supplier, after=after, limit=limit), format)


@router.get("/vehicles/{vehicle}", summary="One vehicle, and who supplied it since when")
def vehicle(request: Request, vehicle: str) -> Response:
    key = hash_of(vehicle, "vehicle")
    with of(request).snapshot() as (now, at):
        found = now.vehicle(key)
        if found is None:
            raise unknown(f"vehicle {vehicle}")
        more = {"supplies": plain(now.supplies(key))}
        return answer(request, at, {"vehicle": plain(found)} | more)


@router.get("/meters", summary="Meters and the stations behind them")
def meters(
    request: Request,
    grid_operator: Number = None,
    after: After = None,
    limit: Limit = 100,
    format: Format = None,  # noqa: A002
) -> Response:
    with of(request).snapshot() as (now, at):
        return listed(request, at, now.meters(grid_operator, after=after, limit=limit), format)
