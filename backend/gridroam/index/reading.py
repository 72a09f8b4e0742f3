"""Reading a stretch of the chain: each transaction's events, its block's time, a batch's input.

`ProvenReading` takes blocks only whole, hashed into their headers, so that a node cannot leave out
or change a log; `TrustingReading` takes logs as the node gives them, which is quicker where most
blocks have none.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from gridroam.audit.entries import ReorganisedError, is_batch
from gridroam.audit.source import Block, Source, Transaction
from gridroam.chain.blocks import Blocks
from gridroam.chain.blocks import Transaction as Proven
from gridroam.chain.events import Event, ProofRefused, decode
from gridroam.chain.header import Header


@dataclass(frozen=True, slots=True)
class Entry:
    """One transaction's events. `calldata`: its input, where events do not say all."""

    block: int
    block_hash: bytes
    time: int
    events: tuple[Event, ...]
    calldata: bytes = b""


def _needs_input(group: tuple[Event, ...]) -> bool:
    """For a batch's messages, or to know what a refused proof was about."""
    return is_batch(group) or any(isinstance(event, ProofRefused) for event in group)


Reading = Callable[[int, int], list[Entry]]
"""What happened in both blocks and between. Raises `ChainError`."""


@dataclass(frozen=True, slots=True)
class TrustingReading:
    source: Source

    def __call__(self, first: int, last: int) -> list[Entry]:
        found = self.source.events(first, last)
        groups = [tuple(group) for _, group in groupby(found, key=lambda event: event.at.tx_hash)]
        numbers = sorted({group[0].at.block for group in groups})
        blocks = dict(zip(numbers, self.source.blocks(numbers), strict=True))
        wanted = [group[0].at.tx_hash for group in groups if _needs_input(group)]
        sent = dict(zip(wanted, self.source.transactions(wanted), strict=True))
        return [_entry(group, blocks, sent) for group in groups]


def _entry(
    group: Sequence[Event], blocks: dict[int, Block], sent: dict[bytes, Transaction]
) -> Entry:
    at = group[0].at
    block = blocks[at.block]
    if block.hash != at.block_hash:
        raise ReorganisedError(at.block)
    transaction = sent.get(at.tx_hash)
    calldata = transaction.calldata if transaction else b""
    return Entry(block.number, block.hash, block.time, tuple(group), calldata)


@dataclass(frozen=True, slots=True)
class ProvenReading:
    blocks: Blocks

    def __call__(self, first: int, last: int) -> list[Entry]:
        stretch = self.blocks.read(first, last)
        return [
            entry
            for block in stretch.blocks
            for transaction in block.transactions
            for entry in _proven(block.header, transaction)
        ]


def _proven(header: Header, transaction: Proven) -> Iterator[Entry]:
    place = {
        "blockNumber": header.number,
        "blockHash": header.hash,
        "transactionHash": transaction.hash,
        "transactionIndex": transaction.place,
    }
    logs = (
        place | {"topics": log["topics"], "data": log["data"], "logIndex": index}
        for index, log in zip(transaction.logs.places, transaction.logs.found, strict=True)
    )
    group = tuple(event for log in logs if (event := decode(log)) is not None)
    if group:
        calldata = transaction.calldata if _needs_input(group) else b""
        yield Entry(header.number, header.hash, header.time, group, calldata)
