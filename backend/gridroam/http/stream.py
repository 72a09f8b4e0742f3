"""Server-sent events (WHATWG HTML, section 9.2): one event as text, and a stream of them as a
response that holds its place among all streams until it ends.
"""

import json
from collections.abc import AsyncIterator, Mapping
from typing import Any

from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from gridroam.http.limits import Budget
from gridroam.http.problems import Problem, ProblemError

MEDIA_TYPE = "text/event-stream"


def event(name: str, cursor: str, data: Mapping[str, Any]) -> str:
    """With the cursor as its id, with which a client that was cut off goes on."""
    return f"id: {cursor}\nevent: {name}\ndata: {json.dumps(data, separators=(',', ':'))}\n\n"


def pulse(cursor: str) -> str:
    """Keeps the connection open; without data no event is dispatched, but the id counts."""
    return f": alive\nid: {cursor}\n\n"


def opening(retry_ms: int) -> str:
    """How long a client that is cut off waits before it comes back."""
    return f"retry: {retry_ms}\n\n"


class StreamResponse(StreamingResponse):
    """Raises `ProblemError` where there are too many streams already."""

    def __init__(self, events: AsyncIterator[str], streams: Budget) -> None:
        if not streams.take(1):
            detail = "Ask with wait instead, or come back later."
            raise ProblemError(Problem("too-many-streams", detail, retry_after=10))
        self._streams = streams
        # nginx would keep events back, which this header tells it not to do
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        super().__init__(events, headers=headers, media_type=MEDIA_TYPE)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._streams.give_back(1)
