"""One chain with random hostile traffic on it, indexed by every test in its own way."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random

import pytest
from hostile import LIMITS, PLAN, Hostile
from traffic import Traffic

from gridroam.audit.source import NodeSource
from gridroam.chain.anvil import Anvil
from gridroam.chain.deploy import deploy
from gridroam.chain.ledger import Ledger
from gridroam.devnet.market import build
from gridroam.index.follower import Follower
from gridroam.index.queries import Index

START = 1_800_000_000
SEED = 5


@dataclass(frozen=True)
class Lively:
    """A chain on which much happened."""

    anvil: Anvil
    ledger: Ledger
    hostile: Hostile

    def index(self, where: Path | str, depth: int = 128) -> Index:
        """At the chain's head."""
        index = Index.open(str(where))
        Follower(index, NodeSource(self.ledger), depth).catch_up()
        return index


@pytest.fixture(scope="session")
def lively_chain() -> Iterator[Lively]:
    with Anvil(timestamp=START) as anvil:
        anvil.rpc("anvil_setBlockTimestampInterval", 1)
        ledger = Ledger.connect(anvil.w3, deploy(anvil.w3, anvil.admin, LIMITS, None).ledger)
        market = build(ledger, PLAN, anvil.admin)
        hostile = Hostile(Traffic(anvil, ledger, market), Random(SEED))
        hostile.run(batches=30)
        yield Lively(anvil, ledger, hostile)


@pytest.fixture
def lively(lively_chain: Lively) -> Lively:
    return lively_chain
