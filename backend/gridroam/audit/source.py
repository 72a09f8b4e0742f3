"""Where the audit reads: a node. Behind a protocol, so that tests can put a liar in between."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Protocol

from eth_abi.exceptions import DecodingError
from web3.exceptions import Web3Exception

from gridroam.audit import workers
from gridroam.audit.entries import Block, Page, Transaction
from gridroam.audit.reader import TrustingReader, pages
from gridroam.chain import events
from gridroam.chain.bulk import ask
from gridroam.chain.ledger import Ledger
from gridroam.chain.logs import Logs
from gridroam.chain.node import connect
from gridroam.chain.rpc import Rpc
from gridroam.errors import ChainError
from gridroam.processes import cores

__all__ = ["Block", "NodeSource", "ProvenSource", "Source", "Transaction", "open_source"]


FEW = 200
"""Blocks, for which no other processes are started."""


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

    def pages(self, first: int, last: int) -> Iterator[Page]:
        """What is in these blocks, in the chain's order."""

    def events(self, first: int, last: int) -> list[events.Event]:
        """Of all contracts, in the chain's order, as the node says."""

    def transactions(self, hashes: Sequence[bytes]) -> list[Transaction]: ...


class NodeSource:
    """A node whose word is taken for which events there are."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self._w3 = ledger.w3
        self._logs = Logs(
            Rpc(str(getattr(ledger.w3.provider, "endpoint_uri", ""))), ledger.addresses
        )

    def newest(self) -> int:
        return self._w3.eth.block_number

    def blocks(self, numbers: Sequence[int]) -> list[Block]:
        found = ask(self._w3, "eth_getBlockByNumber", [[hex(n), False] for n in numbers])
        return [
            Block(
                int(head["number"], 16),
                _bytes(head["hash"]),
                int(head["timestamp"], 16),
                _bytes(head["parentHash"]),
            )
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

    def pages(self, first: int, last: int) -> Iterator[Page]:
        with ThreadPoolExecutor(1) as ahead:
            yield from pages(ahead, TrustingReader(self, self.ledger.domain), first, last, ahead=2)

    def events(self, first: int, last: int) -> list[events.Event]:
        """Of all contracts."""
        logs = (log for some in self._logs.between(first, last) for log in some)
        try:
            found = [event for log in logs if (event := events.decode(log)) is not None]
        except (DecodingError, ValueError) as error:
            raise ChainError(
                f"The node gives logs of blocks {first} to {last} that cannot be read: {error}."
            ) from error
        return sorted(found, key=lambda event: event.at)

    def transactions(self, hashes: Sequence[bytes]) -> list[Transaction]:
        found = ask(self._w3, "eth_getTransactionByHash", [["0x" + h.hex()] for h in hashes])
        return [
            Transaction((one["to"] or "").lower(), _bytes(one["input"]), one["from"].lower())
            for one in found
        ]


class ProvenSource(NodeSource):
    """A node that must have served every block whole; read by several processes."""

    def __init__(self, ledger: Ledger, rpc_url: str, processes: int | None = None) -> None:
        super().__init__(ledger)
        self._place = workers.Place(rpc_url, tuple(ledger.addresses), ledger.domain)
        self._blocks = self._place.blocks()
        self._processes = processes or cores()

    def blocks(self, numbers: Sequence[int]) -> list[Block]:
        headers = (self._blocks.header(number) for number in numbers)
        return [Block(one.number, one.hash, one.time, one.parent) for one in headers]

    def pages(self, first: int, last: int) -> Iterator[Page]:
        if last - first < FEW:
            with ThreadPoolExecutor(1) as ahead:
                yield from pages(ahead, self._place.open(), first, last, ahead=2)
            return
        with workers.pool(self._place, self._processes) as processes:
            try:
                yield from pages(processes, workers.read, first, last, ahead=2 * self._processes)
            except BrokenProcessPool as error:
                raise ChainError(
                    "A process of the audit has ended before its work.",
                    "There may be too little memory: try fewer --processes.",
                ) from error


def open_source(
    rpc_url: str, ledger: str, *, trust_node: bool = False, processes: int | None = None
) -> NodeSource:
    """Raises `NodeUnreachableError` or `NoContractError`."""
    found = Ledger.connect(connect(rpc_url, timeout=60.0), ledger)
    return NodeSource(found) if trust_node else ProvenSource(found, rpc_url, processes)


def _bytes(value: str) -> bytes:
    return bytes.fromhex(value[2:])


def first_since(source: Source, time: int) -> int:
    """The first block at a time, UTC seconds, or after it; or the number after the newest."""
    low, high = 0, source.newest() + 1
    while low < high:
        middle = (low + high) // 2
        (block,) = source.blocks([middle])
        low, high = (low, middle) if block.time >= time else (middle + 1, high)
    return low
