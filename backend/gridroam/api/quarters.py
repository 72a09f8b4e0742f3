"""Quarter hours: series of participants, allocations of grid operators, meters' identities."""

from enum import StrEnum
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from gridroam.allocation.identity import (
    Claim,
    IdentitySlot,
    MeterIdentity,
    claims,
    identities,
    identity,
)
from gridroam.allocation.meter_series import put_series, read_series
from gridroam.api.plain import plain
from gridroam.api.problems import Route
from gridroam.api.service import (
    Format,
    Named,
    Since,
    Until,
    hash_of,
    listed,
    of,
    period,
    whole_period,
)
from gridroam.domain.participants import Role
from gridroam.domain.slots import SLOT
from gridroam.errors import BrokenFileError, InvalidInputError
from gridroam.http.problems import Problem, ProblemError
from gridroam.index.records import Head, Step

router = APIRouter(prefix="/v1/chain", route_class=Route, tags=["quarter hours"])

T = TypeVar("T")
Number = Annotated[int | None, Query(ge=0, lt=1 << 32)]


class Direction(StrEnum):
    IMPORT = "import"
    EXPORT = "export"


_MOST_BYTES = 4 << 20
_MOST_ROWS = 100_000
"""In an answer that has no pages: a year of quarter hours, or some grid operators' of a month."""
_MOST_DAYS = 400
"""Whose sessions an identity goes through."""


@router.get("/participants/{number}/series", summary="A participant's quarter hours or days")
def series(
    request: Request,
    number: Named,
    *,
    role: Annotated[str, Query(pattern="^(supplier|grid-operator|station-operator)$")],
    since: Since = None,
    until: Until = None,
    step: Step = Step.SLOT,
    format: Format = None,  # noqa: A002
) -> Response:
    """By the start of the slot or UTC day; what had nothing is left out."""
    with of(request).snapshot() as (now, at):
        first, last = _slots(since, until, at)
        whose = number, Role[role.upper().replace("-", "_")]
        found = now.series(*whose, first, last, step, most=_MOST_ROWS + 1)
        return listed(request, at, _bounded(found), format)


@router.get("/allocations", summary="Energy per slot, grid operator and supplier")
def allocations(
    request: Request,
    *,
    grid_operator: Number = None,
    supplier: Number = None,
    since: Since = None,
    until: Until = None,
    step: Step = Step.SLOT,
    format: Format = None,  # noqa: A002
) -> Response:
    with of(request).snapshot() as (now, at):
        first, last = _slots(since, until, at)
        found = now.allocations(
            first,
            last,
            grid_operator=grid_operator,
            supplier=supplier,
            step=step,
            most=_MOST_ROWS + 1,
        )
        return listed(request, at, _bounded(found), format)


@router.get("/meters/{meter}/identity", summary="Series = allocations + delta, slot by slot")
def meter_identity(
    request: Request,
    meter: str,
    since: Since = None,
    until: Until = None,
    format: Format = None,  # noqa: A002
) -> Response:
    """A negative delta is an over-claim: more was settled than the meter counted. Of 400 days at
    most; without `since` of the last ones."""
    key = hash_of(meter, "meter")
    with of(request).snapshot() as (now, at):
        found = identity(now, key, *_few_slots(since, until, at))
        return listed(request, at, [_slot(slot) for slot in found.slots], format)


@router.get("/meters/{meter}/claims", summary="The sessions that claim a meter's slot")
def meter_claims(
    request: Request,
    meter: str,
    slot: Annotated[str, Query(max_length=40, description="its start: UTC seconds or ISO 8601")],
    direction: Direction | None = None,
    format: Format = None,  # noqa: A002
) -> Response:
    """Those with energy in it (in one direction, if one is asked for), the greatest first: their
    sum is what the identity has as allocated. Where the delta is negative, one of them is wrong."""
    key = hash_of(meter, "meter")
    start, _ = period(slot, None)
    with of(request).snapshot() as (now, at):
        found = claims(now, key, start or 0)
        if direction is not None:
            found = [c for c in found if getattr(c.share, f"{direction.value}_wh")]
        return listed(request, at, [_claim(claim) for claim in found], format)


@router.get("/deltas", summary="The deltas of a grid operator's meters")
def deltas(
    request: Request,
    grid_operator: Annotated[int, Query(ge=1)],
    since: Since = None,
    until: Until = None,
    format: Format = None,  # noqa: A002
) -> Response:
    """Of those meters that have a series in the period: 400 days at most; without `since` the last
    ones."""
    with of(request).snapshot() as (now, at):
        found = identities(now, grid_operator, *_few_slots(since, until, at))
        return listed(request, at, [summary(one) for one in found], format)


@router.put(
    "/meters/{meter}/series",
    summary="Bring in a meter's own quarter hours (CSV)",
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {"text/csv": {"schema": {"type": "string"}}},
        }
    },
)
async def bring_series(request: Request, meter: str) -> dict[str, int]:
    """`start;import_wh;export_wh`, or `end` for `start`. Replaces what there was for these slots.
    Only for the service's operator."""
    from fastapi.concurrency import run_in_threadpool  # noqa: PLC0415

    key, queries = hash_of(meter, "meter"), of(request)
    if queries.operator is None:
        raise ProblemError(Problem("missing-key", "This service takes no series."))
    queries.operator.check(request)
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > _MOST_BYTES:
            raise ProblemError(Problem("body-too-large", f"At most {_MOST_BYTES} bytes."))
    try:
        rows = read_series(body.decode("utf-8"))
    except (BrokenFileError, UnicodeDecodeError) as error:
        raise InvalidInputError(f"The series cannot be read: {error}") from error
    return {"slots": await run_in_threadpool(put_series, queries.index, key, rows)}


def summary(found: MeterIdentity) -> dict[str, Any]:
    """A meter's period in one row."""
    return {
        "meter": "0x" + found.meter.hex(),
        "grid_operator": found.grid_operator,
        "station_operators": list(found.station_operators),
        **{
            name: found.total(name)
            for name in (
                *("series_import_wh", "series_export_wh", "import_wh", "export_wh"),
                *("delta_import_wh", "delta_export_wh"),
            )
        },
        "slots": len(found.slots),
        "over_claimed_slots": found.over_claimed,
        "slots_without_series": found.without_series,
    }


def _slot(slot: IdentitySlot) -> dict[str, Any]:
    row = plain(slot)
    row["shares"] = {str(supplier): plain(share) for supplier, share in slot.shares.items()}
    return dict(row)


def _claim(claim: Claim) -> dict[str, Any]:
    session = claim.session
    names = ("station", "evse_id", "session", "vehicle", "opened", "time", "state")
    told = {name: plain(getattr(session, name)) for name in names}
    told |= {"supplier": claim.supplier, **plain(claim.share)}
    return told | {"version": session.version, "verified": session.verified}


def _slots(since: str | None, until: str | None, head: Head) -> tuple[int, int]:
    """Widened to whole slots."""
    first, last = whole_period(since, until, head)
    start, end = first - first % SLOT, last + -last % SLOT
    return start, end


def _few_slots(since: str | None, until: str | None, head: Head) -> tuple[int, int]:
    """Widened to whole slots. Raises `InvalidInputError` if they are too many."""
    first, last = _slots(since, until, head)
    earliest = last - _MOST_DAYS * 86_400
    if since is None:
        return max(first, earliest), last
    if first < earliest:
        raise InvalidInputError(
            f"The period has more than {_MOST_DAYS} days.", "Ask for less, several times."
        )
    return first, last


def _bounded(rows: list[T]) -> list[T]:
    """Raises `InvalidInputError` if there are more than an answer has."""
    if len(rows) > _MOST_ROWS:
        raise InvalidInputError(
            f"There are more than {_MOST_ROWS:,} rows.",
            "Give since and until, or step=day, and ask several times.",
        )
    return rows
