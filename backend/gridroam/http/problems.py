"""Problem documents (RFC 9457): what one says, and the catalogue of those that every service has.

The catalogue is part of the API: codes are stable, texts are for people. A service adds its own
problems with `add` when it is imported.
"""

from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from fastapi.responses import JSONResponse

MEDIA_TYPE = "application/problem+json"

request_id: ContextVar[str | None] = ContextVar("request_id", default=None)
"""Of the request that is being answered; problems and logs name it."""


@dataclass(frozen=True, slots=True)
class Kind:
    """`passing`: nothing is wrong with the request, which may be sent again."""

    status: int
    title: str
    hint: str
    passing: bool = False


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that went wrong. `detail` says what, `field` where, the kind's hint what to do;
    `retry_after` is in seconds."""

    code: str
    detail: str
    field: str | None = None
    retry_after: int | None = None

    @property
    def kind(self) -> Kind:
        return KINDS[self.code]

    def document(self) -> dict[str, Any]:
        members = {
            "type": f"urn:gridroam:problem:{self.code}",
            "title": self.kind.title,
            "status": self.kind.status,
            "detail": self.detail,
            "code": self.code,
            "hint": self.kind.hint,
        }
        if self.field:
            members["field"] = self.field
        if self.retry_after is not None:
            members["retryAfter"] = self.retry_after
        return members


class ProblemError(Exception):
    """Stops a whole request with a problem."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.detail)
        self.problem = problem


def add(kinds: Mapping[str, Kind]) -> dict[str, Kind]:
    """Makes a service's problems known, and gives them back. Codes are used once."""
    taken = {code for code in kinds if KINDS.get(code, kinds[code]) != kinds[code]}
    if taken:
        raise ValueError(f"There are other problems {taken}.")
    KINDS.update(kinds)
    return dict(kinds)


def problem_response(problem: Problem, **members: Any) -> JSONResponse:
    """The problem as a response, with `Retry-After` where it knows when to try again."""
    headers = {}
    if problem.retry_after is not None:
        headers["Retry-After"] = str(problem.retry_after)
    if problem.code in _CLOSING:
        headers["Connection"] = "close"
    if problem.kind.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    content = problem.document() | members
    if (current := request_id.get()) is not None:
        content["instance"] = f"urn:gridroam:request:{current}"
    return JSONResponse(content, problem.kind.status, headers, MEDIA_TYPE)


_CLOSING = frozenset({"body-too-large", "body-too-slow", "too-many-bytes", "stopping"})
"""After these the rest of the body is not read, or the process ends."""

_SHAPE = "See the request's schema and examples at /docs."
_LATER = "Nothing is wrong with the request: send it again after the seconds of Retry-After."
_RETRY = "Nothing is wrong with the request: send it again in a moment."

KINDS: dict[str, Kind] = {
    "malformed-http": Kind(400, "The request is no HTTP/1.1", "Use an HTTP library."),
    "malformed-json": Kind(400, "The body is no JSON", _SHAPE),
    "missing-key": Kind(
        401, "An API key is needed", "Send Authorization: Bearer KEY; ask the operator for one."
    ),
    "wrong-key": Kind(401, "The API key is unknown", "Check the key; ask the operator for one."),
    "missing-field": Kind(422, "A field is missing", _SHAPE),
    "unknown-field": Kind(422, "A field is unknown", "Remove it, or correct its spelling."),
    "wrong-type": Kind(422, "A field has the wrong type", _SHAPE),
    "wrong-format": Kind(
        422, "A field is written wrongly", "Write bytes as 0x and two hexadecimal digits each."
    ),
    "out-of-range": Kind(422, "A value is out of range", "Keep to the range of its type."),
    "wrong-cursor": Kind(
        422, "The cursor is none of this list", "Use a cursor as it was given, or leave it out."
    ),
    "not-found": Kind(404, "There is nothing at this address", "See /docs for what there is."),
    "method-not-allowed": Kind(405, "The address has no such method", "See /docs."),
    "body-too-slow": Kind(408, "The body did not arrive in time", "Send it faster, or in parts."),
    "body-too-large": Kind(413, "The body is too large", "Send less in a request."),
    "wrong-media-type": Kind(
        415, "The body is not declared as JSON", "Send Content-Type: application/json."
    ),
    "too-many-requests": Kind(429, "The client sends too many requests", _LATER, passing=True),
    "too-many-faults": Kind(
        429,
        "The client sends too much that is wrong",
        "Look at the problems before: correct what sends them. Then wait for Retry-After.",
        passing=True,
    ),
    "too-many-connections": Kind(
        429, "The client has too many connections", "Use fewer, and keep them.", passing=True
    ),
    "too-many-streams": Kind(429, "There are too many streams", _LATER, passing=True),
    "too-many-bytes": Kind(429, "Too much is arriving at once", _LATER, passing=True),
    "internal-error": Kind(
        500, "The service failed", "Send it again; tell its operator if it happens once more."
    ),
    "store-failing": Kind(503, "The database does not answer", _RETRY, passing=True),
    "no-more-connections": Kind(503, "There are too many connections", _LATER, passing=True),
    "stopping": Kind(
        503,
        "The process is stopping",
        "Send it again: another one answers, or this one in a moment.",
        passing=True,
    ),
}
