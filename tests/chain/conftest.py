"""Acts and signed messages on the shared market, by name."""

from collections.abc import Callable
from typing import Any

import pytest
from web3.types import TxReceipt

from gridroam.chain import abi
from gridroam.chain.anvil import Anvil
from gridroam.chain.ledger import Ledger
from gridroam.chain.wallet import Wallet
from gridroam.devnet.market import Market
from gridroam.messages import EnergyReport, Message, OpenSession, sign

Act = Callable[..., TxReceipt]


class Signer:
    """Packs messages of the market's stations; registers start at 0."""

    def __init__(self, ledger: Ledger, market: Market) -> None:
        self.ledger = ledger
        self.market = market

    def opening(
        self, station: str, vehicle: str, time: int, session: int = 1, key: bytes | None = None
    ) -> bytes:
        """`key` is the vehicle's."""
        number, car = self.market.stations[station].number, self.market.vehicles[vehicle].id
        return self.pack(station, OpenSession(number, session, car, time, 0, 0), key)

    def last_report(self, station: str, time: int, taken: int, **more: Any) -> bytes:
        number = self.market.stations[station].number
        last = more.pop("last", True)
        return self.pack(station, EnergyReport(number, 1, 1, time, taken, 0, last, **more))

    def pack(self, station: str, message: Message, vehicle: bytes | None = None) -> bytes:
        key = self.market.stations[station].signer
        return sign(self.ledger.domain, message, key, vehicle).pack()


@pytest.fixture
def act(anvil: Anvil, ledger: Ledger, market: Market) -> Act:
    """`act(who, contract, function, *arguments)`; who is a participant's name or "governance"."""
    to = {
        "Ledger": ledger.address,
        "Registry": ledger.registry_address,
        "Vault": ledger.vault_address,
        "TestEuro": ledger.token,
    }

    def act(who: str, contract: str, function: str, *arguments: Any) -> TxReceipt:
        account = anvil.admin if who == "governance" else market.participants[who].account
        found = abi.functions(contract)[function]
        return Wallet(anvil.w3, account).call(to[contract], found, *arguments)

    return act


@pytest.fixture
def signer(ledger: Ledger, market: Market) -> Signer:
    return Signer(ledger, market)


@pytest.fixture
def now(anvil: Anvil) -> int:
    """The chain's time."""
    return anvil.w3.eth.get_block("pending")["timestamp"]
