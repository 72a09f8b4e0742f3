"""From the chain to pages of entries in its order, some pages ahead of who works on them, so that
memory stays bounded however long the chain is. Nothing is judged here.
"""

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, Future
from itertools import groupby
from typing import Protocol

from gridroam.audit.entries import (
    Block,
    Entry,
    Page,
    RawLogs,
    ReorganisedError,
    Transaction,
    are_of_batch,
    are_of_corrections,
    batch_of,
    event_names,
)
from gridroam.chain import envelopes, events
from gridroam.chain.blocks import Blocks
from gridroam.chain.blocks import Transaction as Proven
from gridroam.chain.events import LogPosition
from gridroam.chain.header import Header, data
from gridroam.errors import ChainError
from gridroam.messages import Domain

FIRST_PAGE = 20
"""Blocks."""
LONGEST_PAGE = 2_000
PAGE_SIZE = 2_000
"""What a page should hold: pages grow and shrink towards it."""
MOST = 2 * PAGE_SIZE
"""What a page ends with, wherever it should have ended: after a quiet time pages are long."""


class Reader(Protocol):
    """Reads one page."""

    def __call__(self, first: int, last: int) -> Page: ...


class PackedReader(Protocol):
    """The same in another process."""

    def __call__(self, first: int, last: int) -> bytes: ...


def pages(
    executor: Executor, read: Reader | PackedReader, first: int, last: int, ahead: int
) -> Iterator[Page]:
    """The whole chain between two blocks, both included; `ahead` pages are under way at once. What
    a page was too full for comes right after it."""
    size, start = FIRST_PAGE, first
    coming: deque[tuple[Future[Page | bytes], int]] = deque()
    try:
        while start <= last or coming:
            while start <= last and len(coming) < ahead:
                end = min(start + size - 1, last)
                coming.append((executor.submit(read, start, end), end))
                start = end + 1
            future, end = coming.popleft()
            found = future.result()
            page = Page.unpacked(found) if isinstance(found, bytes) else found
            if page.last < end:
                coming.appendleft((executor.submit(read, page.last + 1, end), end))
            size = _next_size(size, page)
            yield page
    finally:
        for future, _ in coming:
            future.cancel()


def _next_size(size: int, page: Page) -> int:
    wanted = PAGE_SIZE * (page.last - page.first + 1) // max(1, page.size)
    return min(max(wanted, size // 2, 1), size * 2, LONGEST_PAGE)


class ProvenReader:
    """Reads blocks that the node must have served whole."""

    def __init__(self, blocks: Blocks, domain: Domain) -> None:
        self._blocks = blocks
        self._domain = domain
        self._names = event_names()

    def __call__(self, first: int, last: int) -> Page:
        try:
            return self._read(first, last)
        except ChainError:
            # the chain may have changed in between, or a node behind a balancer lags
            return self._read(first, last)

    def _read(self, first: int, last: int) -> Page:
        stretch = self._blocks.read(first, last, MOST)
        entries = [
            entry
            for block in stretch.blocks
            for tx in block.transactions
            if (entry := self._entry(block.header, tx)) is not None
        ]
        return Page(entries, first, stretch.last.number, stretch.first.parent, stretch.last.hash)

    def _entry(self, header: Header, tx: Proven) -> Entry | None:
        topics = {log["topics"][0] for log in tx.logs.found if log["topics"]}
        known = (self._names.get(data(topic)) for topic in topics)
        names = {name for name in known if name is not None}
        if not names:
            return None
        logs = RawLogs(tx.logs.places, tx.logs.encoded)
        block = Block(header.number, header.hash, header.time)
        at = LogPosition(header.number, tx.place, logs.places[0], tx.hash, header.hash)
        sent = Transaction(tx.to, tx.calldata)
        batch = batch_of(sent, self._domain) if are_of_batch(names) else None
        if not are_of_corrections(names):
            return Entry(block, at, batch, logs=logs)
        signed = sent._replace(sender=envelopes.sender(tx.encoded))
        return Entry(block, at, batch, signed, logs=logs)


class Trusted(Protocol):
    """What a node says, taken as it is."""

    def blocks(self, numbers: Sequence[int]) -> list[Block]: ...
    def events(self, first: int, last: int) -> list[events.Event]: ...
    def transactions(self, hashes: Sequence[bytes]) -> list[Transaction]: ...


class TrustingReader:
    """Takes the node's word for it that these are all events."""

    def __init__(self, source: Trusted, domain: Domain) -> None:
        self._source = source
        self._domain = domain

    def __call__(self, first: int, last: int) -> Page:
        found = self._source.events(first, last)
        groups = [tuple(group) for _, group in groupby(found, key=lambda e: e.at.tx_hash)]
        names = [{type(event).__name__ for event in group} for group in groups]
        wanted = [
            group[0].at.tx_hash
            for group, of in zip(groups, names, strict=True)
            if are_of_batch(of) or are_of_corrections(of)
        ]
        numbers = sorted({group[0].at.block for group in groups})
        blocks = dict(zip(numbers, self._source.blocks(numbers), strict=True))
        sent = dict(zip(wanted, self._source.transactions(wanted), strict=True))
        return Page([self._entry(group, blocks, sent) for group in groups], first, last)

    def _entry(
        self,
        group: tuple[events.Event, ...],
        blocks: dict[int, Block],
        sent: dict[bytes, Transaction],
    ) -> Entry:
        at = group[0].at
        block = blocks[at.block]
        if block.hash != at.block_hash:
            raise ReorganisedError(at.block)
        found, names = sent.get(at.tx_hash), {type(event).__name__ for event in group}
        batch = batch_of(found, self._domain) if found and are_of_batch(names) else None
        return Entry(block, at, batch, found, decoded=group)
