"""What a deployment leaves on the chain."""

import json
from dataclasses import asdict, replace

import pytest
from eth_account import Account
from typer.testing import CliRunner

from gridroam.chain import abi, events
from gridroam.chain.deploy import DEVNET_LIMITS, deploy
from gridroam.chain.ledger import Ledger
from gridroam.chain.wallet import Wallet
from gridroam.cli import app
from gridroam.errors import InvalidInputError, NoContractError, RevertedError

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


@pytest.fixture
def command(anvil, ledger, tmp_path):
    """`gridroam deploy` from a fresh account in a keystore, with the given options more."""
    deployer = Account.create()
    anvil.rpc("anvil_setBalance", deployer.address, hex(10**20))
    stored = Account.encrypt(deployer.key, "secret", kdf="pbkdf2", iterations=2)
    (tmp_path / "keystore.json").write_text(json.dumps(stored))
    (tmp_path / "password").write_text("secret\n")

    def run(*options: str):
        words = ["deploy", "--rpc", anvil.w3.provider.endpoint_uri, "--token", ledger.token]
        words += ["--keystore", str(tmp_path / "keystore.json")]
        words += ["--password-file", str(tmp_path / "password")]
        return CliRunner().invoke(app, [*words, *options], standalone_mode=False)

    return run


def test_command__seats_limits_and_window__as_given(anvil, command, tmp_path):
    limits = replace(DEVNET_LIMITS, notice=2 * 86_400)
    (tmp_path / "limits.json").write_text(json.dumps(asdict(limits)))
    seats = {n: Account.create().address for n in ("council", "admission", "limits", "guardian")}
    options = [word for name, account in seats.items() for word in (f"--{name}", account)]
    options += ["--limits-file", str(tmp_path / "limits.json"), "--window", "3600"]

    made = json.loads(command(*options).stdout)

    ledger = Ledger.connect(anvil.w3, made["ledger"])
    window = abi.functions("Corrections")["window"]
    assert made["governance"] == seats
    assert ledger.limits() == limits
    assert (
        anvil.w3.eth.call({"to": made["corrections"], "data": window.selector})[-2:] == b"\x0e\x10"
    )


def test_command__a_seat_without_account__deploys_nothing(anvil, command):
    before = anvil.w3.eth.block_number

    result = command("--council", Account.create().address)

    assert isinstance(result.exception, InvalidInputError)
    assert "admission" in str(result.exception)
    assert anvil.w3.eth.block_number == before
