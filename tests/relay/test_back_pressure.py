"""Where a bound is reached the answer is 429 with Retry-After, for whom it concerns alone."""

import contextlib
import socket
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import httpx
import pytest
from attacks import address_of
from plug import Plug
from serving import http, served, settings, wait_until

from gridroam.chain.anvil import Anvil
from gridroam.chain.ledger import Ledger
from gridroam.relay.client import RelayClient
from gridroam.relay.schemas import message_json

pytestmark = pytest.mark.chain

Serve = Callable[..., AbstractContextManager[str]]


@pytest.fixture
def serve(anvil: Anvil, ledger: Ledger, tmp_path: Path) -> Serve:
    """A relay with some settings."""

    def run(**more: Any) -> AbstractContextManager[str]:
        return served(settings(anvil, ledger.address, tmp_path / "relay.db", **more))

    return run


def refused(reply: httpx.Response, code: str, status: int = 429) -> None:
    assert (reply.status_code, reply.json()["code"]) == (status, code)
    assert reply.headers["content-type"] == "application/problem+json"
    assert int(reply.headers["retry-after"]) >= 1
    assert reply.json()["retryAfter"] == int(reply.headers["retry-after"])


def deliver(url: str, *signed: Any) -> httpx.Response:
    body = {"messages": [message_json(one) for one in signed]}
    return http.post(f"{url}/v1/messages", json=body, timeout=20)


def test_station_that_sends_too_much__waits__others_do_not(
    serve: Serve, plug: Plug, other_plug: Plug
) -> None:
    with serve(station_messages_per_minute=3) as url:
        assert deliver(url, plug.opening(), plug.report(), plug.report()).status_code == 202
        refused(deliver(url, plug.report()), "station-too-fast")
        assert deliver(url, other_plug.opening()).status_code == 202


def test_station_that_sends_too_much__loses_nothing_that_follows_out_of_order(
    serve: Serve, plug: Plug
) -> None:
    session = [plug.opening(), *(plug.report() for _ in range(4))]
    with serve(station_messages_per_minute=3) as url:
        reply = deliver(url, *session)
        entries = reply.json()["messages"]
        assert [entry["status"] for entry in entries[3:]] == ["refused"] * 2
        assert {entry["problem"]["code"] for entry in entries[3:]} == {"station-too-fast"}
        assert all(entry["status"] != "refused" for entry in entries[:3])
        assert int(reply.headers["retry-after"]) >= 1


def test_forgeries__use_up_nothing_of_the_station(serve: Serve, plug: Plug) -> None:
    opening = plug.opening()
    with serve(station_messages_per_minute=2) as url:
        for _ in range(10):
            forged = plug.sign(opening.message, key=b"\x07" * 32)
            assert deliver(url, forged).json()["code"] == "bad-signature"
        assert deliver(url, opening, plug.report()).status_code == 202


def test_client_that_asks_too_often__waits_and_is_told_how_long(serve: Serve) -> None:
    with serve(client_requests_per_second=0.5) as url:
        codes = [http.get(f"{url}/v1/status").status_code for _ in range(5)]
        assert codes == [200] * 5
        refused(http.get(f"{url}/v1/status"), "too-many-requests")
        assert http.get(f"{url}/healthz").status_code == 200


def test_wrong_messages_within_a_delivery__count_each(serve: Serve, plug: Plug) -> None:
    with serve(client_faults_per_minute=10) as url:
        wrong = message_json(plug.opening()) | {"time": -1}
        body = {"messages": [wrong] * 11}
        assert http.post(f"{url}/v1/messages", json=body).status_code == 200
        refused(http.get(f"{url}/v1/status"), "too-many-faults")


def test_bodies_together__are_bounded(serve: Serve, plug: Plug) -> None:
    with serve(body_memory_bytes=1024) as url:
        refused(deliver(url, plug.opening(), plug.report(), plug.report()), "too-many-bytes")
        assert deliver(url, plug.last()).status_code in (202, 409)  # it came back


def test_messages_that_are_looked_at__are_bounded(serve: Serve, plug: Plug) -> None:
    with serve(max_judging=2) as url:
        first = plug.opening()
        refused(deliver(url, first, plug.report(), plug.report()), "busy")
        assert deliver(url, first).status_code == 202


@contextlib.contextmanager
def listening(url: str) -> Iterator[None]:
    with httpx.stream("GET", f"{url}/v1/outcomes/stream", timeout=20) as stream:
        assert stream.status_code == 200
        pieces = stream.iter_bytes()  # dropping it would end the stream
        next(pieces)
        yield


def test_streams__are_bounded_and_come_back(serve: Serve) -> None:
    with serve(max_streams=2) as url:
        with listening(url), listening(url):
            reply = http.get(f"{url}/v1/outcomes/stream")
            refused(reply, "too-many-streams")

        def free() -> bool:
            with contextlib.suppress(AssertionError), listening(url):
                return True
            return False

        wait_until(free)


def test_connections__of_one_address_and_of_all__are_bounded(serve: Serve) -> None:
    for limit, code in (("client_connections", 429), ("max_connections", 503)):
        with serve(**{limit: 20}) as url, contextlib.ExitStack() as stack:
            address = address_of(url)
            crowd = [stack.enter_context(socket.create_connection(address, 5)) for _ in range(25)]
            crowd[-1].settimeout(10)
            said = crowd[-1].recv(4096)
            assert said.startswith(b"HTTP/1.1 %d " % code)
            assert b"retry-after: 2\r\n" in said
            for connection in crowd:
                connection.close()
            wait_until(lambda url=url: http.get(f"{url}/healthz").status_code == 200)


def test_client__comes_back_after_what_it_was_told(serve: Serve, plug: Plug) -> None:
    with serve(client_requests_per_second=1) as url, RelayClient(url) as client:
        statuses = [http.get(f"{url}/v1/status").status_code for _ in range(30)]
        assert 429 in statuses
        assert client.send([plug.opening()])[0].digest
