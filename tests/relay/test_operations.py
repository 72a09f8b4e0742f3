"""What an operator relies on: an end that loses nothing, health that means something, endpoints and
logs that tell strangers nothing.
"""

import json
import socket
import sqlite3
import threading
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest
from eth_account import Account
from faults import Faults
from plug import Plug
from serving import SENDER, RelayProcess, http, served, settings, wait_until

from gridroam.chain.anvil import Anvil
from gridroam.chain.ledger import Ledger
from gridroam.http.keys import new_key
from gridroam.relay.client import RelayClient
from gridroam.relay.schemas import message_json

pytestmark = pytest.mark.chain


@pytest.fixture
def process(anvil: Anvil, ledger: Ledger, tmp_path: Path) -> RelayProcess:
    return RelayProcess(anvil.url, ledger.address, anvil.keys[SENDER], tmp_path, "--log-json")


# ----------------------------------------------------------------------------------------- The end


def test_sigterm__answers_who_waits_and_leaves_the_rest_to_the_outbox(
    process: RelayProcess, anvil: Anvil, plug: Plug
) -> None:
    url = process.start()
    anvil.rpc("evm_setAutomine", False)
    answers: list[Any] = []
    streamed: list[bytes] = []

    def wait_for_settlement() -> None:
        with RelayClient(url, timeout=30) as client:
            answers.extend(client.send([plug.opening(), plug.report()], wait=25))

    def listen() -> None:
        with httpx.stream("GET", f"{url}/v1/outcomes/stream", timeout=30) as stream:
            streamed.extend(stream.iter_bytes())

    threads = [threading.Thread(target=run) for run in (wait_for_settlement, listen)]
    for thread in threads:
        thread.start()
    with RelayClient(url) as client:
        wait_until(lambda: client.relay().sent == 2)
    start = time.monotonic()
    assert process.stop() == 0
    for thread in threads:
        thread.join(5)
    assert time.monotonic() - start < 10
    assert [answer.decided for answer in answers] == [False, False]
    assert b"".join(streamed).endswith(b"\n\n")
    anvil.rpc("evm_setAutomine", True)
    with RelayClient(process.start()) as client:
        for answer in answers:
            wait_until(lambda digest=answer.digest: client.status(digest, wait=5).accepted)
    assert process.stop() == 0


def test_sigterm__with_time_to_drain__is_not_ready_and_still_answers(
    process: RelayProcess, plug: Plug, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(process.environment, "GRIDROAM_DRAIN_SECONDS", "2")
    url = process.start()
    assert http.get(f"{url}/readyz").status_code == 200
    stopping = threading.Thread(target=process.stop)
    stopping.start()
    wait_until(lambda: http.get(f"{url}/readyz").status_code == 503)
    checks = http.get(f"{url}/readyz").json()["checks"]
    assert checks["process"] == "It is stopping."
    assert checks["database"] == checks["node"] == "ok"
    with RelayClient(url) as client:
        assert client.send([plug.opening()])[0].digest
    stopping.join()
    with pytest.raises(httpx.ConnectError):
        http.get(f"{url}/healthz")


# ------------------------------------------------------------------------------------------ Health


def test_readyz__says_what_is_wrong(anvil: Anvil, ledger: Ledger, tmp_path: Path) -> None:
    chosen = settings(anvil, ledger.address, tmp_path / "relay.db", max_queue_age=0.5)
    with served(chosen) as url:
        reply = http.get(f"{url}/readyz")
        answer = reply.json()
        assert answer.pop("age") < 1
        assert answer == {
            "ready": True,
            "checks": dict.fromkeys(
                ("node", "database", "sender", "head", "queue", "process"), "ok"
            ),
        }
        with closing(sqlite3.connect(tmp_path / "relay.db")) as other:
            other.execute("DROP TABLE home")
            other.commit()
        wait_until(lambda: http.get(f"{url}/readyz").status_code == 503)
        reply = http.get(f"{url}/readyz")
        assert (reply.status_code, reply.json()["code"]) == (503, "not-ready")
        assert "database failed" in reply.json()["checks"]["database"]
        assert http.get(f"{url}/healthz").json() == {"status": "ok"}


def test_readyz__while_the_node_hangs__is_what_was_last_known_and_says_how_old_it_is(
    anvil: Anvil, ledger: Ledger, tmp_path: Path
) -> None:
    def asked(url: str) -> httpx.Response:
        start = time.monotonic()
        reply = http.get(f"{url}/readyz", timeout=9.0)
        assert time.monotonic() - start < 2.0
        return reply

    with Faults(anvil.url) as node:
        chosen = settings(
            anvil, ledger.address, tmp_path / "relay.db", rpc=node.url, rpc_seconds=4.0
        )
        with served(chosen) as url:
            assert asked(url).json()["age"] < 1
            node.delay = 8.0
            wait_until(lambda: asked(url).json()["age"] > 2)
            assert asked(url).json()["ready"]
            wait_until(lambda: asked(url).status_code == 503)
            assert asked(url).json()["checks"]["node"] != "ok"
            node.heal()
            wait_until(lambda: asked(url).is_success)


def test_strangers__are_not_told_where_node_and_database_are(
    anvil: Anvil, ledger: Ledger, plug: Plug, tmp_path: Path
) -> None:
    with Faults(anvil.url) as node:
        chosen = settings(anvil, ledger.address, tmp_path / "relay.db", rpc=node.url)
        with served(chosen) as url:
            node.down = True
            wait_until(lambda: http.get(f"{url}/readyz").status_code == 503)
            delivery = {"messages": [message_json(plug.opening())]}
            replies = [
                http.get(f"{url}/readyz"),
                http.get(f"{url}/v1/status"),
                http.post(f"{url}/v1/messages", json=delivery),
            ]
    assert replies[2].json()["code"] == "node-unreachable"
    assert not [reply.text for reply in replies if "127.0.0.1" in reply.text]


def test_readyz__while_a_message_waits_for_too_long(
    anvil: Anvil, ledger: Ledger, plug: Plug, tmp_path: Path
) -> None:
    anvil.rpc("evm_setAutomine", False)
    chosen = settings(anvil, ledger.address, tmp_path / "relay.db", max_queue_age=0.3)
    try:
        with served(chosen) as url, RelayClient(url) as client:
            client.send([plug.opening()])
            wait_until(lambda: http.get(f"{url}/readyz").status_code == 503)
            assert "waited" in http.get(f"{url}/readyz").json()["checks"]["queue"]
    finally:
        anvil.rpc("evm_setAutomine", True)


# ----------------------------------------------------------------------------------------- Keys


def test_metrics__without_keys__only_from_the_machine_itself(relay_url: str) -> None:
    assert http.get(f"{relay_url}/metrics").status_code == 200
    proxied = http.get(f"{relay_url}/metrics", headers={"X-Forwarded-For": "127.0.0.1"})
    assert (proxied.status_code, proxied.json()["code"]) == (401, "missing-key")


def test_metrics__come_in_time_also_while_the_node_hangs(
    anvil: Anvil, ledger: Ledger, tmp_path: Path
) -> None:
    def scraped(url: str) -> str:
        asked = time.monotonic()
        text = http.get(f"{url}/metrics", timeout=9.0).text
        assert time.monotonic() - asked < 5.0
        return text

    with Faults(anvil.url) as node:
        chosen = settings(anvil, ledger.address, tmp_path / "relay.db", rpc=node.url)
        with served(chosen) as url:
            assert "gridroam_node_up 1.0" in scraped(url)
            node.delay = 8.0
            wait_until(lambda: "gridroam_node_up 0.0" in scraped(url))
            node.heal()
            wait_until(lambda: "gridroam_node_up 1.0" in scraped(url))


def test_metrics__with_keys__only_with_one(anvil: Anvil, ledger: Ledger, tmp_path: Path) -> None:
    made, other = new_key("prometheus"), new_key("stranger")
    file = tmp_path / "keys"
    file.write_text(f"# who may look\n{made.entry}\n")
    chosen = settings(
        anvil, ledger.address, tmp_path / "relay.db", api_keys_file=file, public_reads=False
    )
    with served(chosen) as url:
        for path in ("/metrics", "/v1/operator/senders", "/v1/messages", "/v1/outcomes"):
            without = http.get(url + path)
            assert (without.status_code, without.json()["code"]) == (401, "missing-key"), path
            assert without.headers["www-authenticate"] == "Bearer"
            wrong = http.get(url + path, headers={"Authorization": f"Bearer {other.key}"})
            assert (wrong.status_code, wrong.json()["code"]) == (401, "wrong-key"), path
            right = http.get(url + path, headers={"Authorization": f"Bearer {made.key}"})
            assert right.status_code == 200, path
        with RelayClient(url, key=made.key) as client:
            assert list(client.messages()) == []
        assert http.get(f"{url}/v1/status").status_code == 200
        assert http.get(f"{url}/metrics", params={"key": made.key}).status_code == 401


def test_key__is_not_in_what_is_kept() -> None:
    made = new_key("prometheus")
    assert made.key.removeprefix("grk_") not in made.entry


def test_operators__with_a_port_of_their_own__are_answered_nowhere_else(
    anvil: Anvil, ledger: Ledger, tmp_path: Path
) -> None:
    relay = RelayProcess(anvil.url, ledger.address, anvil.keys[SENDER], tmp_path)
    with closing(httpx.Client()) as client:
        port = free_port()
        relay.environment["GRIDROAM_OPERATOR_PORT"] = str(port)
        url = relay.start()
        assert client.get(f"{url}/metrics").status_code == 404
        own = client.get(f"http://127.0.0.1:{port}/v1/operator/senders")
        address = Account.from_key(anvil.keys[SENDER]).address
        assert [one["address"] for one in own.json()["senders"]] == [address.lower()]
        assert own.json()["senders"][0]["holder"]
        assert client.get(f"http://127.0.0.1:{port}/metrics").status_code == 200
    relay.stop()


# ---------------------------------------------------------------------------------------- Browsers


def test_cors__is_off_unless_an_origin_is_named(
    relay_url: str, anvil: Anvil, ledger: Ledger, tmp_path: Path
) -> None:
    origin = "https://console.example"
    asked = {"Origin": origin, "Access-Control-Request-Method": "GET"}
    assert (
        "access-control-allow-origin"
        not in http.get(f"{relay_url}/v1/status", headers=asked).headers
    )
    chosen = settings(anvil, ledger.address, tmp_path / "other.db", cors_origins=[origin])
    with served(chosen) as url:
        allowed = http.options(f"{url}/v1/status", headers=asked)
        assert allowed.headers["access-control-allow-origin"] == origin
        other = http.get(f"{url}/v1/status", headers={"Origin": "https://evil.example"})
        assert "access-control-allow-origin" not in other.headers


def test_every_answer__names_its_request_and_forbids_guessing(relay_url: str) -> None:
    for path in ("/v1/status", "/v2", "/healthz"):
        reply = http.get(relay_url + path, headers={"X-Request-ID": "from-the-proxy.1"})
        assert reply.headers["x-request-id"] == "from-the-proxy.1"
        assert reply.headers["x-content-type-options"] == "nosniff"
        assert reply.headers["cache-control"] == "no-store"
        own = http.get(relay_url + path, headers={"X-Request-ID": "no good\tid"})
        assert own.headers["x-request-id"] not in ("no good\tid", "")
    problem = http.get(f"{relay_url}/v2").json()
    assert problem["instance"].startswith("urn:gridroam:request:")


# --------------------------------------------------------------------------------------------- Log


@pytest.fixture
def log_of_a_run(
    anvil: Anvil, ledger: Ledger, plug: Plug, other_plug: Plug, tmp_path: Path
) -> tuple[str, list[str]]:
    """Everything that a relay says at its most talkative, and what it must not say."""
    key, password = anvil.keys[SENDER], "a-password-of-the-keystore"
    keystore, secret = tmp_path / "sender.json", tmp_path / "password"
    keystore.write_text(json.dumps(Account.encrypt(key, password, kdf="pbkdf2", iterations=1)))
    secret.write_text(password + "\n")
    api_key = new_key("operator")
    relay = RelayProcess(
        anvil.url.replace("http://", "http://user:node-password@"),
        ledger.address,
        b"",
        tmp_path,
        "--log-json",
        "--log-level=debug",
        f"--keystore={keystore}",
        f"--password-file={secret}",
    )
    del relay.environment["GRIDROAM_SENDER_KEY"]
    relay.environment["GRIDROAM_API_KEYS"] = api_key.entry
    url = relay.start()
    with RelayClient(url) as client:
        client.send([plug.opening(), plug.report()], wait=10)
        forged = other_plug.sign(other_plug.opening().message, key=b"\x07" * 32)
        client.send([forged, plug.last()], wait=10)
        body = {"messages": [message_json(plug.opening()) | {"time": "x"}]}
        http.post(f"{url}/v1/messages", json=body)
        http.get(f"{url}/metrics", headers={"Authorization": f"Bearer {api_key.key}"})
        http.get(f"{url}/metrics", headers={"Authorization": "Bearer grk_wrong-key"})
        http.get(f"{url}/v1/outcomes", params={"after": "a-secret-in-the-url"})
    assert relay.stop() == 0
    secrets = [key.hex(), password, "node-password", api_key.key, "grk_", "a-secret-in-the-url"]
    return relay.log, secrets


def test_log__of_a_full_run__has_no_secrets_and_names_every_message(
    log_of_a_run: tuple[str, list[str]], plug: Plug
) -> None:
    log, secrets = log_of_a_run
    for secret in secrets:
        assert secret.lower() not in log.lower()
    lines = [json.loads(line) for line in log.splitlines() if line.startswith("{")]
    assert len(lines) >= len(log.splitlines()) - 1, "all but the greeting is JSON"
    about = [line for line in lines if "a message is" in line["event"]]
    assert {line["event"] for line in about} >= {"a message is taken", "a message is refused"}
    read = [line for line in about if line.get("field") is None]
    assert all(line["digest"] and line["station"] is not None for line in read)
    refused = next(line for line in about if line["event"] == "a message is refused")
    answered = {line["request"] for line in lines if line["event"] == "answered"}
    assert refused["request"] in answered
    assert all(line["timestamp"] and line["level"] for line in lines)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
        return port
