"""Whatever dies at whatever moment: what was answered settles, and settles once."""

import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from plug import Plug, plugs
from serving import SENDER, RelayProcess, wait_until

from gridroam.chain import events
from gridroam.chain.anvil import Anvil
from gridroam.chain.deploy import DEVNET_LIMITS, deploy
from gridroam.chain.ledger import Ledger
from gridroam.devnet.market import build, small_market
from gridroam.devnet.plan import MarketPlan, StationPlan, VehiclePlan
from gridroam.domain.delivery import Status
from gridroam.errors import RelayError
from gridroam.messages import EnergyReport, OpenSession, Signed
from gridroam.relay.client import RelayClient

pytestmark = [pytest.mark.chain, pytest.mark.slow]

STATIONS, ROUNDS, SECONDS = 24, 4, 1.5


def plan() -> MarketPlan:
    """The small market with more stations and vehicles."""
    small = small_market()
    stations = (
        StationPlan(f"DE*GRM*E1{n:03}", "Station Operator", "Grid North", f"meter-{n}", 22_000)
        for n in range(STATIONS)
    )
    vehicles = (VehiclePlan(f"car-1{n:03}", "Supplier South") for n in range(STATIONS))
    return replace(small, stations=tuple(stations), vehicles=tuple(vehicles))


class Load:
    """Stations that charge one car after the other, send each message until it is answered, and
    remember what was answered."""

    def __init__(self, all_plugs: list[Plug]) -> None:
        self.url = ""
        self.answered: dict[bytes, Signed] = {}
        self.wrong: list[object] = []
        self._stopping = False
        quarter = len(all_plugs) // 4
        parts = [all_plugs[n : n + quarter] for n in range(0, len(all_plugs), quarter)]
        self._threads = [threading.Thread(target=self._run, args=(part,)) for part in parts]

    def __enter__(self) -> "Load":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping = True
        for thread in self._threads:
            thread.join()

    def _run(self, part: list[Plug]) -> None:
        while not self._stopping:
            for kind in ("opening", "report", "last"):
                self._deliver([getattr(plug, kind)() for plug in part])

    def _deliver(self, batch: list[Signed]) -> None:
        while True:
            try:
                with RelayClient(self.url, timeout=5) as client:
                    answers = client.send(batch)
            except RelayError:
                time.sleep(0.02)
                continue
            for signed, answer in zip(batch, answers, strict=True):
                if answer.status is Status.REFUSED or answer.digest is None:
                    self.wrong.append(answer)
                else:
                    self.answered[answer.digest] = signed
            return


@pytest.fixture
def crowd(tmp_path: Path) -> Iterator[tuple[Anvil, Ledger, list[Plug]]]:
    with Anvil() as anvil:
        deployment = deploy(anvil.w3, anvil.admin, DEVNET_LIMITS, None)
        ledger = Ledger.connect(anvil.w3, deployment.ledger)
        yield anvil, ledger, plugs(ledger, build(ledger, plan(), anvil.admin))


def accepted(ledger: Ledger) -> Counter[tuple[int, ...]]:
    """What the ledger cleared and settled, and how often."""
    head = ledger.w3.eth.block_number
    found: Counter[tuple[int, ...]] = Counter()
    for event in events.fetch(ledger.w3, [ledger.address], 0, head):
        if isinstance(event, events.SessionCleared):
            found[event.station, event.session, 0] += 1
        if isinstance(event, events.ReportSettled):
            found[event.station, event.session, event.report] += 1
    return found


def key(signed: Signed) -> tuple[int, ...]:
    m = signed.message
    return m.station, m.session, m.report if isinstance(m, EnergyReport) else 0


def test_relay_killed_under_load_loses_nothing_and_settles_nothing_twice(
    crowd: tuple[Anvil, Ledger, list[Plug]], tmp_path: Path
) -> None:
    anvil, ledger, all_plugs = crowd
    relay = RelayProcess(anvil.url, ledger.address, anvil.keys[SENDER], tmp_path)
    seed = time.time_ns()
    chance = random.Random(seed)
    load = Load(all_plugs)
    load.url = relay.start()
    with load:
        for _ in range(ROUNDS):
            time.sleep(chance.uniform(0.2, SECONDS))
            relay.kill()
            load.url = relay.start()
    try:
        with RelayClient(load.url) as client:
            wait_until(lambda: (client.relay().stored, client.relay().sent) == (0, 0), 30)
            answers = {digest: client.status(digest) for digest in load.answered}
    finally:
        relay.stop()
    assert not load.wrong, f"seed {seed}"
    assert len(load.answered) > 20 * ROUNDS
    assert [a for a in answers.values() if not a.accepted] == [], f"seed {seed}"
    times = accepted(ledger)
    assert {times[key(signed)] for signed in load.answered.values()} == {1}
    assert set(times.values()) == {1}
    for digest, answer in answers.items():
        kind = (
            Status.CLEARED
            if isinstance(load.answered[digest].message, OpenSession)
            else Status.SETTLED
        )
        assert answer.status is kind


def test_node_that_dies_and_comes_back(tmp_path: Path) -> None:
    state = tmp_path / "chain.json"
    with Anvil(state=state) as anvil:
        deployment = deploy(anvil.w3, anvil.admin, DEVNET_LIMITS, None)
        ledger = Ledger.connect(anvil.w3, deployment.ledger)
        plug, other = plugs(ledger, build(ledger, small_market(), anvil.admin))[:2]
        relay = RelayProcess(anvil.url, ledger.address, anvil.keys[SENDER], tmp_path)
        client = RelayClient(relay.start())
        try:
            assert client.send([plug.opening()], wait=10)[0].accepted
            anvil.rpc("evm_setAutomine", False)
            waiting = client.send([plug.report()])[0]
            wait_until(lambda: client.relay().sent == 1)
            anvil.save()
            port = int(anvil.url.rpartition(":")[2])
            anvil.stop()
            with pytest.raises(RelayError) as raised:
                client.send([other.opening()])
            assert raised.value.code == "node-unreachable"
            assert client.status(waiting.digest).status is Status.SENT
            assert client.relay().head is None
            with Anvil(port, state=state):
                assert client.status(waiting.digest, wait=20).status is Status.SETTLED
                assert client.send([plug.last(), other.opening()], wait=10)[1].accepted
        finally:
            client.close()
            relay.stop()
