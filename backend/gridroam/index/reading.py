"""Reading a stretch of the chain: each transaction's events, its block's time, a batch's input."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from gridroam.audit.source import Block, Source, Transaction
from gridroam.chain.events import Event
from gridroam.errors import ChainError
from gridroam.index.project_batches import is_batch


@dataclass(frozen=True, slots=True)
class Entry:
    """One transaction's events. `calldata`: its input, if it submitted a batch."""

    block: int
    block_hash: bytes
    time: int
    events: tuple[Event, ...]
    calldata: bytes | None = None


def read(source: Source, first: int, last: int) -> list[Entry]:
    """What happened in both blocks and between. Raises `ChainError`."""
    found = source.events(first, last)
    groups = [tuple(group) for _, group in groupby(found, key=lambda event: event.at.tx_hash)]
    numbers = sorted({group[0].at.block for group in groups})
    blocks = dict(zip(numbers, source.blocks(numbers), strict=True))
    batches = [group[0].at.tx_hash for group in groups if is_batch(group)]
    sent = dict(zip(batches, source.transactions(batches), strict=True))
    return [_entry(group, blocks, sent) for group in groups]


def _entry(
    group: Sequence[Event], blocks: dict[int, Block], sent: dict[bytes, Transaction]
) -> Entry:
    at = group[0].at
    block = blocks[at.block]
    if block.hash != at.block_hash:
        raise ChangedError(f"The chain changed its block {at.block} while it was read.")
    transaction = sent.get(at.tx_hash)
    calldata = transaction.calldata if transaction else None
    return Entry(block.number, block.hash, block.time, tuple(group), calldata)


class ChangedError(ChainError):
    """A reorganisation: read again."""
