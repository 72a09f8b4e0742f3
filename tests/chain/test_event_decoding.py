"""Every event of the contracts, from a real chain, decoded as web3 decodes it."""

from dataclasses import astuple, fields, is_dataclass, replace

import pytest
from corrected import Corrector
from eth_account import Account
from eth_utils.crypto import keccak
from hexbytes import HexBytes
from meters import record_of
from traffic import Traffic
from web3.datastructures import AttributeDict

from gridroam.chain import abi, artifacts, events
from gridroam.devnet.plan import secret
from gridroam.domain.slots import boundaries_between, slot_start

CALM, BACK, FAST, CLOSED, HARDWARE = (f"DE*GRM*E000{n}" for n in range(1, 6))
EURO = 10**9
AUTHORITY_UPDATED = keccak(text="AuthorityUpdated(address)")
"""Of the access manager's library, once, when the registry is made: nothing of the market."""


@pytest.fixture
def history(anvil, ledger, market, act, signer, now):
    """Something of everything, on top of what building the market left."""
    _governance(act, ledger)
    _corrections(Corrector(Traffic(anvil, ledger, market)))
    now = anvil.w3.eth.get_block("latest")["timestamp"] + 1
    _stations(act, market, now)
    _vehicles(act, market, now)
    _sessions(anvil, act, ledger, market, signer, now)
    return ledger


def _governance(act, ledger):
    limits = replace(ledger.limits(), skew=120)
    act("governance", "Registry", "setLimits", astuple(limits))
    act("governance", "Registry", "setRoles", 1, 5)
    act("governance", "Registry", "suspend", 2)
    act("governance", "Registry", "reinstate", 2)
    act("governance", "Registry", "pause")
    act("governance", "Registry", "unpause")


def _stations(act, market, now):
    closed, key = market.stations[CLOSED].number, Account.create().address
    act("Station Operator", "Registry", "rotateStationKey", closed, key, now)
    act("Station Operator", "Registry", "retireStationKey", closed, now)
    act("Station Operator", "Registry", "revokeStationKey", closed)
    act("Grid South", "Registry", "closeStation", closed)
    act("Grid South", "Registry", "revokeMeterKey", secret("meter", "south-1"))


def _corrections(corrector):
    """A session that is disputed, corrected by agreement and confirmed by the meter, at a station
    that is closed later."""
    station = corrector.traffic.market.stations[CLOSED]
    corrector.put_meter_on_file(station)
    record = record_of(0, 3_000)
    car = corrector.traffic.market.vehicles["car-5"].id
    number = corrector.session(station, car, 3_100, record)
    present = corrector.present(station.number, number)
    supplier = present.shares[0].supplier
    corrector.dispute(supplier, station.number, number)
    corrector.agree(supplier, present, corrector.change(present, imported=-100))
    corrector.prove(station.number, number, record)


def _vehicles(act, market, now):
    cars, effective = market.vehicles, slot_start(now) + 1800
    act("Supplier North", "Ledger", "offerVehicles", [cars["car-1"].id], 2, effective)
    act("Supplier South", "Ledger", "acceptVehicles", [cars["car-1"].id])
    act("Supplier North", "Ledger", "revokeVehicleKeys", [cars["car-7"].id])
    act("Supplier South", "Ledger", "clearVehicleKeys", [cars["car-8"].id])


def _sessions(anvil, act, ledger, market, signer, now):
    """Supplier South keeps the reserve only; its session takes more, so that a claim opens. One car
    changes its supplier on the road, another signs that it is somewhere else."""
    reserve = 60_000 * (130_000 + 60_000) + 350_000_000
    act("Supplier South", "Vault", "withdraw", 10_000 * EURO - reserve, anvil.admin.address)
    taken, silent = signer.opening(FAST, "car-2", now), signer.opening(BACK, "car-1", now)
    forged = signer.opening(CALM, "car-3", now)
    act("governance", "Ledger", "submit", [taken, silent, forged, b"no message"])
    car, key = market.vehicles["car-3"].id, Account.create()
    act("Supplier North", "Ledger", "setVehicleKeys", [car], [key.address], now)
    act("governance", "Ledger", "submit", [signer.opening(HARDWARE, "car-3", now, 1, key.key)])
    act("governance", "Ledger", "expire", market.stations[CALM].number)
    end = now + 3600
    anvil.set_next_time(end)
    registers = tuple(((at - now) * 40, 0) for at in boundaries_between(now, end))
    slowly = tuple(((at - now) * 2, 0) for at in boundaries_between(now, end))
    final = signer.last_report(FAST, end, 144_000, boundaries=registers)
    split = signer.last_report(BACK, end, 7_200, last=False, boundaries=slowly)
    act("governance", "Ledger", "submit", [final, split])
    act("governance", "TestEuro", "approve", ledger.vault_address, 10_000_000)
    act("governance", "Vault", "deposit", 2, 10_000_000)
    payee = next(n for n in (4, 5) if ledger.pair(2, n).claim)  # by the hour's prices
    act("governance", "Ledger", "collect", 2, payee)
    anvil.set_next_time(end + 13 * 3600)
    act("governance", "Ledger", "expire", 2)
    act("Supplier South", "Registry", "moveAccount", Account.create().address)


def test_decode__every_event__as_web3_does(history):
    seen = set()
    for contract in (history.contract, history.registry, _of_corrections(history)):
        for log in history.w3.eth.get_logs({"address": contract.address, "fromBlock": 0}):
            event = events.decode(log)
            if log["topics"][0] == AUTHORITY_UPDATED:
                continue
            assert _fields(event) == _by_web3(contract, log)
            seen.add(type(event))

    assert seen == set(events.kinds())


def _of_corrections(ledger):
    return ledger.w3.eth.contract(ledger.corrections_address, abi=artifacts.abi("Corrections"))


def test_kinds__no_event_of_the_contracts_is_missing():
    names = {e.name for contract in events.CONTRACTS for e in abi.events(contract)}
    of_libraries = {"AuthorityUpdated", "EIP712DomainChanged"}

    assert {kind.__name__ for kind in events.kinds()} == names - of_libraries


def _fields(event):
    values = {field.name: getattr(event, field.name) for field in fields(event)}
    position = values.pop("at")
    return type(event).__name__, position.block, position.log_index, _plain(values)


def _by_web3(contract, log):
    names = {HexBytes(e.topic): e.name for n in events.CONTRACTS for e in abi.events(n)}
    found = contract.events[names[log["topics"][0]]]().process_log(log)
    values = {abi.snake(name): value for name, value in found["args"].items()}
    return found["event"], found["blockNumber"], found["logIndex"], _plain(values)


def _plain(value):
    """Structs as tuples, addresses in lower case."""
    if is_dataclass(value):
        return astuple(value)
    if isinstance(value, AttributeDict):
        return tuple(map(_plain, value.values()))
    if isinstance(value, list | tuple):
        return tuple(map(_plain, value))
    if isinstance(value, dict):
        return {name: _plain(inner) for name, inner in value.items()}
    return value.lower() if isinstance(value, str) and value.startswith("0x") else value


def test_fetch__many_blocks__in_the_order_of_the_chain(history):
    head = history.w3.eth.block_number

    found = events.fetch(history.w3, history.addresses, 0, head)

    assert found == sorted(found, key=lambda event: event.at)
    assert isinstance(found[0], events.LimitsSet)
    blocks = [event for n in range(head + 1) for event in _of_block(history, n)]
    assert found == blocks


def _of_block(ledger, number):
    return events.fetch(ledger.w3, ledger.addresses, number, number)


def test_fetch__batch__one_outcome_for_each_message_in_its_order(history):
    head = history.w3.eth.block_number
    found = events.fetch(history.w3, history.addresses, 0, head)
    outcomes = (
        events.SessionCleared,
        events.ReportSettled,
        events.MessageRejected,
        events.BatchRecorded,
    )

    kinds = [type(event) for event in found if isinstance(event, outcomes)]

    cleared, settled, rejected, recorded = outcomes
    of_the_corrected = [cleared, recorded, settled, recorded]
    of_openings = [cleared, cleared, cleared, rejected, recorded, cleared, recorded]
    of_an_expiry = [recorded]
    of_reports = [settled, settled, settled, recorded]
    later = of_openings + of_an_expiry + of_reports + of_an_expiry
    assert kinds == of_the_corrected + later


def test_decode__another_contracts_log__is_none(anvil, ledger):
    transfers = anvil.w3.eth.get_logs({"address": ledger.token, "fromBlock": 0})

    assert transfers
    assert [events.decode(log) for log in transfers] == [None] * len(transfers)


def test_decode__raw_and_formatted_log__are_one(anvil, ledger):
    query = {"address": ledger.address, "fromBlock": "0x0"}
    raw = anvil.rpc("eth_getLogs", query)
    formatted = anvil.w3.eth.get_logs({"address": ledger.address, "fromBlock": 0})

    assert [events.decode(log) for log in raw] == [events.decode(log) for log in formatted]


def test_fetch__node_that_limits_the_range__asks_again_in_parts(anvil, ledger, monkeypatch):
    """Nodes answer with an error to a range that is too long for them; anvil does not."""
    head = anvil.w3.eth.block_number
    everything = events.fetch(anvil.w3, ledger.addresses, 0, head)
    ask = anvil.w3.provider.make_request

    def limited(method, params):
        asked = int(params[0]["toBlock"], 16) - int(params[0]["fromBlock"], 16)
        return ask(method, params) if asked < 10 else {"error": {"message": "range too long"}}

    monkeypatch.setattr(anvil.w3.provider, "make_request", limited)

    assert events.fetch(anvil.w3, ledger.addresses, 0, head) == everything
