"""A relay on the shared chain, for each test with a database of its own.

`database` is where that is: a test that asks for it runs twice, on SQLite and on a real PostgreSQL,
which is started once for the whole run.
"""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from databases import Server
from eth_account import Account
from eth_account.signers.local import LocalAccount
from plug import Plug, plugs
from serving import SENDER, served, settings

from gridroam.chain import abi
from gridroam.chain.anvil import Anvil
from gridroam.chain.ledger import Ledger
from gridroam.chain.wallet import Wallet
from gridroam.devnet.members import Market
from gridroam.relay.client import RelayClient


@pytest.fixture
def all_plugs(ledger: Ledger, market: Market) -> list[Plug]:
    return plugs(ledger, market)


@pytest.fixture
def plug(all_plugs: list[Plug]) -> Plug:
    return all_plugs[0]


@pytest.fixture
def other_plug(all_plugs: list[Plug]) -> Plug:
    return all_plugs[1]


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Server]:
    with tempfile.TemporaryDirectory(prefix="gridroam-") as folder, Server(Path(folder)) as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return str(tmp_path / "relay.db")
    server: Server = request.getfixturevalue("postgresql")
    return server.database()


@pytest.fixture
def relay_url(anvil: Anvil, ledger: Ledger, database: str) -> Iterator[str]:
    with served(settings(anvil, ledger.address, database)) as url:
        yield url


@pytest.fixture
def relay(relay_url: str) -> Iterator[RelayClient]:
    with RelayClient(relay_url) as client:
        yield client


@pytest.fixture
def no_default_supply(anvil: Anvil, ledger: Ledger, market: Market) -> None:
    """Vehicles that nobody registered have no supplier."""
    calldata = abi.functions("Registry")["setDefaultSupplier"]
    operator = Wallet(anvil.w3, market.participants["Station Operator"].account)
    operator.call(ledger.registry_address, calldata, 0)


@pytest.fixture
def sender(anvil: Anvil) -> LocalAccount:
    """The account that the relay sends from."""
    account: LocalAccount = Account.from_key(anvil.keys[SENDER])
    return account


@pytest.fixture
def no_mining(anvil: Anvil) -> Iterator[None]:
    anvil.rpc("evm_setAutomine", False)
    yield
    anvil.rpc("anvil_dropAllTransactions")
    anvil.rpc("evm_setAutomine", True)
