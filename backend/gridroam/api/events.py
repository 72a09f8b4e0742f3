"""Server-sent events: what happens on the chain, as it is indexed, resumable after a break.

The id of an event names the block and its hash, so that a client that was cut off misses nothing;
where the chain went another way meanwhile, it is told with `reset` from which block on it has to
ask again.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Annotated

from fastapi import APIRouter, Header, Query, Request
from fastapi.concurrency import run_in_threadpool

from gridroam.api.plain import plain
from gridroam.api.problems import Route
from gridroam.api.service import Queries, of
from gridroam.http import stream
from gridroam.http.problems import Problem, ProblemError
from gridroam.http.stream import StreamResponse
from gridroam.index.live import News
from gridroam.index.records import Kind, Message

router = APIRouter(prefix="/v1/chain", route_class=Route, tags=["events"])

_PULSE_SECONDS = 15.0
_POLL_SECONDS = 1.0
_RETRY_MS = 2_000
_PAGE = 500

Place = tuple[int, int, str]
"""Id of the last message, the block it is in, and the first hex digits of its hash."""


@router.get("/events", response_class=StreamResponse, summary="What happens, as it is indexed")
async def events(
    request: Request,
    participant: Annotated[
        int | None, Query(ge=1, description="only what it is a party of")
    ] = None,
    last_event_id: Annotated[str | None, Header(max_length=80)] = None,
) -> StreamResponse:
    """`cleared`, `settled`, `rejected`, `expired`: a message with its outcome; `block`: how far the
    index is; `reset`: the chain went another way, ask again for what came after `block`. Begins
    now, or behind `Last-Event-ID`."""
    queries = of(request)
    place = _read(last_event_id) if last_event_id else None
    return StreamResponse(_events(queries, place, participant), queries.streams)


async def _events(
    queries: Queries, place: Place | None, participant: int | None
) -> AsyncIterator[str]:
    news = queries.index.live.follow()
    coming: asyncio.Task[News] | None = None
    try:
        at: Place = await run_in_threadpool(_now, queries) if place is None else place
        yield stream.opening(_RETRY_MS) + stream.pulse(_id(at))
        quiet = 0.0
        while not queries.stopping.is_set():
            text, at = await run_in_threadpool(_page, queries, at, participant)
            if text:
                yield text
                quiet = 0.0
                continue
            # another process may fill the index, of which `live` does not tell
            coming = coming or asyncio.ensure_future(anext(news))
            done, _ = await asyncio.wait({coming}, timeout=_POLL_SECONDS)
            if done:
                coming = None
            quiet += _POLL_SECONDS
            if quiet >= _PULSE_SECONDS:
                yield stream.pulse(_id(at))
                quiet = 0.0
    finally:
        if coming is not None:
            coming.cancel()
            with suppress(asyncio.CancelledError):
                await coming
        await news.aclose()


def _now(queries: Queries) -> Place:
    with queries.snapshot() as (now, head):
        return now.last_message(), head.block, head.block_hash.hex()[:8]


def _page(queries: Queries, at: Place, participant: int | None) -> tuple[str, Place]:
    """What came behind a place, as text, and the place behind that."""
    with queries.snapshot() as (now, head):
        if not now.is_on_chain(at[1], at[2]):
            back = now.last_common(at[1])
            place = now.last_message(up_to=back[0]), *back
            return stream.event("reset", _id(place), {"block": back[0]}), place
        found = now.messages_after(at[0], _PAGE)
        here = head.block, head.block_hash.hex()[:8]
        if not found and here == at[1:]:
            return "", at
        parts = []
        for message in found:
            at = message.id, at[1], at[2]
            if participant is None or participant in _parties(message):
                parts.append(stream.event(_name(message), _id(at), plain(message)))
        if len(found) < _PAGE:
            at = at[0], *here
            data = {"block": head.block, "time": head.block_time, "head": head.head}
            parts.append(stream.event("block", _id(at), data))
        return "".join(parts), at


def _parties(message: Message) -> tuple[int, int, int]:
    return message.supplier, message.grid_operator, message.station_operator


def _name(message: Message) -> str:
    if not message.accepted:
        return "rejected"
    names = {Kind.OPENING: "cleared", Kind.REPORT: "settled", Kind.EXPIRY: "expired"}
    return names[message.kind]


def _id(place: Place) -> str:
    return f"{place[0]}-{place[1]}-{place[2]}"


def _read(text: str) -> Place:
    parts = text.split("-")
    if len(parts) != 3 or not (parts[0].isdecimal() and parts[1].isdecimal()):
        raise ProblemError(Problem("wrong-cursor", "Last-Event-ID is none of ours."))
    return int(parts[0]), int(parts[1]), parts[2][:8]
