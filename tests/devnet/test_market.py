"""Building a planned market, and carrying it as JSON."""

import json
import threading
from dataclasses import replace

import pytest

from gridroam.chain.deploy import DEVNET_LIMITS, deploy
from gridroam.chain.ledger import Ledger
from gridroam.devnet.market import (
    Market,
    MarketPlan,
    ParticipantPlan,
    StationPlan,
    VehiclePlan,
    build,
    small_market,
)
from gridroam.devnet.plan import levels, tariff
from gridroam.domain.participants import Role
from gridroam.domain.tariff import Level
from gridroam.errors import RevertedError


@pytest.fixture
def empty(anvil):
    """A ledger without a market."""
    made = deploy(anvil.w3, anvil.admin, DEVNET_LIMITS, None)
    return Ledger.connect(anvil.w3, made.ledger)


def test_build__one_company_with_every_role(anvil, empty):
    city = ParticipantPlan(
        "Stadtwerk",
        Role.SUPPLIER | Role.GRID_OPERATOR | Role.STATION_OPERATOR,
        "9900000000066",
        deposit_eur=7,
        tariffs={Role.GRID_OPERATOR: tariff(1), Role.STATION_OPERATOR: tariff(2)},
    )
    station = StationPlan("DE*CTY*E1", "Stadtwerk", "Stadtwerk", "meter", 3_700)
    cars = VehiclePlan("known", "Stadtwerk"), VehiclePlan("unknown")
    plan = MarketPlan((city,), (station,), cars, {"Stadtwerk": "Stadtwerk"})

    market = build(empty, plan, anvil.admin)

    assert market.participants["Stadtwerk"].role_names == [
        "supplier",
        "grid operator",
        "station operator",
    ]
    assert empty.station(1).max_power == 3_700
    assert empty.account(1).balance == 7 * 10**9
    assert empty.participant(1).default_supplier == 1
    assert market.vehicles["unknown"].supplier == 0
    assert empty.vehicle(market.vehicles["unknown"].id).from_ == 0
    assert empty.vehicle(market.vehicles["known"].id).supplier == 1


def test_build__more_vehicles_than_a_transaction_holds(anvil, empty):
    fleet = tuple(VehiclePlan(f"van-{n}", "Supplier South") for n in range(401))
    plan = replace(small_market(), vehicles=fleet)

    market = build(empty, plan, anvil.admin)

    for name in ("van-0", "van-150", "van-400"):
        assert empty.vehicle(market.vehicles[name].id).supplier == 2


def test_build__on_top_of_another_market__has_the_next_numbers(anvil, empty):
    build(empty, small_market(), anvil.admin)
    newcomer = ParticipantPlan("Zweitnetz", Role.STATION_OPERATOR, "")
    plan = MarketPlan((newcomer,), (), ())

    market = build(empty, plan, anvil.admin)

    assert market.participants["Zweitnetz"].number == 6


def test_build__again__is_refused_by_name(anvil, ledger):
    with pytest.raises(RevertedError) as caught:
        build(ledger, small_market(), anvil.admin)

    assert caught.value.name == "AccountTaken"


def test_build__a_slot_begins_meanwhile__starts_with_that_one(anvil, empty, monkeypatch):
    """As if the time had been read just before the slot's end."""
    now = anvil.w3.eth.get_block("pending")["timestamp"]
    past = now - now % 900 - 900
    slots = iter([past, past])
    monkeypatch.setattr(
        "gridroam.devnet.market.slot_start", lambda time: next(slots, time - time % 900)
    )

    build(empty, small_market(), anvil.admin)

    assert empty.tariff(3, 2, 1).valid_from > past


def test_market__as_json_and_back(market):
    assert Market.from_dict(json.loads(json.dumps(market.as_dict()))) == market


def test_market__keys_are_not_in_its_text(market):
    assert all(s.key.hex() not in repr(market) for s in market.stations.values())
    assert "key" not in repr(market)


def test_levels__hours_become_quarter_hours():
    day = replace(tariff(1), levels=levels(high=[16], low=[0, 23]))

    assert [day.level(hour * 3600) for hour in (0, 1, 15, 16, 17, 23)] == [
        Level.LOW,
        Level.STANDARD,
        Level.STANDARD,
        Level.HIGH,
        Level.STANDARD,
        Level.LOW,
    ]
    assert day.level(16 * 3600 + 3599) == Level.HIGH


def test_build__never_has_more_under_way_than_the_node_bears(empty, anvil, monkeypatch):
    monkeypatch.setattr("gridroam.devnet.market._AT_ONCE", 20)
    stations = (
        StationPlan(f"DE*GRM*E{n}", "Station Operator", "Grid North", "meter", 22_000)
        for n in range(50)
    )
    plan = replace(small_market(), stations=tuple(stations))
    done, waited = threading.Event(), [0]

    def mine():
        """Only when nobody sends any more."""
        while not done.wait(0.1):
            waited.append(int(anvil.rpc("txpool_status")["pending"], 16))
            if waited[-1] == waited[-2]:
                anvil.mine()

    anvil.rpc("evm_setAutomine", False)
    mining = threading.Thread(target=mine)
    mining.start()
    try:
        assert len(build(empty, plan, anvil.admin).stations) == 50
    finally:
        done.set()
        mining.join()
        anvil.rpc("evm_setAutomine", True)
    assert 10 < max(waited) <= 20
