"""HTTP/1.1 over one connection, and what uvicorn leaves open: how many connections there may be,
how long a request may take to arrive, how long an answer may wait for who does not read it.
"""

import asyncio
import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import h11
from uvicorn.config import Config
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from gridroam.http import metrics
from gridroam.http.limits import client_key
from gridroam.http.problems import MEDIA_TYPE, Problem

_REASONS = {400: "Bad Request", 408: "Request Timeout", 429: "Too Many Requests"}


@dataclass(slots=True)
class Wire:
    """What connections may do, and how many there are. `head_seconds`: from the connection, or from
    a request's first byte, to the end of its head; `body_seconds`: to the end of its body;
    `write_seconds`: how long a client may read nothing of its answer. `is_proxy` tells addresses
    that many clients share."""

    most: int = 2_000
    most_of_client: int = 200
    head_seconds: float = 10.0
    body_seconds: float = 30.0
    write_seconds: float = 30.0
    is_proxy: Callable[[str], bool] = lambda _: False
    clients: Counter[str] = field(default_factory=Counter)


def protocol(wire: Wire) -> type[asyncio.Protocol]:
    """For uvicorn's `http` option."""

    class BoundProtocol(_Protocol):
        limits = wire

    return BoundProtocol


class _Protocol(H11Protocol):
    limits: Wire

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._host: str | None = None
        self._arriving: asyncio.TimerHandle | None = None
        self._in_body = False
        self._leaving: asyncio.TimerHandle | None = None

    # --------------------------------------------------------------------------------- Connections

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        metrics.connection_opened()
        host = client_key(self.client[0] if self.client else "")
        self._host = host
        self.limits.clients[host] += 1
        if len(self.connections) > self.limits.most:
            self._turn_away(Problem("no-more-connections", "Try again.", retry_after=2))
        elif self._has_too_many(host):
            detail = f"This address has more than {self.limits.most_of_client}."
            self._turn_away(Problem("too-many-connections", detail, retry_after=2))
        else:
            self._expect(self.limits.head_seconds, in_body=False)

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        metrics.connection_closed()
        self._cancel()
        if self._leaving is not None:
            self._leaving.cancel()
        if self._host is not None:
            self.limits.clients[self._host] -= 1
            if self.limits.clients[self._host] <= 0:
                del self.limits.clients[self._host]
            self._host = None

    def _has_too_many(self, host: str) -> bool:
        many = self.limits.clients[host] > self.limits.most_of_client
        return many and not self.limits.is_proxy(host)

    def _turn_away(self, problem: Problem) -> None:
        metrics.connection_dropped(problem.code)
        self._say(problem)

    # ------------------------------------------------------------------------------------ Requests

    def data_received(self, data: bytes) -> None:
        if self.transport.is_closing():
            return  # what still comes from one that was turned away
        super().data_received(data)
        self._watch_arrival()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._watch_arrival()

    def _watch_arrival(self) -> None:
        """A request that has begun has to come to an end, whatever became of its answer."""
        state = self.conn.their_state
        if state is h11.IDLE:
            if self.conn.trailing_data[0]:
                self._expect(self.limits.head_seconds, in_body=False)
            else:
                self._cancel()  # between requests uvicorn's own time for idle connections counts
        elif state is h11.SEND_BODY:
            self._expect(self.limits.body_seconds, in_body=True)
        else:
            self._cancel()

    def _expect(self, seconds: float, *, in_body: bool) -> None:
        if self._arriving is not None and self._in_body == in_body:
            return
        self._cancel()
        self._in_body = in_body
        self._arriving = self.loop.call_later(seconds, self._too_slow)

    def _cancel(self) -> None:
        if self._arriving is not None:
            self._arriving.cancel()
            self._arriving = None

    def _too_slow(self) -> None:
        self._arriving = None
        metrics.connection_dropped("slow-body" if self._in_body else "slow-head")
        if self._in_body or self.transport.is_closing():
            self.transport.abort()  # the handler had its time to answer
        else:
            self._say(Problem("body-too-slow", "The request's head did not arrive in time."))

    def send_400_response(self, msg: str) -> None:
        metrics.connection_dropped("malformed-http")
        if self.conn.our_state not in (h11.IDLE, h11.SEND_RESPONSE):
            self.transport.abort()  # in the middle of an answer
            return
        self._say(Problem("malformed-http", msg))

    def _say(self, problem: Problem) -> None:
        """A problem without a request, and the end."""
        body = json.dumps(problem.document()).encode()
        status = problem.kind.status
        reason = _REASONS.get(status, "Service Unavailable")
        retry = "" if problem.retry_after is None else f"retry-after: {problem.retry_after}\r\n"
        head = (
            f"HTTP/1.1 {status} {reason}\r\ncontent-type: {MEDIA_TYPE}\r\n{retry}"
            f"content-length: {len(body)}\r\nconnection: close\r\n\r\n"
        )
        self.transport.write(head.encode() + body)
        self.transport.close()
        self._leave()

    # ------------------------------------------------------------------------------------- Answers

    def pause_writing(self) -> None:
        super().pause_writing()
        self._leave()

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._leaving is not None and not self.transport.is_closing():
            self._leaving.cancel()
            self._leaving = None

    def _leave(self) -> None:
        if self._leaving is None:
            self._leaving = self.loop.call_later(self.limits.write_seconds, self._abort)

    def _abort(self) -> None:
        self._leaving = None
        metrics.connection_dropped("slow-reader")
        self.transport.abort()
