"""From the chain to entries in its order: each transaction's events, its block's time, its input.

Reads a page of blocks at a time, and the next while one is worked on, so that memory stays bounded
however long the chain is. Nothing is judged here.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import groupby

from gridroam.audit.source import Block, Source, Transaction
from gridroam.chain.events import (
    BatchRecorded,
    Event,
    LogPosition,
    MessageRejected,
    ReportSettled,
    SessionCleared,
)
from gridroam.errors import ChainError

OUTCOMES = (SessionCleared, ReportSettled, MessageRejected)
"""Each message of a batch ends in one of these."""
FIRST_PAGE = 1_000
"""Blocks."""
PAGE_EVENTS = 10_000
"""What a page should hold: pages grow and shrink towards it."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One transaction's events. `transaction` is known if it submitted a batch."""

    block: Block
    events: tuple[Event, ...]
    transaction: Transaction | None = None

    @property
    def at(self) -> LogPosition:
        return self.events[0].at


@dataclass(frozen=True, slots=True)
class Page:
    """All entries up to the block `last`, and after the page before."""

    entries: list[Entry]
    last: int


def pages(source: Source, first: int, last: int) -> Iterator[Page]:
    """The whole chain between two blocks, both included."""
    reader = _Reader(source)
    with ThreadPoolExecutor(1) as ahead:
        size = FIRST_PAGE
        coming = ahead.submit(reader.read, first, min(first + size - 1, last))
        while True:
            page = coming.result()
            if page.last == last:
                yield page
                return
            size = _next_size(size, sum(len(entry.events) for entry in page.entries))
            start = page.last + 1
            coming = ahead.submit(reader.read, start, min(start + size - 1, last))
            yield page


def _next_size(size: int, found: int) -> int:
    if found > 2 * PAGE_EVENTS:
        return max(1, size // 2)
    return size if found > PAGE_EVENTS // 2 else size * 2


class _Reader:
    def __init__(self, source: Source) -> None:
        self._source = source

    def read(self, first: int, last: int) -> Page:
        found = self._source.events(first, last)
        groups = [tuple(group) for _, group in groupby(found, key=lambda e: e.at.tx_hash)]
        batches = [group[0].at.tx_hash for group in groups if _is_batch(group)]
        numbers = sorted({group[0].at.block for group in groups})
        blocks = dict(zip(numbers, self._source.blocks(numbers), strict=True))
        sent = dict(zip(batches, self._source.transactions(batches), strict=True))
        return Page([self._entry(group, blocks, sent) for group in groups], last)

    @staticmethod
    def _entry(
        group: tuple[Event, ...], blocks: dict[int, Block], sent: dict[bytes, Transaction]
    ) -> Entry:
        at = group[0].at
        block = blocks[at.block]
        if block.hash != at.block_hash:
            raise reorganised(at.block)
        return Entry(block, group, sent.get(at.tx_hash))


def reorganised(block: int) -> ChainError:
    return ChainError(
        f"The chain changed its block {block} while it was read.",
        "Run the audit again, or up to an older block that is final.",
    )


def _is_batch(group: tuple[Event, ...]) -> bool:
    return any(isinstance(event, (*OUTCOMES, BatchRecorded)) for event in group)
