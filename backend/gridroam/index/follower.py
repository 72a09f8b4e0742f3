"""Keeps the index at the head of the chain: reads on, goes back where the chain did.

Old blocks are read in long pages. The newest `depth` ones are written one by one, each with the
images of what it changed, so that any of them can be taken back.
"""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from sqlalchemy import Connection

from gridroam.audit.entries import ReorganisedError
from gridroam.audit.source import Block, Source, open_source
from gridroam.chain.blocks import Blocks
from gridroam.chain.ledger import Ledger
from gridroam.chain.rpc import Rpc
from gridroam.errors import ChainError, InvalidInputError, StoreError
from gridroam.evidence.corrections import Corrections
from gridroam.index import projection
from gridroam.index.check import contradictions
from gridroam.index.desk import Desk
from gridroam.index.live import News
from gridroam.index.queries import Index
from gridroam.index.reading import Entry, ProvenReading, Reading, TrustingReading
from gridroam.store import index_writer as writer
from gridroam.store.index_writer import Cursor

DEPTH = 128
"""Blocks that may still vanish. A longer reorganisation makes the index anew."""
_FIRST_PAGE = 500
_PAGE_EVENTS = 10_000
_POLL = 0.5
_CHECK_SECONDS = 600.0
_SAID = 20

Progress = Callable[[int, int, int], None]
"""Called with the first block, the last one written, and the newest."""

log = logging.getLogger(__name__)


def open_follower(
    index: Index, rpc_url: str, ledger: str, *, trust_node: bool = False, depth: int = DEPTH
) -> "Follower":
    """Raises `NodeUnreachableError` or `NoContractError`."""
    source = open_source(rpc_url, ledger, trust_node=True)
    blocks = Blocks(Rpc(rpc_url), source.ledger.addresses)
    reading = TrustingReading(source) if trust_node else ProvenReading(blocks)
    return Follower(index, source, depth, reading)


@dataclass(slots=True)
class Follower:
    """Writes one index. Not safe to use in several threads at once."""

    index: Index
    source: Source
    depth: int = DEPTH
    reading: Reading | None = None
    """How the chain is read; by default the node is trusted to serve all logs."""
    progress: Progress | None = None
    _desk: Desk = field(init=False)
    _size: int = _FIRST_PAGE

    def __post_init__(self) -> None:
        self._desk = Desk(self.source.ledger.domain)

    def run(self, stopped: threading.Event, poll: float = _POLL) -> None:
        """Until it is stopped; a node that fails is asked again. Now and then the accounts are
        compared with those on chain."""
        pause, checked = poll, time.monotonic() - _CHECK_SECONDS
        while not stopped.is_set():
            try:
                self.catch_up()
                pause = poll
                if time.monotonic() - checked > _CHECK_SECONDS:
                    checked = time.monotonic()
                    self._check_accounts()
            except (ChainError, StoreError) as error:
                log.warning("the index cannot follow: %s", error)
                pause = min(30.0, pause * 2)
            stopped.wait(pause)

    def _check_accounts(self) -> None:
        found = contradictions(self.index, self.source)
        for what in found[:_SAID]:
            log.error("the index contradicts the chain: %s", what)

    def catch_up(self) -> None:
        """Up to the newest block that the node has. Raises `ChainError` or `StoreError`."""
        try:
            self._catch_up()
        except writer.OvertakenError:
            self._desk.rows.forget()
            log.info("another process writes the index")
        except BaseException:
            self._desk.rows.forget()
            raise

    def _catch_up(self) -> None:
        (head,) = self.source.blocks([self.source.newest()])
        at = self._return_to_chain(self._place(head))
        first = at.block + 1
        while at.block < head.number:
            at = self._step(at, head)
            if self.progress:
                self.progress(first, at.block, head.number)
        self._tell(at, head, rolled_back=False)

    # ------------------------------------------------------------------------------------- forwards

    def _step(self, at: Cursor, head: Block) -> Cursor:
        settled = head.number - self.depth
        last = min(head.number, at.block + self._size)
        if at.block < settled:
            last = min(last, settled)
        read = self.reading or TrustingReading(self.source)
        entries = read(at.block + 1, last)
        end = self._end(at, entries, last, whole=last > settled)
        self._resize(sum(len(entry.events) for entry in entries))
        if last <= settled:
            return self._write(at, entries, end, head, undoable=False)
        for _, group in groupby(entries, key=lambda entry: entry.block):
            some = list(group)
            block = Block(some[0].block, some[0].block_hash, some[0].time)
            at = self._write(at, some, block, head, undoable=True)
            self._tell(at, head, rolled_back=False)
        return self._write(at, [], end, head, undoable=True) if at.block < last else at

    def _end(self, at: Cursor, entries: Sequence[Entry], last: int, *, whole: bool) -> Block:
        """The last block. Raises `ReorganisedError` unless it goes back to where we are through the
        blocks of all that was read (`whole`, where blocks may vanish): a chain that changes between
        two questions is not mixed with the one before."""
        if not whole:
            start, end = self.source.blocks([at.block, last])
            if start.hash != at.block_hash:
                raise ReorganisedError(at.block)
            return end
        line = self.source.blocks(range(at.block + 1, last + 1))
        for parent, block in zip([at.block_hash, *(one.hash for one in line)], line, strict=False):
            if block.parent != parent:
                raise ReorganisedError(block.number - 1)
        hashes = {block.number: block.hash for block in line}
        for entry in entries:
            if hashes.get(entry.block) != entry.block_hash:
                raise ReorganisedError(entry.block)
        return line[-1]

    def _write(
        self, at: Cursor, entries: Sequence[Entry], end: Block, head: Block, *, undoable: bool
    ) -> Cursor:
        """One transaction: rows and cursor."""
        desk = self._desk
        with self.index.store.write() as connection:
            desk.rows.begin(connection)
            desk.messages = at.messages
            projection.apply(desk, entries)
            after = Cursor(end.number, end.hash, end.time, desk.messages)
            writer.move_cursor(connection, at, after, _head(head))
            desk.rows.flush(end.number if undoable else None)
            writer.keep_block(connection, after)
            writer.forget_undo(connection, head.number - self.depth)
        return after

    def _resize(self, found: int) -> None:
        if found > 2 * _PAGE_EVENTS:
            self._size = max(1, self._size // 2)
        elif found < _PAGE_EVENTS // 2:
            self._size = min(self._size * 2, 100_000)

    # ------------------------------------------------------------------------------------ backwards

    def _place(self, head: Block) -> Cursor:
        ledger = self.source.ledger
        home = ledger.domain.chain_id, str(ledger.address)
        with self.index.store.read() as connection:
            found, at = writer.home(connection), writer.read_cursor(connection)
        if found is not None and at is not None:
            if found != home:
                raise InvalidInputError(
                    f"The index is of ledger {found[1]} on chain {found[0]}.",
                    "Give another database, or make this one anew.",
                )
            return at
        first = max(0, self.source.first_block(head.number) - 1)
        (block,) = self.source.blocks([first])
        start = Cursor(block.number, block.hash, block.time, 0)
        with self.index.store.write() as connection:
            if writer.read_cursor(connection) is None:
                window = correction_window(ledger)
                writer.make_cursor(connection, home, window, start, _head(head))
        return start

    def _return_to_chain(self, at: Cursor) -> Cursor:
        """Goes back as far as the chain did."""
        if self._is_on_chain(at.block, at.block_hash):
            return at
        with self.index.store.read() as connection:
            kept = writer.kept_blocks(connection)
        for number, hash_, _ in kept:
            if number < at.block and self._is_on_chain(number, hash_):
                return self._roll_back(at, number)
        if self.source.ledger.w3.eth.syncing:
            raise ChainError(
                f"The node is still fetching the chain; the index is at block {at.block} already.",
                "Wait until it has caught up, or ask another one.",
            )
        log.warning("the chain changed by more than %d blocks: the index is made anew", self.depth)
        self.rebuild()
        return self._place(self.source.blocks([self.source.newest()])[0])

    def _is_on_chain(self, number: int, hash_: bytes) -> bool:
        if number > self.source.newest():
            return False
        return self.source.blocks([number])[0].hash == hash_

    def _roll_back(self, at: Cursor, to: int) -> Cursor:
        self._desk.rows.forget()
        with self.index.store.write() as connection:
            (head,) = self.source.blocks([self.source.newest()])
            self._check(connection, at)
            back = writer.roll_back(connection, to)
            writer.move_cursor(connection, at, back, _head(head))
        log.info("the chain took back blocks %d to %d", to + 1, at.block)
        self._tell(back, head, rolled_back=True)
        return back

    def _check(self, connection: Connection, at: Cursor) -> None:
        if writer.read_cursor(connection) != at:
            raise writer.OvertakenError("Another process writes this index.")

    def rebuild(self) -> None:
        """Drops everything that the chain can give again."""
        self._desk.rows.forget()
        self.index.store.drop()

    def _tell(self, at: Cursor, head: Block, *, rolled_back: bool) -> None:
        latest = self.index.live.latest
        if rolled_back or latest is None or latest.block_hash != at.block_hash:
            news = News(at.block, at.block_hash, at.block_time, head.number, rolled_back)
            self.index.live.tell(news)


def correction_window(ledger: Ledger) -> int:
    """Seconds after its end for which a session can be corrected. Raises `ChainError`."""
    return Corrections(ledger).window()


def _head(head: Block) -> dict[str, Any]:
    return {"head": head.number, "head_time": head.time}
