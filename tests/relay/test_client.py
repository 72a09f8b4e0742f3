"""The client against what is no relay, and what does not answer."""

import asyncio
import contextlib
import json
import socket
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridroam.domain.reasons import Reason
from gridroam.errors import RelayProblemError, RelayUnreachableError
from gridroam.messages import Domain, OpenSession, Signed, sign
from gridroam.relay.client import NO_RETRIES, AsyncRelayClient, RelayClient, Retries
from gridroam.relay.client.events import EventReader
from gridroam.relay.problems import KINDS

DOMAIN = Domain(31337, "0x" + 40 * "1")


@pytest.fixture
def opening() -> Signed:
    return sign(DOMAIN, OpenSession(1, 1, bytes(32), 0, 0, 0), b"\x01" * 32)


@pytest.fixture
def silent_port() -> Iterator[int]:
    """Somebody listens and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening.getsockname()[1]


class Website(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(502)
        self.end_headers()
        self.wfile.write(b"<h1>Bad gateway</h1>")

    def log_message(self, *_: object) -> None: ...


@pytest.fixture
def website() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), Website) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_nobody_listens(opening: Signed) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with (
        RelayClient(f"http://127.0.0.1:{port}") as client,
        pytest.raises(RelayUnreachableError, match=f"No relay answers at http://127.0.0.1:{port}"),
    ):
        client.send([opening])


def test_nobody_answers_in_time(silent_port: int, opening: Signed) -> None:
    with (
        RelayClient(f"http://127.0.0.1:{silent_port}", timeout=0.1) as client,
        pytest.raises(
            RelayUnreachableError, match=r"did not answer in time.*Send the same messages"
        ),
    ):
        client.send([opening])


def test_what_answers_is_no_relay(website: str, opening: Signed) -> None:
    with RelayClient(website) as client, pytest.raises(RelayProblemError) as raised:
        client.send([opening])
    assert (raised.value.code, raised.value.status) == ("no-relay", 502)


class Busy(BaseHTTPRequestHandler):
    """Answers 429, 503 and nothing at all before it gives its status."""

    asked: ClassVar[list[float]] = []

    def do_GET(self) -> None:
        self.asked.append(time.monotonic())
        turn = len(self.asked)
        if turn == 2:
            self.connection.close()
            return
        status = {1: 429, 3: 503}.get(turn, 200)
        body = json.dumps(STATUS if status == 200 else PROBLEM).encode()
        self.send_response(status)
        if status == 429:
            self.send_header("Retry-After", "1")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None: ...


STATUS = {
    "chainId": 1,
    "ledger": "0x1",
    "registry": "0x2",
    "head": None,
    "queue": {"stored": 0, "sent": 0},
    "sender": {"address": "", "balance": None},
}
PROBLEM = {"code": "too-many-requests", "detail": "", "hint": ""}


@pytest.fixture
def busy() -> Iterator[str]:
    Busy.asked.clear()
    with HTTPServer(("127.0.0.1", 0), Busy) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_busy_relay__is_asked_again_and_never_sooner_than_it_said(busy: str) -> None:
    with RelayClient(busy, retries=Retries(tries=4, first=0.01)) as client:
        assert client.relay().domain.chain_id == 1
    assert len(Busy.asked) == 4
    assert Busy.asked[1] - Busy.asked[0] >= 1.0


def test_busy_relay__is_left_alone_where_nothing_is_tried_again(busy: str) -> None:
    with (
        RelayClient(busy, retries=NO_RETRIES) as client,
        pytest.raises(RelayProblemError) as raised,
    ):
        client.relay()
    assert (raised.value.status, raised.value.retry_after) == (429, 1.0)
    assert len(Busy.asked) == 1


def test_asynchronous_client__is_as_patient(busy: str) -> None:
    async def ask() -> int:
        async with AsyncRelayClient(busy, retries=Retries(tries=4, first=0.01)) as client:
            return (await client.relay()).domain.chain_id

    assert asyncio.run(ask()) == 1
    assert Busy.asked[1] - Busy.asked[0] >= 1.0


@given(st.integers(1, 20), st.floats(0, 1), st.none() | st.floats(0, 60))
def test_pause__grows_with_chance_and_never_undercuts_the_relay(
    tried: int, chance: float, asked: float | None
) -> None:
    error = RelayProblemError("busy", "", status=429, retry_after=asked)
    pause = Retries(tries=30, first=0.2, longest=10.0).pause(tried, error, lambda: chance)
    grown = min(0.2 * 2 ** (tried - 1), 10.0)
    if asked is not None and asked > 10:
        assert pause is None
    else:
        assert pause is not None
        assert (asked or 0) + grown / 2 <= pause <= (asked or 0) + grown


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 422, 500])
def test_pause__where_trying_again_does_not_help__is_none(status: int) -> None:
    assert Retries().pause(1, RelayProblemError("x", "", status=status)) is None


@given(
    st.lists(st.sampled_from(["id: a", "id: b", "data: x", ": alive", "retry: 5", "", "event: y"]))
)
def test_event_reader__cut_off_anywhere__resumes_after_the_last_whole_event(
    lines: list[str],
) -> None:
    """The cursor only ever moves when an event is complete."""
    reader = EventReader("start")
    cursor = latest = "start"
    for line in lines:
        if line.startswith("id: "):
            latest = line[4:]
        if not line:
            cursor = latest
        with contextlib.suppress(ValueError):
            list(reader.take(line))
        assert reader.cursor == cursor
    reader.broken()
    assert reader.cursor == cursor


def test_every_reason_of_the_ledger_is_a_problem() -> None:
    assert {reason.slug for reason in Reason if reason} <= KINDS.keys()
