"""Tells open pages that the index moved, by server-sent events; what is new they ask for again."""

from collections.abc import AsyncIterator
from contextlib import aclosing

from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool

from gridroam.console.render import HEADERS
from gridroam.console.route import PageRoute
from gridroam.console.visit import Visit, cookie_name
from gridroam.http import stream
from gridroam.http.stream import StreamResponse

router = APIRouter(route_class=PageRoute)
_PULSE_SECONDS = 15.0
_RETRY_MS = 2_000


@router.get("/live")
async def live(request: Request) -> Response:
    visit = await run_in_threadpool(Visit.of, request)
    _ = visit.identity
    response = StreamResponse(_news(visit), visit.console.streams)
    response.headers.update(HEADERS)
    return response


async def _news(visit: Visit) -> AsyncIterator[str]:
    """Ends with the session."""
    console, at = visit.console, ""
    token = visit.request.cookies.get(cookie_name(console))
    yield stream.opening(_RETRY_MS)
    async with aclosing(console.index.live.follow(_PULSE_SECONDS)) as moves:
        async for news in moves:
            if console.closing.is_set():
                return
            if await run_in_threadpool(_ended, visit, token):
                yield stream.event("end", at, {})
                return
            if news is None:
                yield stream.pulse(at)
                continue
            at = str(news.block)
            said = {"block": news.block, "time": news.block_time, "lag": news.head - news.block}
            yield stream.event("block", at, said)


def _ended(visit: Visit, token: str | None) -> bool:
    session = visit.console.sessions.find(token, touch=False)
    return session is None or session.identity is None
