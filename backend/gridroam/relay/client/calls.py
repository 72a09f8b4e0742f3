"""The requests of the API: how each is written, and how its answer is read. No network here, so
that the blocking and the asynchronous client are the same in all that matters.
"""

import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import httpx

from gridroam.domain.delivery import Status
from gridroam.errors import RelayProblemError, RelayUnreachableError
from gridroam.messages import Domain, Signed
from gridroam.relay.client.answers import (
    Answer,
    Listed,
    RelayStatus,
    read_answer,
    read_listed,
    read_refusal,
    read_status,
)
from gridroam.relay.schemas import message_json

T = TypeVar("T")


def certificates(url: str) -> ssl.SSLContext | bool:
    """What to verify servers with. Without TLS none is trusted: to read all certificates of the
    machine takes longer than most requests."""
    return url.startswith("https:") or ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


@dataclass(frozen=True, slots=True)
class Call(Generic[T]):
    """`wait` (s) is how long the relay may take beyond the usual."""

    method: str
    path: str
    read: Callable[[httpx.Response], T]
    params: dict[str, Any] = field(default_factory=dict)
    body: dict[str, Any] | None = None
    wait: float = 0.0


@dataclass(frozen=True, slots=True)
class Page:
    """`after` is the cursor of the next one, `None` where there is none."""

    entries: list[Listed]
    after: str | None


def send(messages: Sequence[Signed], domain: Domain | None, wait: float) -> Call[list[Answer]]:
    body: dict[str, Any] = {"messages": [message_json(signed) for signed in messages]}
    if domain is not None:
        body["domain"] = {"chainId": domain.chain_id, "verifyingContract": domain.ledger}
    params = {"wait": wait} if wait else {}
    return Call("POST", "/v1/messages", _read_answers, params, body, wait)


def message(digest: bytes, wait: float) -> Call[Answer]:
    params = {"wait": wait} if wait else {}
    path = f"/v1/messages/0x{digest.hex()}"
    return Call("GET", path, lambda reply: read_answer(_body(reply)), params, wait=wait)


def relay() -> Call[RelayStatus]:
    return Call("GET", "/v1/status", lambda reply: read_status(_body(reply)))


def messages(
    *,
    station: int | None,
    since: int | None,
    until: int | None,
    statuses: Sequence[Status],
    page: int,
    cursor: str | None,
) -> Call[Page]:
    params = {
        "station": station,
        "since": since,
        "until": until,
        "status": [status.value for status in statuses] or None,
        "limit": page,
        "cursor": cursor,
    }
    return Call("GET", "/v1/messages", _read_page("messages"), _given(params))


def outcomes(after: str, station: int | None, page: int, wait: float) -> Call[Page]:
    params = {"after": after, "station": station, "limit": page, "wait": wait or None}
    return Call("GET", "/v1/outcomes", _read_page("outcomes"), _given(params), wait=wait)


STREAM = "/v1/outcomes/stream"


def stream_params(after: str | None, station: int | None) -> dict[str, Any]:
    return _given({"after": after, "station": station})


# ----------------------------------------------------------------------------------------- Answers


def error_of(reply: httpx.Response) -> RelayProblemError:
    problem = _problem(reply)
    return RelayProblemError(
        problem["code"],
        problem["detail"],
        problem["hint"],
        status=reply.status_code,
        retry_after=_retry_after(reply),
    )


def unreachable(url: str, error: httpx.TransportError) -> RelayUnreachableError:
    if isinstance(error, httpx.TimeoutException):
        return RelayUnreachableError(
            f"The relay at {url} did not answer in time.",
            "Send the same messages again: they settle once.",
        )
    return RelayUnreachableError(
        f"No relay answers at {url} ({error}).", "Check the address and the network."
    )


def _read_answers(reply: httpx.Response) -> list[Answer]:
    if reply.is_success:
        return [read_answer(entry) for entry in _json(reply)["messages"]]
    problem = _problem(reply)
    if "digest" not in problem:
        raise error_of(reply)
    return [read_refusal(problem)]


def _read_page(name: str) -> Callable[[httpx.Response], Page]:
    def read(reply: httpx.Response) -> Page:
        body = _body(reply)
        return Page([read_listed(entry) for entry in body[name]], body["next"])

    return read


def _body(reply: httpx.Response) -> dict[str, Any]:
    if not reply.is_success:
        raise error_of(reply)
    return _json(reply)


def _json(reply: httpx.Response) -> dict[str, Any]:
    try:
        body: dict[str, Any] = reply.json()
    except ValueError:
        raise error_of(reply) from None
    return body


def _problem(reply: httpx.Response) -> dict[str, Any]:
    try:
        problem = reply.json()
    except ValueError:
        problem = None
    if isinstance(problem, dict) and "code" in problem:
        return problem
    return {
        "code": "no-relay",
        "detail": f"{reply.url} answered {reply.status_code} without a problem document.",
        "hint": "Check that a Gridroam relay runs at this address.",
    }


def _retry_after(reply: httpx.Response) -> float | None:
    """Seconds; the form with a date is none that a relay sends."""
    try:
        return max(float(reply.headers["retry-after"]), 0.0)
    except (KeyError, ValueError):
        return None


def _given(params: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in params.items() if value is not None}
