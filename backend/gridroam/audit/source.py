"""Where the audit reads: a node. Behind a protocol, so that tests can put a liar in between."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from eth_abi.exceptions import DecodingError
from web3.exceptions import Web3Exception

from gridroam.chain import events
from gridroam.chain.bulk import ask
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

    def newest(self) -> int:
        """The newest block's number."""

    def blocks(self, numbers: Sequence[int]) -> list[Block]: ...

    def first_block(self, last: int) -> int:
        """The block in which the registry was deployed, or one before; `last` has it."""

    def events(self, first: int, last: int) -> list[events.Event]:
        """Of registry and ledger, in the chain's order."""

    def transactions(self, hashes: Sequence[bytes]) -> list[Transaction]: ...


class NodeSource:
    """A node, asked over JSON-RPC. Safe to use in several threads."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self._w3 = ledger.w3

    def newest(self) -> int:
        return self._w3.eth.block_number

    def blocks(self, numbers: Sequence[int]) -> list[Block]:
        found = ask(self._w3, "eth_getBlockByNumber", [[hex(n), False] for n in numbers])
        return [
            Block(int(head["number"], 16), _bytes(head["hash"]), int(head["timestamp"], 16))
            for head in found
        ]

    def first_block(self, last: int) -> int:
        low, high = 0, last
        while low < high:
            middle = (low + high) // 2
            try:
                deployed = bool(self._w3.eth.get_code(self.ledger.registry_address, middle))
            except Web3Exception:  # the node has pruned old states; the logs it may still have
                return 0
            low, high = (low, middle) if deployed else (middle + 1, high)
        return low

    def events(self, first: int, last: int) -> list[events.Event]:
        try:
            return events.fetch(self._w3, self.ledger.addresses, first, last)
        except (DecodingError, ValueError) as error:
            raise ChainError(
                f"The node gives logs of blocks {first} to {last} that cannot be read: {error}."
            ) from error

    def transactions(self, hashes: Sequence[bytes]) -> list[Transaction]:
        found = ask(self._w3, "eth_getTransactionByHash", [["0x" + h.hex()] for h in hashes])
        return [Transaction((one["to"] or "").lower(), _bytes(one["input"])) for one in found]


def open_source(rpc_url: str, ledger: str) -> NodeSource:
    """Raises `NodeUnreachableError` or `NoContractError`."""
    return NodeSource(Ledger.connect(connect(rpc_url, timeout=60.0), ledger))


def _bytes(value: str) -> bytes:
    return bytes.fromhex(value[2:])
