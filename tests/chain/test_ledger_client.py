"""Reading the ledger, and asking it what it would say."""

import pytest

from gridroam.chain.ledger import Ledger
from gridroam.chain.records import Account, State
from gridroam.domain.reasons import Reason
from gridroam.errors import NoContractError, RevertedError

SLOW, FAST = "DE*GRM*E0001", "DE*GRM*E0003"
EURO = 10**9


@pytest.mark.parametrize("which", ["registry_address", "vault_address", "token"])
def test_connect__another_contract(anvil, ledger, which):
    with pytest.raises(NoContractError, match="no Gridroam ledger"):
        Ledger.connect(anvil.w3, getattr(ledger, which))


@pytest.mark.parametrize("address", ["0x" + 40 * "1", "0x12", "ledger", ""])
def test_connect__nothing_there(anvil, address):
    with pytest.raises(NoContractError):
        Ledger.connect(anvil.w3, address)


def test_read__the_market_stands_as_planned(ledger, market):
    back = market.stations["DE*GRM*E0002"]
    car = market.vehicles["car-1"]
    nordlicht = market.participants["Supplier North"]

    assert ledger.participant_of(nordlicht.address) == nordlicht.number
    assert ledger.participant(nordlicht.number).account == nordlicht.address.lower()
    assert ledger.station(back.number).max_feed_in == back.max_feed_in == 11_000
    assert ledger.station(back.number).grid_operator == back.grid_operator
    assert ledger.vehicle(car.id).supplier == car.supplier == nordlicht.number
    assert ledger.account(nordlicht.number) == Account(10_000 * EURO, 0, 0)
    assert ledger.total_balance() == ledger.holdings() == 24_000 * EURO
    assert ledger.tariff_count(back.grid_operator, 2) == 1
    assert ledger.tariff(back.grid_operator, 2, 1).import_standard == 80_000


def test_read__at_an_earlier_block(anvil, ledger, act):
    before = anvil.w3.eth.block_number
    act("Supplier South", "Vault", "withdraw", 10_000 * EURO, anvil.admin.address)

    assert ledger.total_balance(before) == 24_000 * EURO
    assert ledger.total_balance() == ledger.holdings() == 14_000 * EURO


def test_simulate__says_what_submit_then_does(anvil, ledger, signer, act, now):
    batch = [
        signer.opening(SLOW, "car-1", now),
        signer.opening(FAST, "car-1", now),
        signer.opening(SLOW, "car-3", now, session=2),
        b"no message",
    ]

    foreseen = ledger.simulate(batch, anvil.admin.address)
    untouched = ledger.session(1)
    act("governance", "Ledger", "submit", batch)

    assert foreseen == [Reason.NONE, Reason.VEHICLE_BUSY, Reason.STATION_BUSY, Reason.MALFORMED]
    assert untouched.state is State.NONE
    assert ledger.session(1).state is State.OPEN
    assert ledger.session(3).state is State.REFUSED


def test_simulate__long_after_the_last_block__uses_the_present_time(anvil, ledger, signer, now):
    """Nothing happens on a devnet at night; the opening in the morning lies not in the future."""
    anvil.rpc("evm_increaseTime", 8 * 3600)

    reasons = ledger.simulate([signer.opening(SLOW, "car-1", now + 8 * 3600)], anvil.admin.address)

    assert reasons == [Reason.NONE]


def test_simulate__by_a_contract__is_refused(ledger):
    with pytest.raises(RevertedError) as caught:
        ledger.simulate([b"no message"], ledger.vault_address)

    assert caught.value.name == "OnlyDirect"


def test_simulate__more_than_a_transaction_can_hold__is_refused(anvil, ledger, signer, now):
    opening = signer.opening(SLOW, "car-1", now)

    with pytest.raises(RevertedError):
        ledger.simulate([opening] * 2_000, anvil.admin.address)


def test_decode_submit__what_was_sent(anvil, ledger, signer, act, now):
    batch = [signer.opening(SLOW, "car-1", now), b"", b"no message"]

    receipt = act("governance", "Ledger", "submit", batch)

    sent = anvil.w3.eth.get_transaction(receipt["transactionHash"])
    assert ledger.decode_submit(sent["input"]) == batch


@pytest.mark.parametrize("calldata", [b"", b"\0" * 100])
def test_decode_submit__another_call(ledger, calldata):
    with pytest.raises(ValueError, match="submit"):
        ledger.decode_submit(calldata)


def test_decode_submit__cut_off(ledger):
    with pytest.raises(ValueError, match="beyond its end"):
        ledger.decode_submit(ledger.submit_calldata([b"no message"])[:-40])
