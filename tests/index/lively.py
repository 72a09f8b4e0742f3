"""A chain on which much happens: random hostile traffic, indexed by every test in its own way."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import astuple, dataclass
from pathlib import Path
from random import Random

from corrected import correct
from hostile import LIMITS, PLAN, Hostile
from traffic import Traffic

from gridroam.audit.source import NodeSource
from gridroam.chain.anvil import Anvil
from gridroam.chain.deploy import deploy
from gridroam.chain.ledger import Ledger
from gridroam.devnet.market import build
from gridroam.devnet.members import Market
from gridroam.domain.session import State
from gridroam.domain.slots import SLOT
from gridroam.index.follower import Follower
from gridroam.index.queries import Index
from gridroam.signatures import KeyCurve, key_on

START = 1_800_000_000
EVER_AFTER = 900 << 29
SEED = 8


@dataclass(frozen=True)
class Lively:
    anvil: Anvil
    ledger: Ledger
    market: Market
    keys: dict[str, bytes]
    """Of the stations, as rotated."""

    def follower(self, where: Path | str, depth: int = 128) -> Follower:
        return Follower(Index.open(str(where)), NodeSource(self.ledger), depth)

    def index(self, where: Path | str, depth: int = 128) -> Index:
        """At the chain's head."""
        follower = self.follower(where, depth)
        follower.catch_up()
        return follower.index

    def go_on(self, seed: int, batches: int = 3) -> None:
        """More traffic; what it is follows from the seed."""
        traffic = Traffic(self.anvil, self.ledger, self.market)
        more = Hostile(traffic, Random(seed), keys=dict(self.keys))
        more.keys = dict(self.keys)
        for _ in range(batches):
            traffic.wait(900)
            more.act()
            more.batch()

    @contextmanager
    def passing(self) -> Iterator[None]:
        """What happens in the block is taken back at its end: the chain is reorganised."""
        snapshot = self.anvil.rpc("evm_snapshot")
        yield
        self.anvil.rpc("evm_revert", snapshot)


@contextmanager
def lively_chain() -> Iterator[Lively]:
    with Anvil(timestamp=START) as anvil:
        anvil.rpc("anvil_setBlockTimestampInterval", 1)
        ledger = Ledger.connect(anvil.w3, deploy(anvil.w3, anvil.admin, LIMITS, None).ledger)
        market = build(ledger, PLAN, anvil.admin)
        hostile = Hostile(Traffic(anvil, ledger, market), Random(SEED))
        _ordinary(hostile.traffic)
        _handover(hostile.traffic)
        _copied(hostile.traffic)
        _bankruptcy(hostile.traffic)
        correct(hostile.traffic)
        for _ in range(30):
            hostile.traffic.wait(hostile.random.choice([1, 60, 600, 900, 1_500, 3_600, 9_000]))
            hostile.act()
            hostile.batch()
        yield Lively(anvil, ledger, market, dict(hostile.keys))


def _ordinary(traffic: Traffic) -> None:
    """Two sessions as they should be, with three reports each, in both directions."""
    station, car = traffic.market.stations["both-ways"], traffic.market.vehicles["of-rich"].id
    for _ in range(2):
        traffic.submit(traffic.sign(station, traffic.opening(station, car)))
        for imported, exported, last in ((2_000, 300, False), (500, 0, False), (100, 200, True)):
            traffic.wait(1_100)
            report = traffic.report(station, imported, exported, last=last)
            traffic.submit(traffic.sign(station, report))


def _handover(traffic: Traffic) -> None:
    """A car changes its supplier on the road, between two boundaries of one report."""
    people, car = traffic.market.participants, traffic.market.vehicles["of-rich-too"].id
    old, new, station = people["rich"], people["fallback"], traffic.market.stations["both-ways"]
    traffic.submit(traffic.sign(station, traffic.opening(station, car)))
    effective = traffic.now // SLOT * SLOT + 2 * SLOT
    assert traffic.act(old.key, "Ledger", "offerVehicles", [car], new.number, effective)
    assert traffic.act(new.key, "Ledger", "acceptVehicles", [car])
    traffic.wait(3 * SLOT)
    traffic.submit(traffic.sign(station, traffic.report(station, 4_000, 900)))
    traffic.wait(600)
    traffic.submit(traffic.sign(station, traffic.report(station, 300, last=True)))


def _copied(traffic: Traffic) -> None:
    """Somebody opens a session with a car's copied id; the car itself signs another one, elsewhere,
    which wins; the first is expired, and the car charges."""
    rich, car = traffic.market.participants["rich"], traffic.market.vehicles["of-rich"].id
    forged, real = (traffic.market.stations[name] for name in ("town-town", "both-ways"))
    traffic.submit(traffic.sign(forged, traffic.opening(forged, car)))
    key = key_on(KeyCurve.SECP256R1, traffic.anvil.keys[5])
    keys = "setVehicleKeys", [car], [key.address], traffic.now
    assert traffic.act(rich.key, "Ledger", *keys)
    traffic.wait(60)
    traffic.submit(traffic.sign(real, traffic.opening(real, car), vehicle=key))
    assert traffic.session(forged).state is State.SUPERSEDED
    assert traffic.govern("Ledger", "expire", forged.number)
    traffic.wait(1_000)
    traffic.submit(traffic.sign(real, traffic.report(real, 700, 50, last=True)))
    assert traffic.act(rich.key, "Ledger", "clearVehicleKeys", [car])


def _bankruptcy(traffic: Traffic) -> None:
    """A supplier takes its money out while a car charges, comes to owe, and is helped out; then the
    station goes silent."""
    poor, station = traffic.market.participants["poor"], traffic.market.stations["charger"]
    traffic.govern("Registry", "setLimits", (*astuple(LIMITS)[:4], 0, *astuple(LIMITS)[5:]))
    car = traffic.market.vehicles["of-poor"].id
    traffic.submit(traffic.sign(station, traffic.opening(station, car)))
    account = traffic.ledger.account(poor.number)
    free = account.balance - account.reserved
    assert traffic.act(poor.key, "Vault", "withdraw", free, poor.address)
    traffic.wait(1_000)
    traffic.submit(traffic.sign(station, traffic.report(station, 4_000)))
    assert traffic.ledger.account(poor.number).owed
    traffic.deposit(poor.number, 10)
    for payee in traffic.market.participants.values():
        traffic.govern("Ledger", "collect", poor.number, payee.number)
    traffic.wait(LIMITS.silence + 1)
    assert traffic.govern("Ledger", "expire", station.number)
    traffic.deposit(poor.number, 500)
    traffic.govern("Registry", "setLimits", astuple(LIMITS))
