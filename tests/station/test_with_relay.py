"""The kit against a real relay and a real ledger."""

import pytest

from gridroam.chain.records import State
from gridroam.demo.cable import Cable
from gridroam.demo.relay_process import RelayProcess
from gridroam.domain.reasons import Reason
from gridroam.errors import RelayUnreachableError
from gridroam.relay.client import RelayClient
from gridroam.station.kit import Station
from gridroam.station.meter import Registers
from gridroam.station.simulator import SimulatedMeter, constant, nothing

pytestmark = pytest.mark.chain
FIRST = Registers(1_000, 0)


@pytest.fixture
def cable(anvil, ledger, tmp_path):
    with (
        RelayProcess(anvil.url, ledger.address, anvil.keys[1], tmp_path) as process,
        RelayClient(process.url) as client,
    ):
        yield Cable(client)


@pytest.fixture
def member(market):
    return next(iter(market.stations.values()))


@pytest.fixture
def new_station(cable, ledger, member, tmp_path):
    def start():
        path = tmp_path / "stations" / "state.jsonl"
        return Station(member.number, member.key, ledger.domain, cable, path)

    return start


@pytest.fixture
def start(ledger):
    return ledger.w3.eth.get_block("latest")["timestamp"]


@pytest.fixture
def car(market):
    return next(vehicle.id for vehicle in market.vehicles.values() if vehicle.supplier)


def test_station__offline_for_a_session__settles_it_all_later(
    new_station, cable, ledger, member, start, car, anvil
):
    end = start + 5_000
    meter = SimulatedMeter(FIRST, constant(start, end, 20_000, 22_000), nothing(start))
    cable.is_plugged = False
    with new_station() as station:
        assert station.open(car, start, FIRST).queued
        station.read(meter, start + 1_000)
    anvil.set_next_time(end)
    anvil.mine()
    with new_station() as station:
        station.read(meter, end, last=True)
        assert station.pending == 3
        cable.is_plugged = True
        receipts = station.flush(patience=10)
        assert [receipt.accepted for receipt in receipts] == [True] * 3
        assert station.pending == 0
    session = ledger.session(member.number)
    assert (session.state, session.import_register) == (State.CLOSED, 21_000)


def test_station__message_that_arrived_but_was_not_answered__settles_once(
    new_station, cable, ledger, member, start, car
):
    with new_station() as station:
        send, cable.send = cable.send, lose_the_answer(cable)
        assert station.open(car, start, FIRST).queued
        cable.send = send
        (receipt,) = station.flush(patience=10)
        assert receipt.accepted
        assert ledger.session(member.number).number == 1


def test_station__unknown_vehicle_and_broken_meter__typed_reasons(new_station, start, market, car):
    with new_station() as station:
        assert station.open(car, start, FIRST).accepted
        (jumped,) = station.report(start, Registers(900_000, 0))
        assert jumped.reason == Reason.POWER_EXCEEDED
        (settled,) = station.report(start, Registers(1_001, 0))
        assert settled.accepted


def lose_the_answer(cable):
    send = cable.send

    def lost(messages, domain=None, wait=0.0):
        send(messages, domain, wait)
        raise RelayUnreachableError("the answer got lost")

    return lost
