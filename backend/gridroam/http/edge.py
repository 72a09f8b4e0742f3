"""The outermost layer of a service, around everything that FastAPI does: names each request, limits
who sends too much, adds the headers that every answer has, and counts and logs what was answered.
"""

import re
import secrets
from dataclasses import dataclass
from logging import DEBUG
from time import perf_counter

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gridroam.http import metrics
from gridroam.http.limits import Rates, client_key
from gridroam.http.log import log
from gridroam.http.problems import Problem, problem_response, request_id

_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")
_FAULTS = frozenset({400, 401, 403, 408, 413, 415, 422})
"""Statuses that a client of good will has seldom."""

_NEVER_LIMITED = frozenset({"/healthz", "/readyz"})

_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"DENY"),
)
_API_HEADERS = (
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
)


@dataclass(frozen=True, slots=True)
class ClientLimits:
    """Of one client (`client_key`): requests, and answers that say something was wrong. 0: none."""

    requests_per_second: float = 0.0
    faults_per_minute: float = 0.0
    burst_seconds: float = 10.0


class Edge:
    """`scope["client"]` has to be the client's address: the server knows which proxies to trust."""

    def __init__(self, app: ASGIApp, limits: ClientLimits) -> None:
        self._app = app
        rate = limits.requests_per_second
        self._requests = Rates(rate, rate * limits.burst_seconds)
        self._faults = Rates(limits.faults_per_minute / 60, limits.faults_per_minute)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        start, given = perf_counter(), _given_id(scope)
        current = given or secrets.token_hex(8)
        token = request_id.set(current)
        client = client_key(scope["client"][0] if scope["client"] else "")
        scope.setdefault("state", {})["fault"] = lambda number: self._faults.charge(client, number)
        status = 500

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                _add_headers(message, current)
                if status in _FAULTS:
                    self._faults.charge(client)
                metrics.request_answered(
                    scope["method"], _route(scope), status, perf_counter() - start
                )
            await send(message)

        try:
            problem = None if scope["path"] in _NEVER_LIMITED else self._limit(client)
            handler = self._app if problem is None else problem_response(problem)
            await handler(scope, receive, answer)
        finally:
            if log.isEnabledFor(DEBUG):
                log.debug(
                    "answered",
                    method=scope["method"],
                    route=_route(scope),
                    status=status,
                    ms=int((perf_counter() - start) * 1000),
                )
            request_id.reset(token)

    def _limit(self, client: str) -> Problem | None:
        if wait := self._faults.wait(client):
            metrics.limited("faults")
            detail = "Most of what this client sent lately was wrong."
            return Problem("too-many-faults", detail, retry_after=_seconds(wait))
        if wait := self._requests.take(client):
            metrics.limited("requests")
            detail = "This client sends more requests than it may."
            return Problem("too-many-requests", detail, retry_after=_seconds(wait))
        return None


def _seconds(wait: float) -> int:
    return max(1, int(wait + 0.999))


def _given_id(scope: Scope) -> str | None:
    for name, value in scope["headers"]:
        if name == b"x-request-id" and _ID.fullmatch(value):
            return str(value.decode())
    return None


def _add_headers(message: Message, current: str) -> None:
    present = {name.lower() for name, _ in message.get("headers", ())}
    more = [pair for pair in (*_HEADERS, *_API_HEADERS) if pair[0] not in present]
    message["headers"] = [*message.get("headers", ()), *more, (b"x-request-id", current.encode())]


def _route(scope: Scope) -> str:
    """The template of the path: never the path itself, which strangers choose."""
    route = scope.get("route")
    return str(getattr(route, "path", "other"))
