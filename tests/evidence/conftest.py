import pytest
from eth_account import Account
from eth_account.signers.local import LocalAccount
from player import Player
from traffic import Traffic

from gridroam.chain.anvil import Anvil
from gridroam.chain.ledger import Ledger
from gridroam.devnet.members import Market
from gridroam.evidence.corrections import Corrections


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


@pytest.fixture
def player(traffic: Traffic) -> Player:
    return Player(traffic)
