"""Ten thousand hostile requests: the relay's memory stays bounded, honest stations are served.

All come from one address, the stations' too, with no limit for it: what is left is what the process
itself has to bear. That limits tell addresses apart is a test of its own.
A thousand in every run; `GRIDROAM_HOSTILE=10` makes it ten thousand.
"""

import os
import threading
import time
from functools import partial
from pathlib import Path

import httpx
import pytest
from attacks import (
    Forger,
    address_of,
    answer,
    connected,
    crowded,
    deaf,
    documents,
    garbage,
    huge,
    slow,
    together,
)
from plug import Plug
from serving import SENDER, RelayProcess, http, wait_until

from gridroam.chain.anvil import Anvil
from gridroam.chain.ledger import Ledger
from gridroam.relay.client import RelayClient

pytestmark = [pytest.mark.chain, pytest.mark.slow]

SCALE = int(os.environ.get("GRIDROAM_HOSTILE", "1"))
"""Thousands of requests."""
MOST_GROWTH = 150_000_000
"""Bytes of memory: 32 MiB of bodies, what they become when they are read, 2,000 connections."""

LIMITS = {
    "GRIDROAM_HEAD_SECONDS": "1",
    "GRIDROAM_BODY_SECONDS": "2",
    "GRIDROAM_WRITE_SECONDS": "2",
    "GRIDROAM_MAX_CONNECTIONS": "300",
    "GRIDROAM_CLIENT_CONNECTIONS": "100000",
    "GRIDROAM_CLIENT_REQUESTS_PER_SECOND": "0",
    "GRIDROAM_CLIENT_FAULTS_PER_MINUTE": "0",
    "GRIDROAM_LOG_LEVEL": "info",
}
"""Nothing holds the attackers back but what protects the process itself."""


class Honest:
    """A station that goes on charging, and how long it waited for each answer."""

    def __init__(self, url: str, plug: Plug) -> None:
        self.waited: list[float] = []
        self.tries = 0
        self.wrong: list[object] = []
        self._url = url
        self._plug = plug
        self._stopping = False
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> "Honest":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping = True
        self._thread.join()

    def _run(self) -> None:
        with RelayClient(self._url, timeout=20) as client:
            while not self._stopping:
                for message in (self._plug.opening(), self._plug.report(), self._plug.last()):
                    start = time.monotonic()
                    answer = client.send([message], wait=20)[0]
                    self.waited.append(time.monotonic() - start)
                    if not answer.accepted:
                        self.wrong.append(answer)
                time.sleep(0.05)


def memory(process: int) -> int:
    """Bytes that are resident."""
    return int(Path(f"/proc/{process}/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")


class Meter:
    """The most memory that a process had."""

    def __init__(self, process: int) -> None:
        self._process = process
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.first = self.most = memory(process)

    def __enter__(self) -> "Meter":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopping.wait(0.05):
            self.most = max(self.most, memory(self._process))


@pytest.fixture
def no_limits_of_clients(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in LIMITS.items():
        monkeypatch.setenv(name, value)


def test_hostile_requests__memory_is_bounded_and_stations_are_served(
    anvil: Anvil,
    ledger: Ledger,
    all_plugs: list[Plug],
    tmp_path: Path,
    no_default_supply: None,
    no_limits_of_clients: None,
) -> None:
    honest_plug, hostile_plug = all_plugs[:2]
    relay = RelayProcess(anvil.url, ledger.address, anvil.keys[SENDER], tmp_path)
    url = relay.start()
    address = address_of(url)
    forger = Forger(hostile_plug)
    with RelayClient(url) as client:
        assert client.send([honest_plug.opening(), honest_plug.last()], wait=20)[0].accepted
    try:
        with Meter(relay.pid) as meter, Honest(url, honest_plug) as honest:
            made = together(
                [
                    partial(garbage, address, 300 * SCALE),
                    partial(documents, address, 250 * SCALE),
                    partial(huge, address, 40 * SCALE),
                    partial(slow, address, 4.0, 60),
                    partial(deaf, address, 3.0, 40),
                    partial(forger.signatures, address, 150 * SCALE),
                    partial(forger.unpayable, address, 150 * SCALE),
                ]
            )
            made += crowded(address, 110 * SCALE)
        growth = meter.most - meter.first
        print(
            f"{made} requests: memory {meter.first >> 20} MiB, at most {growth >> 20} MiB more; "
            f"{len(honest.waited)} honest messages, median "
            f"{sorted(honest.waited)[len(honest.waited) // 2]:.3f} s, at most "
            f"{max(honest.waited):.3f} s"
        )
        assert made >= 1_000 * SCALE
        assert growth < MOST_GROWTH
        assert not honest.wrong
        assert len(honest.waited) >= 9
        wait_until(lambda: open_connections(url) < 10)
    finally:
        assert relay.stop() == 0


def open_connections(url: str) -> int:
    """As the relay counts them, this one among them."""
    text = http.get(f"{url}/metrics").text
    line = next(li for li in text.splitlines() if li.startswith("gridroam_http_connections "))
    return int(float(line.split()[1]))


def test_attackers_are_turned_away_by_their_address__others_are_not(
    anvil: Anvil, ledger: Ledger, plug: Plug, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GRIDROAM_CLIENT_FAULTS_PER_MINUTE", "60")
    monkeypatch.setenv("GRIDROAM_TRUSTED_PROXIES", "127.0.0.0/8")
    relay = RelayProcess(anvil.url, ledger.address, anvil.keys[SENDER], tmp_path)
    url = relay.start()
    try:
        with httpx.Client(base_url=url) as proxy:

            def statuses(client: str, number: int) -> list[int]:
                headers = {"X-Forwarded-For": client}
                return [
                    proxy.post("/v1/messages", content=b"{", headers=headers).status_code
                    for _ in range(number)
                ]

            first = statuses("192.0.2.1", 80)
            assert first[:60] == [400] * 60
            assert 429 in first
            # what a client writes into the header before its proxy does is not believed
            assert 429 in statuses("192.0.2.9, 192.0.2.1", 20)
            assert statuses("192.0.2.9", 20) == [400] * 20
            attacker = {"X-Forwarded-For": "192.0.2.1"}
            assert proxy.get("/healthz", headers=attacker).status_code == 200
    finally:
        relay.stop()


def test_slow_body__is_answered_and_cut_off(
    anvil: Anvil, ledger: Ledger, tmp_path: Path, no_limits_of_clients: None
) -> None:
    relay = RelayProcess(anvil.url, ledger.address, anvil.keys[SENDER], tmp_path)
    address = address_of(relay.start())
    try:
        with connected(address) as connection:
            connection.settimeout(10)
            head = b"POST /v1/messages HTTP/1.1\r\nHost: r\r\nContent-Length: 99\r\n\r\n"
            connection.sendall(head + b"{")
            said = b""
            while chunk := answer(connection):
                said += chunk
            assert said.startswith(b"HTTP/1.1 408 ")
            assert b"body-too-slow" in said
        with connected(address) as silent:
            silent.settimeout(10)
            assert answer(silent).startswith(b"HTTP/1.1 408 ")
    finally:
        relay.stop()
