"""Tells open pages that the index moved, by server-sent events; what is new they ask for again."""

import json
from collections.abc import AsyncIterator

from fastapi import APIRouter, Request, Response
from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.concurrency import run_in_threadpool

from gridroam.console.render import HEADERS
from gridroam.console.route import PageRoute
from gridroam.console.visit import Visit, cookie_name

router = APIRouter(route_class=PageRoute)
_PING = 15


@router.get("/live")
async def live(request: Request) -> Response:
    visit = await run_in_threadpool(Visit.of, request)
    _ = visit.identity
    return EventSourceResponse(_news(visit), ping=_PING, headers=HEADERS)


async def _news(visit: Visit) -> AsyncIterator[ServerSentEvent]:
    """Ends with the session."""
    console = visit.console
    token = visit.request.cookies.get(cookie_name(console))
    async for news in console.index.live.follow():
        if console.closing.is_set():
            return
        if await run_in_threadpool(_ended, visit, token):
            yield ServerSentEvent(data="", event="end")
            return
        said = {"block": news.block, "time": news.block_time, "lag": news.head - news.block}
        yield ServerSentEvent(data=json.dumps(said), event="block", id=str(news.block))


def _ended(visit: Visit, token: str | None) -> bool:
    session = visit.console.sessions.find(token, touch=False)
    return session is None or session.identity is None
