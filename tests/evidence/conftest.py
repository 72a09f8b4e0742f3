from dataclasses import dataclass

import pytest
from eth_account import Account
from eth_account.signers.local import LocalAccount
from meters import PRIVATE, SERIAL
from traffic import Traffic

from gridroam.chain.anvil import Anvil
from gridroam.chain.ledger import Ledger
from gridroam.devnet.members import Market, MarketStation
from gridroam.evidence.corrections import Corrections
from gridroam.evidence.record import meter_key


@pytest.fixture
def traffic(anvil: Anvil, ledger: Ledger, market: Market) -> Traffic:
    return Traffic(anvil, ledger, market)


@pytest.fixture
def corrections(ledger: Ledger) -> Corrections:
    return Corrections(ledger)


@pytest.fixture
def anybody(anvil: Anvil) -> LocalAccount:
    account: LocalAccount = Account.from_key(anvil.keys[2])
    return account


@dataclass
class Player:
    """Plays a session at the first station of the small market."""

    traffic: Traffic

    @property
    def station(self) -> MarketStation:
        return self.traffic.market.stations["DE*GRM*E0002"]

    def put_meter_on_file(self) -> None:
        traffic = self.traffic
        meter = traffic.ledger.meter_of(self.station.number)
        number = traffic.ledger.station(self.station.number).grid_operator
        (grid,) = [p for p in traffic.market.participants.values() if p.number == number]
        key = meter_key(PRIVATE.public_key(), SERIAL)
        assert traffic.act(grid.key, "Registry", "setMeterKey", meter, tuple(key))

    def session(self, taken: int, evidence: bytes = bytes(32), *, last: bool = True) -> None:
        """Opens, reports twice, in batches with others' messages."""
        traffic, station = self.traffic, self.station
        vehicle = next(iter(traffic.market.vehicles.values())).id
        opening = traffic.sign(station, traffic.opening(station, vehicle))
        traffic.submit(b"noise", opening, opening)
        traffic.wait(1_000)
        first = traffic.report(station, taken // 2, 0)
        traffic.submit(traffic.sign(station, first), b"noise", b"more")
        traffic.wait(1_500)
        rest = traffic.report(station, taken - taken // 2, 0, last=last, evidence=evidence)
        traffic.submit(traffic.sign(station, rest))
        traffic.wait(1)


@pytest.fixture
def player(traffic: Traffic) -> Player:
    return Player(traffic)
