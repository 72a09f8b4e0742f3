"""What a deployment leaves on the chain."""

from dataclasses import replace

import pytest
from eth_account import Account

from gridroam.chain import abi, events
from gridroam.chain.deploy import DEVNET_LIMITS, deploy
from gridroam.chain.ledger import Ledger
from gridroam.chain.wallet import Wallet
from gridroam.errors import NoContractError, RevertedError

ADMIT = abi.functions("Registry")["admit"]


def test_deploy__the_ledger_is_found_with_all_that_belongs_to_it(anvil):
    made = deploy(anvil.w3, anvil.admin, DEVNET_LIMITS, None)

    ledger = Ledger.connect(anvil.w3, made.ledger)

    assert ledger.registry_address == made.registry
    assert ledger.vault_address == made.vault
    assert ledger.token == made.token
    assert ledger.domain.chain_id == made.chain_id == 31337
    assert ledger.limits() == DEVNET_LIMITS


def test_deploy__block_is_where_the_history_begins(anvil):
    made = deploy(anvil.w3, anvil.admin, DEVNET_LIMITS, None)
    contracts = [made.registry, made.ledger]

    (first,) = events.fetch(anvil.w3, contracts, 0, anvil.w3.eth.block_number)

    assert isinstance(first, events.LimitsSet)
    assert first.at.block == made.block


def test_deploy__with_a_token__keeps_that(anvil, ledger):
    made = deploy(anvil.w3, anvil.admin, DEVNET_LIMITS, ledger.token)

    assert made.token == ledger.token
    assert made.ledger != ledger.address


def test_deploy__only_who_deployed_governs(anvil):
    made = deploy(anvil.w3, anvil.admin, DEVNET_LIMITS, None)
    stranger = Account.from_key(anvil.keys[1])

    with pytest.raises(RevertedError) as caught:
        Wallet(anvil.w3, stranger).call(made.registry, ADMIT, stranger.address, 1, "")
    Wallet(anvil.w3, anvil.admin).call(made.registry, ADMIT, stranger.address, 1, "")

    assert caught.value.name == "AccessManagedUnauthorized"
    assert Ledger.connect(anvil.w3, made.ledger).participant_count() == 1


def test_deploy__limits_out_of_bounds__says_which(anvil):
    with pytest.raises(RevertedError) as caught:
        deploy(anvil.w3, anvil.admin, replace(DEVNET_LIMITS, backlog=60), None)

    assert (caught.value.name, caught.value.values) == ("LimitOutOfRange", ("backlog",))


def test_deploy__token_that_is_none__reverts(anvil):
    with pytest.raises((RevertedError, NoContractError)):
        deploy(anvil.w3, anvil.admin, DEVNET_LIMITS, anvil.admin.address)
