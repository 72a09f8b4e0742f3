"""The client against what is no relay, and what does not answer."""

import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from gridroam.domain.reasons import Reason
from gridroam.errors import RelayProblemError, RelayUnreachableError
from gridroam.messages import Domain, OpenSession, Signed, sign
from gridroam.relay.client import RelayClient
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


def test_every_reason_of_the_ledger_is_a_problem() -> None:
    assert {reason.slug for reason in Reason if reason} <= KINDS.keys()
