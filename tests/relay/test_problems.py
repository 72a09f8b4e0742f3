"""Every error is a problem document (RFC 9457) that says what is wrong, where, and what to do."""

import json
import logging
import socket
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import psycopg
import pytest
from attacks import HEAD, address_of, connected
from plug import Plug
from serving import http, served, settings, wait_until

from gridroam.chain.anvil import Anvil
from gridroam.chain.ledger import Ledger
from gridroam.errors import RelayProblemError
from gridroam.messages import EnergyReport, OpenSession
from gridroam.relay.client import RelayClient
from gridroam.relay.problems import KINDS
from gridroam.relay.schemas import message_json

pytestmark = pytest.mark.chain

LIMIT = 300_000
OPENING = {
    "kind": "open",
    "station": 1,
    "session": 1,
    "vehicle": "0x" + 64 * "1",
    "time": 1_764_000_000,
    "importRegister": 0,
    "exportRegister": 0,
    "signature": "0x" + 130 * "1",
}
REPORT = OPENING | {
    "kind": "report",
    "report": 1,
    "last": False,
    "evidence": "0x" + 64 * "0",
    "boundaries": [],
}
del REPORT["vehicle"]


@pytest.fixture(scope="module")
def url(running_market: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """One relay for all: nothing here is ever stored."""
    db = tmp_path_factory.mktemp("problems") / "relay.db"
    ledger = running_market.ledger.address
    with served(settings(running_market.anvil, ledger, db, max_body_bytes=LIMIT)) as address:
        yield address


def check(
    reply: httpx.Response, status: int, code: str, field: str | None = None
) -> dict[str, Any]:
    problem: dict[str, Any] = reply.json()
    assert reply.headers["content-type"] == "application/problem+json"
    assert (reply.status_code, problem["code"], problem.get("field")) == (status, code, field)
    assert problem["status"] == status
    assert problem["type"] == f"urn:gridroam:problem:{code}"
    assert problem["title"] == KINDS[code].title
    assert problem["hint"]
    assert problem["detail"]
    return problem


def send(url: str, body: Any, **more: Any) -> httpx.Response:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = {"content-type": "application/json"}
    return http.post(f"{url}/v1/messages", content=content, headers=headers, **more)


@pytest.mark.parametrize("name", ["x" * 200_000, "\x1b[2J\n" * 50], ids=["long", "controls"])
def test_field__that_a_stranger_has_named__is_cut_and_plain_in_answer_and_log(
    url: str, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    caplog.set_level(logging.INFO, "gridroam")
    for body in ({"messages": [OPENING | {name: 1}]}, {"messages": [OPENING], name: 1}):
        reply = send(url, body)
        answer = reply.json()
        assert (reply.status_code, answer["code"]) == (422, "unknown-field")
        for text in (answer["field"], answer["detail"]):
            assert len(text) < 300
            assert text.isprintable()
    assert len(caplog.text) < 2_000


@pytest.mark.parametrize(
    ("body", "status", "code", "field"),
    [
        (b"{", 400, "malformed-json", None),
        (b"\xff", 400, "malformed-json", None),
        ([], 422, "wrong-type", None),
        ({}, 422, "missing-field", "messages"),
        ({"messages": {}}, 422, "wrong-type", "messages"),
        ({"messages": []}, 422, "no-messages", "messages"),
        ({"messages": [OPENING], "massages": []}, 422, "unknown-field", "massages"),
        ({"messages": [OPENING] * 501}, 413, "too-many-messages", "messages"),
    ],
)
def test_request_that_cannot_be_read(
    url: str, body: Any, status: int, code: str, field: str | None
) -> None:
    check(send(url, body), status, code, field)


@pytest.mark.parametrize(
    ("message", "code", "field"),
    [
        (7, "wrong-type", ""),
        ({}, "missing-field", ".kind"),
        (OPENING | {"kind": "close"}, "unknown-kind", ".kind"),
        ({k: v for k, v in OPENING.items() if k != "time"}, "missing-field", ".time"),
        ({k: v for k, v in REPORT.items() if k != "report"}, "missing-field", ".report"),
        (OPENING | {"report": 1}, "unknown-field", ".report"),
        (OPENING | {"station": "1"}, "wrong-type", ".station"),
        (OPENING | {"station": True}, "wrong-type", ".station"),
        (OPENING | {"time": 1.5}, "wrong-type", ".time"),
        (OPENING | {"session": 1 << 32}, "out-of-range", ".session"),
        (OPENING | {"session": 1 << 80}, "out-of-range", ".session"),
        (OPENING | {"importRegister": -1}, "out-of-range", ".importRegister"),
        (OPENING | {"exportRegister": 1 << 48}, "out-of-range", ".exportRegister"),
        (OPENING | {"vehicle": "0x12"}, "wrong-format", ".vehicle"),
        (OPENING | {"signature": 130 * "1"}, "wrong-format", ".signature"),
        (REPORT | {"last": 1}, "wrong-type", ".last"),
        (REPORT | {"boundaries": [[1]]}, "out-of-range", ".boundaries[0]"),
        (REPORT | {"boundaries": [[1, "2"]]}, "wrong-type", ".boundaries[0][1]"),
        (REPORT | {"boundaries": [[0, 0]] * 193}, "out-of-range", ".boundaries"),
    ],
)
def test_message_that_cannot_be_read(url: str, message: Any, code: str, field: str) -> None:
    problem = check(send(url, {"messages": [message]}), 422, code, f"messages[0]{field}")
    assert problem["digest"] is None


@pytest.mark.parametrize(
    ("change", "code", "field"),
    [
        ({"chainId": 1}, "wrong-chain", "domain.chainId"),
        ({"verifyingContract": "0x" + 40 * "1"}, "wrong-contract", "domain.verifyingContract"),
        ({"verifyingContract": "0x1"}, "wrong-format", "domain.verifyingContract"),
        ({"chainId": "1"}, "wrong-type", "domain.chainId"),
        ({"name": "Gridroam"}, "unknown-field", "domain.name"),
    ],
)
def test_domain_of_another_ledger(
    url: str, running_market: Any, change: dict[str, Any], code: str, field: str
) -> None:
    domain = running_market.ledger.domain
    given = {"chainId": domain.chain_id, "verifyingContract": domain.ledger} | change
    check(send(url, {"domain": given, "messages": [OPENING]}), 422, code, field)


def test_body_too_large__is_refused_while_it_is_read(url: str) -> None:
    where = urlsplit(url)
    with socket.create_connection((where.hostname, where.port), 10) as connection:
        head = "POST /v1/messages HTTP/1.1\r\nHost: relay\r\nTransfer-Encoding: chunked\r\n\r\n"
        connection.sendall(head.encode())
        for _ in range(LIMIT // 0x2000 + 1):  # without an end
            connection.sendall(b"2000\r\n" + 0x2000 * b" " + b"\r\n")
        answer = b""
        while chunk := connection.recv(4096):
            answer += chunk
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"body-too-large" in answer
    assert b"connection: close" in answer.lower()


def test_body_too_large__is_a_problem(url: str) -> None:
    check(send(url, (LIMIT + 1) * b" "), 413, "body-too-large")


def test_other_media_type(url: str) -> None:
    reply = http.post(f"{url}/v1/messages", data={"messages": "none"})
    check(reply, 415, "wrong-media-type")


@pytest.mark.parametrize(
    ("method", "path", "status", "code", "field"),
    [
        ("GET", "/v2/messages", 404, "not-found", None),
        ("GET", "/v1/status/", 404, "not-found", None),
        ("DELETE", "/v1/messages", 405, "method-not-allowed", None),
        ("DELETE", "/v1/status", 405, "method-not-allowed", None),
        ("GET", "/v1/messages/0x" + 64 * "0", 404, "unknown-message", "digest"),
        ("GET", "/v1/messages/0x12", 422, "wrong-format", "digest"),
        ("GET", "/v1/messages/hello", 422, "wrong-format", "digest"),
        ("GET", f"/v1/messages/0x{64 * '0'}?wait=soon", 422, "wrong-type", "wait"),
        ("GET", f"/v1/messages/0x{64 * '0'}?wait=nan", 422, "out-of-range", "wait"),
        ("POST", "/v1/messages?wait=-1", 422, "out-of-range", "wait"),
    ],
)
def test_address_or_parameter(
    url: str, method: str, path: str, status: int, code: str, field: str | None
) -> None:
    check(http.request(method, url + path), status, code, field)


def test_method_not_allowed_names_what_is(url: str) -> None:
    assert http.delete(f"{url}/v1/messages").headers["allow"] == "GET, POST"


# --------------------------------------------------------------------------- What the ledger says


def wrong_signer(plug: Plug) -> list[Any]:
    return [plug.sign(plug.opening().message, key=b"\x07" * 32)]


def unknown_station(plug: Plug) -> list[Any]:
    return [plug.sign(OpenSession(999, 1, plug.vehicle, plug.time, 0, 0))]


def report_without_opening(plug: Plug) -> list[Any]:
    plug.session = 1
    return [plug.report()]


def report_missing(plug: Plug) -> list[Any]:
    return [plug.opening(), (plug.report(), plug.report())[1]]


def report_used(plug: Plug) -> list[Any]:
    first = [plug.opening(), plug.report()]
    plug.number = 0
    return [*first, plug.report()]


def session_used(plug: Plug) -> list[Any]:
    first = plug.opening()
    plug.session = 0
    return [first, plug.opening(vehicle=b"\x02" * 32)]


def station_busy(plug: Plug) -> list[Any]:
    return [plug.opening(), plug.opening()]


def time_in_future(plug: Plug) -> list[Any]:
    plug.time += 7200
    return [plug.opening()]


def too_old(plug: Plug) -> list[Any]:
    plug.time -= 30 * 86_400
    return [plug.opening()]


def time_backwards(plug: Plug) -> list[Any]:
    first = plug.opening()
    plug.time -= 1
    return [first, plug.report()]


def register_backwards(plug: Plug) -> list[Any]:
    first = plug.opening()
    plug.register -= 5
    return [first, plug.report()]


def wrong_boundaries(plug: Plug) -> list[Any]:
    m = EnergyReport(plug.station.number, 1, 1, plug.time, 1000, 0, False, bytes(32), ((1000, 0),))
    return [plug.opening(), plug.sign(m)]


def power_exceeded(plug: Plug) -> list[Any]:
    first = plug.opening()
    plug.register += 1000
    return [first, plug.report()]


@pytest.mark.parametrize(
    ("messages", "status", "code"),
    [
        (wrong_signer, 403, "bad-signature"),
        (unknown_station, 422, "unknown-station"),
        (report_without_opening, 409, "session-not-open"),
        (report_missing, 409, "report-missing"),
        (report_used, 409, "report-used"),
        (session_used, 409, "session-used"),
        (station_busy, 409, "station-busy"),
        (time_in_future, 422, "time-in-future"),
        (too_old, 422, "too-old"),
        (time_backwards, 422, "time-backwards"),
        (register_backwards, 422, "register-backwards"),
        (wrong_boundaries, 422, "wrong-boundaries"),
        (power_exceeded, 422, "power-exceeded"),
    ],
)
def test_message_that_the_ledger_would_reject(
    relay_url: str, plug: Plug, messages: Callable[[Plug], list[Any]], status: int, code: str
) -> None:
    """The last of the messages, sent alone, behind the others still queued or settled."""
    *before, bad = messages(plug)
    if before:
        sent = send(relay_url, {"messages": [message_json(one) for one in before]})
        assert sent.status_code == 202
    reply = send(relay_url, {"messages": [message_json(bad)]})
    problem = check(reply, status, code)
    assert problem["digest"] == "0x" + plug.digest(bad).hex()
    assert problem["reason"] == code
    assert f"tation {bad.message.station}, session {bad.message.session}" in problem["detail"]


def test_body_that_is_cut_off__is_no_bug_of_the_relay(
    relay_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    def counted() -> set[str]:
        found = http.get(f"{relay_url}/metrics").text.splitlines()
        return {line for line in found if "http_requests_total" in line and 'status="400"' in line}

    before = counted()
    with connected(address_of(relay_url)) as connection:
        connection.sendall(HEAD + b"Content-Length: 1000\r\n\r\n{")
    wait_until(lambda: counted() != before)
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []


# ---------------------------------------------------------------------------- What the relay lacks


def test_database_that_cannot_be_written(
    relay_url: str, relay: RelayClient, plug: Plug, database: str
) -> None:
    opening = plug.opening()
    other = psycopg.connect(database) if "://" in database else sqlite3.connect(database)
    with closing(other):
        other.execute("DROP TABLE messages")
        other.commit()
    problem = check(send(relay_url, {"messages": [message_json(opening)]}), 503, "store-failing")
    assert "digest" not in problem
    with pytest.raises(RelayProblemError) as raised:
        relay.send([opening])
    assert (raised.value.code, raised.value.status) == ("store-failing", 503)
    check(http.get(f"{relay_url}/v1/messages/0x{64 * '0'}"), 503, "store-failing")


def test_too_many_waiting(
    anvil: Anvil, ledger: Ledger, all_plugs: list[Plug], tmp_path: Path
) -> None:
    anvil.rpc("evm_setAutomine", False)
    chosen = settings(anvil, ledger.address, tmp_path / "relay.db", max_waiting=1, batch_seconds=60)
    with served(chosen) as url:
        one, other = ({"messages": [message_json(p.opening())]} for p in all_plugs[:2])
        assert send(url, one).status_code == 202
        time.sleep(1.1)  # it counts once a second
        reply = send(url, other)
    check(reply, 429, "queue-full")
    assert reply.headers["retry-after"]
    anvil.rpc("evm_setAutomine", True)
