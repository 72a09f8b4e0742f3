"""One side: the contracts on a chain of their own, which can be taken back to the start."""

from collections.abc import Sequence
from dataclasses import astuple, dataclass
from typing import Any

from correction_rules import Proof, argument
from setting import BANK, FUNDED, LIMITS, PLAN, STRANGER, WINDOW
from tales import Tale
from web3.types import RPCEndpoint

from gridroam.audit.difference import Findings
from gridroam.audit.replay import Replay
from gridroam.audit.source import NodeSource
from gridroam.chain import abi, events
from gridroam.chain.anvil import Anvil, move_clock
from gridroam.chain.deploy import deploy
from gridroam.chain.ledger import Ledger
from gridroam.chain.reverts import explain
from gridroam.chain.wallet import TX_GAS_LIMIT
from gridroam.devnet.market import build
from gridroam.domain.market import Market
from gridroam.domain.meters import MeterKey
from gridroam.domain.participants import Limits
from gridroam.domain.reasons import Reason
from gridroam.domain.tariff import Tariff
from gridroam.domain.units import Address, Timestamp
from gridroam.domain.version import Correction, Version

MUCH = 10**18
"""Token units that the bank has."""


@dataclass(frozen=True)
class Outcome:
    """Of a transaction; `error` is the name of the contract's, or empty."""

    block: int
    events: tuple[events.Event, ...]
    error: str


class Contracts:
    """Every transaction stands in a block of its own, at the time that is asked for."""

    def __init__(self, anvil: Anvil) -> None:
        self._anvil = anvil
        anvil.rpc("anvil_setBlockTimestampInterval", 1)
        deployed = deploy(anvil.w3, anvil.admin, LIMITS, None, WINDOW)
        self.ledger = Ledger.connect(anvil.w3, deployed.ledger)
        build(self.ledger, PLAN, anvil.admin)
        self.governance = anvil.admin.address.lower()
        self.addresses = {
            "Registry": self.ledger.registry_address,
            "Ledger": self.ledger.address,
            "Vault": self.ledger.vault_address,
            "TestEuro": self.ledger.token,
            "Corrections": deployed.corrections,
        }
        anvil.rpc("anvil_autoImpersonateAccount", True)
        for account in FUNDED:
            anvil.rpc("anvil_setBalance", account, hex(10**20))
        self._fill_bank()
        move_clock(anvil.w3, self.now + 1_800)
        self._snapshot = anvil.rpc("evm_snapshot")

    def _fill_bank(self) -> None:
        now = self.now
        self.send(BANK, "mint", (BANK, MUCH), now + 1)
        self.send(BANK, "approve", (self.addresses["Vault"], MUCH), now + 2)

    @property
    def now(self) -> Timestamp:
        """The newest block's time."""
        return self.ledger.w3.eth.get_block("latest")["timestamp"]

    def restart(self) -> None:
        """Everything is as it was at first."""
        self._anvil.rpc("evm_revert", self._snapshot)
        self._snapshot = self._anvil.rpc("evm_snapshot")

    def market(self) -> Market:
        """The market at the start by the rules, from the events so far."""
        source, findings = NodeSource(self.ledger), Findings()
        corrections = self.addresses["Corrections"]
        replay = Replay(self.ledger.domain, findings, corrections, self.ledger.correction_window())
        for page in source.pages(0, source.newest()):
            for entry in page.entries:
                replay.apply(entry)
        assert not findings.kept
        return replay.market

    def held(self) -> int:
        """Token units in the vault."""
        call = self._transaction(BANK, "balanceOf", (self.addresses["Vault"],))
        return int(self._anvil.rpc("eth_call", call, "latest"), 16)

    def send(
        self, sender: Address, function: str, arguments: Sequence[Any], time: Timestamp
    ) -> Outcome:
        transaction = self._transaction(sender, function, arguments)
        self._anvil.set_next_time(time)
        receipt = self._anvil.rpc("eth_sendTransactionSync", transaction)
        block = int(receipt["blockNumber"], 16)
        if receipt["status"] != "0x1":
            return Outcome(block, (), self._why(transaction, block))
        decoded = (events.decode(log) for log in receipt["logs"])
        return Outcome(block, tuple(event for event in decoded if event is not None), "")

    def simulate(self, packed: Sequence[bytes], time: Timestamp) -> list[Reason]:
        """What the relay would be told about a batch before it sends it."""
        self._anvil.set_next_time(time)
        return self.ledger.simulate(packed, STRANGER)

    def _transaction(
        self, sender: Address, function: str, arguments: Sequence[Any]
    ) -> dict[str, str]:
        contract = next(name for name in self.addresses if function in abi.functions(name))
        data = abi.functions(contract)[function].calldata(*map(_plain, arguments))
        to = self.addresses[contract]
        return {"from": sender, "to": to, "data": "0x" + data.hex(), "gas": hex(TX_GAS_LIMIT)}

    def _why(self, transaction: dict[str, str], block: int) -> str:
        """The same call after the block, whose time and state are the same."""
        call = [transaction, hex(block)]
        answer = self.ledger.w3.provider.make_request(RPCEndpoint("eth_call"), call)
        name, _ = explain(bytes.fromhex(answer["error"]["data"][2:]))
        return name or "an error of nobody's"


def _plain(value: Any) -> Any:
    """As the ABI has it."""
    if isinstance(value, Tale | Proof):
        return value.as_argument()
    if isinstance(value, Version):
        return argument(value)
    if isinstance(value, Limits | Tariff | MeterKey | Correction):
        return astuple(value)
    return value
