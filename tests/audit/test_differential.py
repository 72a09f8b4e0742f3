"""The contract and the rules in Python decide the same about hundreds of random messages."""

from random import Random

import pytest
from hostile import LIMITS, PLAN, Hostile
from traffic import Traffic

from gridroam import audit
from gridroam.audit.source import NodeSource
from gridroam.chain.anvil import Anvil
from gridroam.chain.deploy import deploy
from gridroam.chain.ledger import Ledger
from gridroam.devnet.market import build

START = 1_800_000_000
SEED = 11
REASONS = {
    "malformed",
    "bad-signature",
    "station-busy",
    "session-used",
    "report-used",
    "report-missing",
    "time-in-future",
    "register-backwards",
    "wrong-boundaries",
    "power-exceeded",
    "no-operator-tariff",
    "no-supplier",
    "supplier-inactive",
    "vehicle-busy",
    "supplier-not-covered",
}
EVENTS = {
    "ClaimOpened",
    "Collected",
    "Withdrawn",
    "SessionExpired",
    "StationKeyRotated",
    "SupplierChanged",
    "TariffPublished",
}


@pytest.mark.slow
def test_audit__random_hostile_traffic__agrees_with_every_decision() -> None:
    with Anvil(timestamp=START) as anvil:
        # a block's time follows from the one before, so that all follows from the seed
        anvil.rpc("anvil_setBlockTimestampInterval", 1)
        ledger = Ledger.connect(anvil.w3, deploy(anvil.w3, anvil.admin, LIMITS, None).ledger)
        market = build(ledger, PLAN, anvil.admin)
        Hostile(Traffic(anvil, ledger, market), Random(SEED)).run(batches=100)
        source = NodeSource(ledger)
        report = audit.run(source)
        happened = {type(event).__name__ for event in source.events(0, source.newest())}

    assert [str(difference) for difference in report.differences] == []
    assert report.counts["settled"] > 100
    # the traffic was as hostile as it should be
    assert set(report.rejected) >= REASONS
    assert happened >= EVENTS
