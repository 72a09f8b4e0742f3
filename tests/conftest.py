"""Fixtures for tests against a real chain.

`anvil`, `ledger` and `market` are one node with one small market on it (two suppliers, two grid
operators, one station operator, four stations, six vehicles: `devnet.plan.small_market`), started
once for the whole run. Every test that asks for one of them finds it as it was at first, and the
chain's time equal to the machine's: what a test changes is taken back. A test that needs a chain of
its own starts an `Anvil` itself.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import settings
from xdist.scheduler import LoadFileScheduling

from gridroam.chain.anvil import Anvil
from gridroam.chain.deploy import DEVNET_LIMITS, Deployment, deploy
from gridroam.chain.ledger import Ledger
from gridroam.devnet.market import Market, build, small_market

# Timings are not tests.
settings.register_profile("default", deadline=None)
settings.register_profile("long", max_examples=10_000, deadline=None)


class _ByFile(LoadFileScheduling):  # type: ignore[misc]
    """What a file shares is made once, and what all pages of the console share, too."""

    def _split_scope(self, nodeid: str) -> str:
        file = Path(nodeid.split("::", maxsplit=1)[0])
        return str(file.parent if file.parent.name == "console" else file)


def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> LoadFileScheduling:
    return _ByFile(config, log)


@dataclass(frozen=True)
class RunningMarket:
    anvil: Anvil
    deployment: Deployment
    ledger: Ledger
    market: Market


@pytest.fixture(scope="session")
def running_market() -> Iterator[RunningMarket]:
    """Started once; ask for the fixtures below instead, which clean up."""
    with Anvil(states=500) as anvil:
        deployment = deploy(anvil.w3, anvil.admin, DEVNET_LIMITS, None)
        ledger = Ledger.connect(anvil.w3, deployment.ledger)
        market = build(ledger, small_market(), anvil.admin)
        yield RunningMarket(anvil, deployment, ledger, market)


@pytest.fixture
def anvil(running_market: RunningMarket) -> Iterator[Anvil]:
    """The node. Its `admin` is governance and has the chain's own money.

    A test may take all its blocks away, and anvil does not forget the states of blocks that a
    snapshot took back: so there is a new block to go back to, whose state it certainly still has.
    """
    node = running_market.anvil
    snapshot = node.rpc("evm_snapshot")
    node.mine()
    yield node
    # it must not mine at that moment: when this block is there, no other one is being made
    node.rpc("evm_setAutomine", False)
    node.rpc("anvil_dropAllTransactions")
    node.mine()
    node.rpc("evm_revert", snapshot)
    node.rpc("evm_setAutomine", True)
    # the clock went back to the snapshot, too
    node.rpc("evm_setTime", int(time.time() * 1000))


@pytest.fixture
def deployment(anvil: Anvil, running_market: RunningMarket) -> Deployment:
    return running_market.deployment


@pytest.fixture
def ledger(anvil: Anvil, running_market: RunningMarket) -> Ledger:
    return running_market.ledger


@pytest.fixture
def market(anvil: Anvil, running_market: RunningMarket) -> Market:
    return running_market.market
