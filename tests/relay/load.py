"""Stations that charge one car after the other, as fast as they are answered, and remember what was
answered; and what the ledger made of it."""

import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from plug import Plug

from gridroam.chain import events
from gridroam.chain.ledger import Ledger
from gridroam.devnet.market import small_market
from gridroam.devnet.plan import MarketPlan, StationPlan, VehiclePlan
from gridroam.domain.delivery import Status
from gridroam.errors import RelayError
from gridroam.messages import EnergyReport, OpenSession, Signed
from gridroam.relay.client import Answer, RelayClient

STATIONS = 24
_PAUSE = 0.02


def plan(stations: int = STATIONS) -> MarketPlan:
    """The small market with more stations and vehicles."""
    small = small_market()
    chargers = (
        StationPlan(f"DE*GRM*E1{n:03}", "Station Operator", "Grid North", f"meter-{n}", 22_000)
        for n in range(stations)
    )
    vehicles = (VehiclePlan(f"car-1{n:03}", "Supplier South") for n in range(stations))
    return replace(small, stations=tuple(chargers), vehicles=tuple(vehicles))


class Load:
    """Runs while the `with` block does. Each message is sent until it is answered, to one relay
    after the other of `urls`. `wrong` are the answers that no message deserved."""

    def __init__(self, all_plugs: Sequence[Plug], urls: Sequence[str] = ()) -> None:
        self.urls = list(urls)
        self.answered: dict[bytes, Signed] = {}
        self.wrong: list[object] = []
        self._stopping = False
        self._given_up = False
        quarter = len(all_plugs) // 4
        parts = [all_plugs[n : n + quarter] for n in range(0, len(all_plugs), quarter)]
        self._threads = [
            threading.Thread(target=self._run, args=(part, number))
            for number, part in enumerate(parts)
        ]

    def __enter__(self) -> "Load":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, error: type[BaseException] | None, *_: object) -> None:
        self._stopping = True
        self._given_up = error is not None  # the relay may be gone for good
        for thread in self._threads:
            thread.join()

    def _run(self, part: Sequence[Plug], turn: int) -> None:
        while not self._stopping:
            for kind in ("opening", "report", "last"):
                self._deliver([getattr(plug, kind)() for plug in part], turn)

    def _deliver(self, batch: list[Signed], turn: int) -> None:
        while not self._given_up:
            turn += 1
            try:
                with RelayClient(self.urls[turn % len(self.urls)], timeout=5) as client:
                    answers = client.send(batch)
            except RelayError:
                time.sleep(_PAUSE)
                continue
            again = []
            for signed, answer in zip(batch, answers, strict=True):
                if answer.status is not Status.REFUSED and answer.digest is not None:
                    self.answered[answer.digest] = signed
                elif _may_pass(answer):
                    again.append(signed)
                else:
                    self.wrong.append(answer)
            if not again:
                return
            batch = again
            time.sleep(_PAUSE)


def _may_pass(answer: Answer) -> bool:
    trouble = answer.trouble
    return answer.may_pass_later or (trouble is not None and trouble.retry_after is not None)


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


def check_exactly_once(load: Load, ledger: Ledger, url: str, seconds: float = 60.0) -> None:
    """Waits until nothing is under way; then what was answered is on the ledger, once."""
    with RelayClient(url) as client:
        _wait_for_rest(client, seconds)
        answers = {digest: client.status(digest) for digest in load.answered}
    assert not load.wrong, load.wrong[:3]
    lost = [(_key(load.answered[d]), a) for d, a in answers.items() if not a.accepted]
    assert not lost, lost[:3]
    times = accepted(ledger)
    assert {times[_key(signed)] for signed in load.answered.values()} == {1}
    assert set(times.values()) == {1}
    for digest, answer in answers.items():
        is_opening = isinstance(load.answered[digest].message, OpenSession)
        assert answer.status is (Status.CLEARED if is_opening else Status.SETTLED)


def _wait_for_rest(client: RelayClient, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while True:
        try:
            status = client.relay()
            if status.stored == status.sent == 0:
                return
        except RelayError:
            pass
        assert time.monotonic() < deadline, "messages are still under way"
        time.sleep(0.05)


def _key(signed: Signed) -> tuple[int, ...]:
    m = signed.message
    return m.station, m.session, m.report if isinstance(m, EnergyReport) else 0
