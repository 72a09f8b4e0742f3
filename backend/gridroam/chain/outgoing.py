"""The transactions of one account to one contract, for a sender that keeps its own books: it signs
before it sends, sends the same bytes again, replaces, and looks for receipts. Decides nothing.
"""

from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, cast

import rlp  # type: ignore[import-untyped]
from eth_utils.crypto import keccak
from web3 import Web3
from web3.types import RPCEndpoint

from gridroam.chain.signer import Nobody, Signer
from gridroam.errors import ChainError

Log = dict[str, Any]

_TYPE = b"\x02"
_REVERTED = 3
_FAILURES = ("revert", "out of gas", "outofgas", "oog", "invalid opcode", "stack")
"""As nodes put it that a call failed, and not they."""


@dataclass(frozen=True, slots=True)
class Fees:
    """EIP-1559, wei per gas."""

    max_fee: int
    tip: int

    def raised(self, suggested: "Fees") -> "Fees":
        """Enough to replace a transaction that offered these: an eighth more, or what is usual."""
        return Fees(
            max(self.max_fee * 9 // 8 + 1, suggested.max_fee),
            max(self.tip * 9 // 8 + 1, suggested.tip),
        )

    def within(self, cap: int) -> "Fees":
        """The same, with no more than the cap for anything."""
        return Fees(min(self.max_fee, cap), min(self.tip, cap))


@dataclass(frozen=True, slots=True)
class UsualFees:
    """What the chain asks for now, wei per gas."""

    base_fee: int
    tip: int

    @property
    def offer(self) -> Fees:
        """Twice the base fee, so that it stays valid while the base fee rises for some blocks."""
        return Fees(2 * self.base_fee + self.tip, self.tip)


@dataclass(frozen=True, slots=True)
class Signed:
    hash: bytes
    raw: bytes


@dataclass(frozen=True, slots=True)
class Receipt:
    """`logs` as the node gives them, hexadecimal; `gas_price` is what was paid, in wei."""

    tx_hash: bytes
    block: int
    block_hash: bytes
    succeeded: bool
    gas_used: int
    logs: list[Log]
    gas_price: int


@dataclass(frozen=True, slots=True)
class Head:
    number: int
    time: int
    base_fee: int


class Answer(Enum):
    """What a node says to a transaction."""

    TAKEN = auto()
    """it has it now, or had it before"""
    NONCE_USED = auto()
    UNDERPRICED = auto()
    UNFUNDED = auto()
    REFUSED = auto()


def calldata_of(raw: bytes) -> bytes:
    """The input of a transaction that `Outgoing` signed."""
    return bytes(rlp.decode(raw[1:])[7])


class Outgoing:
    """Safe to use in several threads."""

    def __init__(self, w3: Web3, signer: Signer, to: str, chain_id: int) -> None:
        self._w3 = w3
        self._signer = signer
        self._to = Web3.to_checksum_address(to)
        self._chain_id = chain_id
        self.address: str = signer.address
        self.can_sign = not isinstance(signer, Nobody)

    def sign(self, data: bytes, nonce: int, gas: int, fees: Fees) -> Signed:
        """EIP-1559, EIP-2718."""
        to = bytes.fromhex(self._to[2:])
        fields = [self._chain_id, nonce, fees.tip, fees.max_fee, gas, to, 0, data, []]
        signature = self._signer.sign(keccak(_TYPE + rlp.encode(fields)))
        r, s = (int.from_bytes(part) for part in (signature[:32], signature[32:64]))
        raw = _TYPE + rlp.encode([*fields, signature[64], r, s])
        return Signed(keccak(raw), raw)

    def send(self, raw: bytes) -> tuple[Answer, str]:
        """The node's answer and its words."""
        response = self._request("eth_sendRawTransaction", "0x" + raw.hex())
        if "error" not in response:
            return Answer.TAKEN, ""
        said = str(response["error"].get("message", response["error"]))
        return _understood(said.lower()), said

    def call(self, data: bytes, gas: int, block: str = "latest") -> bytes:
        """What the contract would return to the account; raises `ChainError` if it would fail."""
        call = {"from": self.address, "to": self._to, "data": "0x" + data.hex(), "gas": hex(gas)}
        return bytes.fromhex(self._ask("eth_call", call, block)[2:])

    def receipt(self, tx_hash: bytes) -> Receipt | None:
        found = self._ask("eth_getTransactionReceipt", "0x" + tx_hash.hex())
        if found is None or found.get("blockNumber") is None:
            return None
        return Receipt(
            tx_hash,
            int(found["blockNumber"], 16),
            bytes.fromhex(found["blockHash"][2:]),
            int(found["status"], 16) == 1,
            int(found["gasUsed"], 16),
            found["logs"],
            int(found["effectiveGasPrice"], 16),
        )

    def is_known(self, tx_hash: bytes) -> bool:
        """Whether the node has the transaction, mined or not."""
        return self._ask("eth_getTransactionByHash", "0x" + tx_hash.hex()) is not None

    def mined_count(self) -> int:
        """Transactions of the account in the chain: the first nonce that is free there."""
        return self._count("latest")

    def pending_count(self) -> int:
        """The same with those that wait in the node."""
        return self._count("pending")

    def balance(self) -> int:
        """Wei."""
        return int(self._ask("eth_getBalance", self.address, "latest"), 16)

    def head(self) -> Head:
        block = self._ask("eth_getBlockByNumber", "latest", False)
        return Head(
            int(block["number"], 16),
            int(block["timestamp"], 16),
            int(block.get("baseFeePerGas", "0x0"), 16),
        )

    def is_syncing(self) -> bool:
        """Whether the node says that it is still fetching the chain."""
        return bool(self._request("eth_syncing").get("result"))

    def block_hash(self, number: int) -> bytes | None:
        block = self._ask("eth_getBlockByNumber", hex(number), False)
        return bytes.fromhex(block["hash"][2:]) if block else None

    def block_number(self, tag: str) -> int:
        """Of the block that the node calls `safe`, `finalized`, ...; 0 while it has none."""
        response = self._request("eth_getBlockByNumber", tag, False)
        block = response.get("result")
        return int(block["number"], 16) if block else 0

    def usual_fees(self) -> UsualFees:
        """Of the next block, where the node knows it, else of the last."""
        response = self._request("eth_maxPriorityFeePerGas")
        # not every node has these methods
        tip = int(response["result"], 16) if "result" in response else 0
        history = self._request("eth_feeHistory", "0x1", "latest", []).get("result") or {}
        fees = [int(fee, 16) for fee in history.get("baseFeePerGas") or ()]
        return UsualFees(max(fees[-1:] or [self.head().base_fee]), tip)

    def fails(self, data: bytes, gas: int) -> bool:
        """Whether a call with this input would fail as a whole. Raises `ChainError` if the node
        cannot tell."""
        call = {"from": self.address, "to": self._to, "data": "0x" + data.hex(), "gas": hex(gas)}
        response = self._request("eth_call", call, "latest")
        if "error" not in response:
            return False
        error = response["error"]
        said = str(error.get("message", error))
        if error.get("code") == _REVERTED or any(word in said.lower() for word in _FAILURES):
            return True
        raise ChainError(f"The node does not simulate: {said}.")

    def _count(self, block: str) -> int:
        return int(self._ask("eth_getTransactionCount", self.address, block), 16)

    def _ask(self, method: str, *params: object) -> Any:
        response = self._request(method, *params)
        if "error" in response:
            raise ChainError(f"The node refused {method}: {response['error'].get('message')}.")
        return response["result"]

    def _request(self, method: str, *params: object) -> dict[str, Any]:
        # without web3's formatters, which take longer than all the rest
        response = self._w3.provider.make_request(RPCEndpoint(method), list(params))
        return cast("dict[str, Any]", response)


def _understood(said: str) -> Answer:
    """Nodes have no common error codes for these, only similar words."""
    words = {
        Answer.TAKEN: ("already known", "already imported", "known transaction", "already exists"),
        Answer.NONCE_USED: ("nonce too low", "nonce is too low", "oldnonce"),
        Answer.UNDERPRICED: ("underpriced", "fee too low", "less than block base fee"),
        Answer.UNFUNDED: ("insufficient funds", "insufficient balance"),
    }
    for answer, phrases in words.items():
        if any(phrase in said for phrase in phrases):
            return answer
    return Answer.REFUSED
