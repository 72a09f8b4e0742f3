"""`gridroam relay` says in one line what it lacks."""

import json
import socket
from pathlib import Path

import pytest
from eth_account import Account
from serving import SENDER, RelayProcess

from gridroam.chain.anvil import Anvil
from gridroam.chain.ledger import Ledger
from gridroam.cli.relay import relay as command
from gridroam.errors import (
    GridroamError,
    InvalidInputError,
    NoContractError,
    NodeUnreachableError,
    WrongChainError,
)
from gridroam.relay import account
from gridroam.relay.client import RelayClient
from gridroam.settings import RelaySettings

KEY = "0x" + 64 * "7"
NOWHERE = "http://127.0.0.1:9"


@pytest.fixture(autouse=True)
def _no_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in RelaySettings.model_fields:
        monkeypatch.delenv(f"GRIDROAM_{name.upper()}", raising=False)


def complaint(kind: type[GridroamError], **options: object) -> str:
    """What the command says with these options before it runs."""
    names = command.__kwdefaults__
    with pytest.raises(kind) as raised:
        command(**{**dict.fromkeys(names), "port": 0, **options})
    said = str(raised.value)
    assert "\n" not in said
    assert raised.value.hint
    return said


def test_ledger_missing() -> None:
    assert "GRIDROAM_LEDGER" in complaint(InvalidInputError)


def test_option_out_of_range() -> None:
    assert "batch_messages" in complaint(InvalidInputError, ledger="0x1", batch_messages=0)


def test_no_node() -> None:
    assert NOWHERE in complaint(NodeUnreachableError, rpc=NOWHERE, ledger="0x" + 40 * "1")


def test_port_taken() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert f":{port}" in complaint(InvalidInputError, ledger="0x" + 40 * "1", port=port)


@pytest.mark.chain
def test_wrong_chain(anvil: Anvil, ledger: Ledger) -> None:
    options = {"rpc": anvil.url, "ledger": ledger.address, "chain_id": 1}
    assert "31337" in complaint(WrongChainError, **options)


@pytest.mark.chain
def test_no_ledger_at_the_address(anvil: Anvil, ledger: Ledger) -> None:
    complaint(NoContractError, rpc=anvil.url, ledger="0x" + 40 * "1")
    complaint(NoContractError, rpc=anvil.url, ledger=ledger.registry_address)


@pytest.mark.chain
def test_key_missing__names_one_for_the_devnet(anvil: Anvil, ledger: Ledger) -> None:
    said = complaint(InvalidInputError, rpc=anvil.url, ledger=ledger.address)
    assert f"GRIDROAM_SENDER_KEY=0x{anvil.keys[SENDER].hex()}" in said


def test_key_missing__names_none_elsewhere() -> None:
    with pytest.raises(InvalidInputError, match="--keystore") as raised:
        account.load(RelaySettings(ledger="0x1"), chain_id=1)
    assert "0x" not in str(raised.value)


def test_wrong_key_is_never_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRIDROAM_SENDER_KEY", "0x1234")
    with pytest.raises(InvalidInputError) as raised:
        account.load(RelaySettings(ledger="0x1"), chain_id=1)
    assert "1234" not in str(raised.value)
    assert "1234" not in repr(RelaySettings(ledger="0x1"))


def test_keystore(tmp_path: Path) -> None:
    keystore, password = tmp_path / "key.json", tmp_path / "password"
    keystore.write_text(json.dumps(Account.encrypt(KEY, "secret", kdf="pbkdf2", iterations=1)))
    password.write_text("secret\n")
    chosen = RelaySettings(ledger="0x1", keystore=keystore, password_file=password)
    (signer,) = account.load(chosen, 1)
    assert signer.address == Account.from_key(KEY).address
    password.write_text("wrong\n")
    with pytest.raises(InvalidInputError, match="cannot be decrypted"):
        account.load(chosen, 1)
    with pytest.raises(InvalidInputError, match="password is missing"):
        account.load(RelaySettings(ledger="0x1", keystore=keystore), 1)


def test_option_wins_over_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRIDROAM_PORT", "1")
    monkeypatch.setenv("GRIDROAM_LEDGER", "0x1")
    assert RelaySettings.read().port == 1
    assert RelaySettings.read(port=2, ledger=None).port == 2


@pytest.mark.chain
def test_it_serves_and_ends_when_asked(anvil: Anvil, ledger: Ledger, tmp_path: Path) -> None:
    relay = RelayProcess(anvil.url, ledger.address, anvil.keys[SENDER], tmp_path)
    with RelayClient(relay.start()) as client:
        assert client.relay().domain == ledger.domain
    assert relay.stop() == 0
    assert anvil.keys[SENDER].hex() not in relay.log
