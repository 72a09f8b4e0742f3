import pytest
from traffic import Traffic

from gridroam.chain.anvil import Anvil
from gridroam.chain.ledger import Ledger
from gridroam.devnet.members import Market


@pytest.fixture
def traffic(anvil: Anvil, ledger: Ledger, market: Market) -> Traffic:
    return Traffic(anvil, ledger, market)


@pytest.fixture
def one_session(traffic: Traffic) -> list[str]:
    """A session in three batches, the second with two rejections; the transactions in order."""
    station = traffic.market.stations["DE*GRM*E0002"]
    vehicle = next(iter(traffic.market.vehicles.values()))
    opening = traffic.sign(station, traffic.opening(station, vehicle.id))
    sent = [traffic.submit(opening)]
    traffic.wait(2_000)
    first = traffic.sign(station, traffic.report(station, 3_000, 100))
    sent.append(traffic.submit(opening, first, b"no message", first))
    traffic.wait(1_000)
    sent.append(traffic.submit(traffic.sign(station, traffic.report(station, 500, last=True))))
    return sent
