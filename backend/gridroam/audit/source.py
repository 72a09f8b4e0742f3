"""Where the audit reads: a node. Behind a protocol, so that tests can put a liar in between."""

from typing import NamedTuple, Protocol

from eth_abi.exceptions import DecodingError
from hexbytes import HexBytes
from web3.exceptions import Web3Exception

from gridroam.chain import events
from gridroam.chain.ledger import Ledger
from gridroam.chain.node import connect
from gridroam.errors import ChainError


class Block(NamedTuple):
    """The head of a block. `time` is UTC seconds."""

    number: int
    hash: bytes
    time: int


class Transaction(NamedTuple):
    """`to` is a lower-case 0x address, or empty if it created a contract."""

    to: str
    calldata: bytes


class Source(Protocol):
    """Everything that the audit asks for."""

    @property
    def ledger(self) -> Ledger:
        """For reading the contracts' state."""

    def block(self, number: int | None = None) -> Block:
        """By its number, or the newest."""

    def first_block(self, last: int) -> int:
        """The block in which the registry was deployed, or one before; `last` has it."""

    def events(self, first: int, last: int) -> list[events.Event]:
        """Of registry and ledger, in the chain's order."""

    def transaction(self, tx_hash: bytes) -> Transaction: ...


class NodeSource:
    """A node, asked over JSON-RPC. Safe to use in several threads."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self._eth = ledger.w3.eth

    def block(self, number: int | None = None) -> Block:
        try:
            head = self._eth.get_block("latest" if number is None else number)
        except Web3Exception as error:
            raise ChainError(f"The node has no block {number}: {error}.") from error
        return Block(head["number"], bytes(head["hash"]), head["timestamp"])

    def first_block(self, last: int) -> int:
        low, high = 0, last
        while low < high:
            middle = (low + high) // 2
            try:
                deployed = bool(self._eth.get_code(self.ledger.registry_address, middle))
            except Web3Exception:  # the node has pruned old states; the logs it may still have
                return 0
            low, high = (low, middle) if deployed else (middle + 1, high)
        return low

    def events(self, first: int, last: int) -> list[events.Event]:
        try:
            return events.fetch(self.ledger.w3, self.ledger.addresses, first, last)
        except (DecodingError, ValueError) as error:
            raise ChainError(
                f"The node gives logs of blocks {first} to {last} that cannot be read: {error}."
            ) from error

    def transaction(self, tx_hash: bytes) -> Transaction:
        try:
            found = self._eth.get_transaction(HexBytes(tx_hash))
        except Web3Exception as error:
            raise ChainError(
                f"The node does not give transaction 0x{tx_hash.hex()}: {error}.",
                "Ask a node that keeps the whole history.",
            ) from error
        return Transaction((found.get("to") or "").lower(), bytes(found["input"]))


def open_source(rpc_url: str, ledger: str) -> NodeSource:
    """Raises `NodeUnreachableError` or `NoContractError`."""
    return NodeSource(Ledger.connect(connect(rpc_url, timeout=60.0), ledger))
