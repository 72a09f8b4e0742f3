"""Messages in lists: all of them by time of arrival, and their outcomes in the order in which they
came about, as pages, by waiting, or as a stream.
"""

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Header, Query, Request
from fastapi.responses import JSONResponse

from gridroam.domain.delivery import Status
from gridroam.http import cursors, stream
from gridroam.http.stream import StreamResponse
from gridroam.relay import documentation, front
from gridroam.relay.answers import listed
from gridroam.relay.feed import START, Feed
from gridroam.relay.routes.messages import Wait
from gridroam.relay.schemas import ListOut, OutcomesOut
from gridroam.store.search import Arrived, Found, Position

_MESSAGES, _OUTCOMES = "messages", "outcomes"
_PULSE_SECONDS = 15.0
_RETRY_MS = 2_000
_PAGE = 100

Station = Annotated[
    int | None, Query(ge=0, lt=1 << 32, description="only of this station; else of all")
]
Limit = Annotated[int, Query(ge=1, le=500, description="entries in a page at most")]
Time = Annotated[int | None, Query(ge=0, lt=1 << 40, description="UTC seconds")]
After = Annotated[
    str | None,
    Query(
        max_length=200,
        description="Where to go on: a cursor as it was given, `start` (everything that the relay "
        "has) or `now` (only what comes).",
    ),
]

router = APIRouter()


@router.get(
    "/v1/messages",
    response_model=ListOut,
    responses=documentation.LIST,
    summary="Messages that the relay has taken",
    tags=["messages"],
)
async def messages(
    request: Request,
    *,
    station: Station = None,
    since: Time = None,
    until: Time = None,
    status: Annotated[list[Status], Query(description="only of these; repeat it")] = [],  # noqa: B006
    limit: Limit = 100,
    cursor: Annotated[
        str | None, Query(max_length=200, description="the `next` of the page before")
    ] = None,
) -> JSONResponse:
    """The latest first. `since` (inclusive) and `until` (exclusive) are times of arrival. There is
    more as long as `next` is a cursor; new messages do not shift the pages that follow."""
    desk = front.of(request)
    desk.check_reader(request)
    before = Arrived(*cursors.decode(_MESSAGES, cursor, field="cursor")) if cursor else None
    found = await asyncio.to_thread(
        desk.relay.search.messages,
        station=station,
        since=None if since is None else since * 1000,
        until=None if until is None else until * 1000,
        statuses=status,
        before=before,
        limit=limit,
    )
    full = len(found) == limit
    last = found[-1].arrived if full else None
    after = cursors.encode(_MESSAGES, last.stored_at, last.id) if last else None
    return JSONResponse({"messages": [listed(one) for one in found], "next": after})


@router.get(
    "/v1/outcomes",
    response_model=OutcomesOut,
    responses=documentation.OUTCOMES,
    summary="What the ledger decided, since a cursor",
    tags=["outcomes"],
)
async def outcomes(
    request: Request,
    after: After = "start",
    station: Station = None,
    limit: Limit = 100,
    wait: Wait = 0.0,
) -> JSONResponse:
    """Clearings, settlements and rejections in the order in which they came about, each message
    with its latest outcome. Go on with `next`, which is always there. With `wait` an empty page is
    held back until something is decided, or the time is over. A message whose block vanished comes
    once more, as `stored` or `sent`, and again when it is decided anew."""
    desk = front.of(request)
    desk.check_reader(request)
    feed = desk.feed
    place = await _place(feed, after or "start", "after")
    found, later = await feed.page(place, station, limit)
    if not found and wait:
        await feed.wait(place, station, min(wait, desk.relay.settings.max_wait))
        found, later = await feed.page(place, station, limit)
    entries = [listed(one) for one in found]
    return JSONResponse({"outcomes": entries, "next": _cursor(later)})


@router.get(
    "/v1/outcomes/stream",
    status_code=200,
    responses=documentation.STREAM,
    response_class=StreamResponse,
    summary="What the ledger decides, as it happens",
    tags=["outcomes"],
)
async def outcome_stream(
    request: Request,
    after: After = None,
    station: Station = None,
    last_event_id: Annotated[
        str | None,
        Header(max_length=200, description="the id of the last event: wins over `after`"),
    ] = None,
) -> StreamResponse:
    """Server-sent events: `cleared`, `settled`, `rejected`, `refused`, and `returned` for a message
    whose block vanished. The data is an entry as in `/v1/outcomes`, the id its cursor. Without
    `after` and `Last-Event-ID` it begins now. A client that comes back with `Last-Event-ID`, to any
    relay on the same database, misses nothing and sees nothing twice."""
    desk = front.of(request)
    desk.check_reader(request)
    name = "Last-Event-ID" if last_event_id else "after"
    place = await _place(desk.feed, last_event_id or after or "now", name)
    return StreamResponse(_events(desk.feed, place, station), desk.streams)


async def _events(feed: Feed, place: Position, station: int | None) -> AsyncIterator[str]:
    yield stream.opening(_RETRY_MS) + stream.pulse(_cursor(place))
    while not feed.stopped:
        found, place = await feed.page(place, station, _PAGE)
        if found:
            yield "".join(map(_event, found))
            continue
        before = place
        await feed.wait(place, station, _PULSE_SECONDS)
        found, place = await feed.page(place, station, _PAGE)
        yield "".join(map(_event, found)) or stream.pulse(_cursor(max(place, before)))


def _event(found: Found) -> str:
    status = found.outcome.status
    name = status.value if status.decided else "returned"
    return stream.event(name, _cursor(found.position or START), listed(found))


async def _place(feed: Feed, text: str, field: str) -> Position:
    if text == "start":
        return START
    if text == "now":
        return await feed.end()
    return Position(*cursors.decode(_OUTCOMES, text, field=field))


def _cursor(place: Position) -> str:
    return cursors.encode(_OUTCOMES, place.feed, place.id)
