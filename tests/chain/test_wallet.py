"""Sending transactions one after another."""

import pytest

from gridroam.chain import abi
from gridroam.chain.wallet import TX_GAS_LIMIT, Wallet
from gridroam.errors import ChainError, RevertedError

MINT = abi.functions("TestEuro")["mint"]
WITHDRAW = abi.functions("Vault")["withdraw"]


@pytest.fixture
def wallet(anvil, market):
    return Wallet(anvil.w3, market.participants["Supplier South"].account)


def balance(ledger, wallet):
    return ledger.w3.eth.call(
        {
            "to": ledger.token,
            "data": abi.functions("TestEuro")["balanceOf"].calldata(wallet.address),
        }
    )


def test_post__several_before_the_first_is_mined(anvil, ledger, wallet):
    anvil.rpc("evm_setAutomine", False)
    mint = MINT.calldata(wallet.address, 5)

    sent = [wallet.post(ledger.token, mint, gas=100_000) for _ in range(3)]
    anvil.mine()
    receipts = wallet.wait(sent)
    anvil.rpc("evm_setAutomine", True)

    assert {receipt["blockNumber"] for receipt in receipts} == {anvil.w3.eth.block_number}
    assert int.from_bytes(balance(ledger, wallet)) == 15


@pytest.mark.parametrize("gas", [None, 500_000])
def test_call__refused__says_why(ledger, wallet, gas):
    """Whether the estimate finds out, or the block."""
    with pytest.raises(RevertedError) as caught:
        wallet.call(ledger.vault_address, WITHDRAW, 20_000 * 10**9, wallet.address, gas=gas)

    assert caught.value.name == "NotCovered"
    assert caught.value.values == (2, 10_000 * 10**9, 20_000 * 10**9)


def test_call__after_a_refusal__goes_on(ledger, wallet):
    for _ in range(2):
        with pytest.raises(RevertedError):
            wallet.call(ledger.vault_address, WITHDRAW, 1, wallet.address, gas=500_000)

    receipt = wallet.call(ledger.token, MINT, wallet.address, 7)

    assert receipt["status"] == 1


def test_call__out_of_gas__is_an_error(ledger, wallet):
    with pytest.raises(RevertedError):
        wallet.call(ledger.token, MINT, wallet.address, 7, gas=30_000)


def test_post__more_gas_than_a_transaction_may__is_refused(ledger, wallet):
    with pytest.raises(ChainError, match="gas"):
        wallet.post(ledger.token, gas=TX_GAS_LIMIT + 1)


def test_wait__nothing_is_mined__gives_up(anvil, ledger, market):
    impatient = Wallet(anvil.w3, market.participants["Supplier South"].account, timeout=0.2)
    anvil.rpc("evm_setAutomine", False)

    with pytest.raises(ChainError, match="in no block"):
        impatient.call(ledger.token, MINT, impatient.address, 1)

    anvil.rpc("evm_setAutomine", True)
