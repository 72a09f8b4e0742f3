"""The audit from first block to verdict."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain
from time import monotonic
from typing import NamedTuple

from gridroam.audit.compare import compare_roots, compare_state, compare_words
from gridroam.audit.difference import Findings
from gridroam.audit.entries import Block, Page, ReorganisedError
from gridroam.audit.replay import Replay
from gridroam.audit.report import Report, Vault, report_of
from gridroam.audit.source import Source
from gridroam.audit.state import Saved, StateFile
from gridroam.audit.totals import Totals
from gridroam.audit.workers import sparing_collections
from gridroam.errors import ChainError, FalseAnswerError, InvalidInputError

SAVE_EVERY = 30.0
"""Seconds."""
ATTEMPTS = 5
"""At a chain that changes while it is read."""


class Step(NamedTuple):
    """How far it is: blocks from `first` to `last`, read up to `read`."""

    first: int
    read: int
    last: int
    messages: int
    """So far, those of an earlier run included."""


Progress = Callable[[Step], None]


@dataclass(frozen=True, slots=True)
class Scope:
    """What to audit: all up to the block `last`, by default the newest, which must have the hash
    `last_hash` if that is known from elsewhere. Figures are told from the block `since` on."""

    last: int | None = None
    last_hash: bytes | None = None
    since: int | None = None


def run(
    source: Source,
    *,
    block: int | None = None,
    scope: Scope | None = None,
    state: StateFile | None = None,
    progress: Progress | None = None,
) -> Report:
    """Audits everything up to a block, by default the newest, and the state at it.

    Raises `ChainError` if the chain cannot be read, `FalseAnswerError` where the node contradicts
    itself, `InvalidInputError` for blocks that there are not. With a state file it goes on from
    there, and saves there.
    """
    audit = _Audit(source, scope or Scope(block), state, progress)
    with sparing_collections():
        for _ in range(ATTEMPTS - 1):
            try:
                return audit.run()
            except ReorganisedError:
                if state is None:
                    raise
        return audit.run()


@dataclass
class _Audit:
    source: Source
    scope: Scope
    state: StateFile | None
    progress: Progress | None
    _saved_at: float = field(default_factory=monotonic)

    def run(self) -> Report:
        source = self.source
        last = self._last()
        first = source.first_block(last.number)
        saved = self._resume(last)
        replay = saved.replay
        start = first if saved.block.number < 0 else saved.block.number + 1
        for page in self._chained(self._pages(start, last.number), saved.block, last):
            self._apply(page, saved, last.number)
            if self.progress:
                messages = replay.counts["messages"]
                self.progress(Step(first, page.last, last.number, messages))
        if start <= last.number:
            self._save(saved, last)
        findings = replay.findings
        vault = _compare_vault(replay, source, last, findings)
        replay.counts["state"] = compare_state(replay.market, source.ledger, last.number, findings)
        compare_words(replay.corrector.words, source.ledger, last.number, findings)
        if source.blocks([last.number]) != [last]:
            raise ReorganisedError(last.number)
        since = self.scope.since or first
        opening = saved.opening if self.scope.since is not None else None
        return report_of(
            replay, opening or Totals.nothing(), (first, since, last), self.source.ledger, vault
        )

    def _last(self) -> Block:
        newest, since = self.source.newest(), self.scope.since
        number = newest if self.scope.last is None else self.scope.last
        if number > newest or (since is not None and since > number):
            first = number if since is None else since
            raise InvalidInputError(
                f"There are no blocks from {first} to {number}: the newest is {newest}.",
                "Ask for earlier ones.",
            )
        (last,) = self.source.blocks([number])
        expected = self.scope.last_hash
        if expected is not None and last.hash != expected:
            what = f"its hash is 0x{last.hash.hex()}, expected was 0x{expected.hex()}"
            raise FalseAnswerError(f"block {last.number}", what)
        return last

    def _pages(self, start: int, last: int) -> Iterator[Page]:
        """With a new page at the block from which on figures are told."""
        since = self.scope.since
        if since is None or not start < since <= last:
            return self.source.pages(start, last) if start <= last else iter(())
        return chain(self.source.pages(start, since - 1), self.source.pages(since, last))

    def _chained(self, pages: Iterable[Page], resumed: Block, last: Block) -> Iterator[Page]:
        """Each page's blocks must follow on those before, and lead to the last one."""
        before = resumed.hash or None
        for page in pages:
            if None not in (before, page.parent) and page.parent != before:
                self._refuse_gap(page, before)
            yield page
            before = page.hash
        if before not in (None, last.hash):
            raise ReorganisedError(last.number)

    def _refuse_gap(self, page: Page, before: bytes | None) -> None:
        """The chain has changed, or the node stands by a block that is no parent of the next."""
        number = page.first - 1
        if self.source.blocks([number])[0].hash != before:
            raise ReorganisedError(number)
        what = f"its parent is 0x{(page.parent or b'').hex()}, block {number} is another one"
        raise FalseAnswerError(f"block {page.first}", what)

    def _apply(self, page: Page, saved: Saved, last: int) -> None:
        replay = saved.replay
        if page.first == self.scope.since:
            saved.opening, saved.since = Totals.of(replay), self.scope.since
        for entry in page.entries:
            replay.apply(entry)
        compare_roots(replay.take_roots(), self.source.ledger, last, replay.findings)
        if page.last < last and monotonic() > self._saved_at + SAVE_EVERY:
            self._save(saved, *self.source.blocks([page.last]))

    # -------------------------------------------------------------------------------------- state

    def _resume(self, last: Block) -> Saved:
        """From the newest state that is still on this chain, or from nothing."""
        ledger = self.source.ledger
        window = ledger.correction_window()
        fresh = Replay(ledger.domain, Findings(), ledger.corrections_address, window)
        for saved in self.state.load(fresh) if self.state else ():
            if self._fits(saved, last):
                return saved
        return Saved(Block(-1, b"", 0), fresh)

    def _fits(self, saved: Saved, last: Block) -> bool:
        block, since = saved.block, self.scope.since
        if block.number > last.number:
            return self._note(f"it stands at block {block.number}, after the last")
        if since is not None and block.number >= since and saved.since != since:
            return self._note(f"it stands at block {block.number}, figures are from {since} on")
        if self.source.blocks([block.number]) != [block]:
            return self._note(f"the chain has another block {block.number} now")
        return True

    def _note(self, why: str) -> bool:
        if self.state:
            self.state.notes.append(f"a state is not taken: {why}")
        return False

    def _save(self, saved: Saved, block: Block) -> None:
        if self.state:
            saved.block = block
            self.state.save(saved)
            self._saved_at = monotonic()


def _compare_vault(replay: Replay, source: Source, last: Block, findings: Findings) -> Vault:
    """It must hold what the accounts sum up to; more than that is somebody's gift."""
    if not replay.counts["transactions"]:
        raise ChainError(
            f"The node has no logs of the ledger up to block {last.number}.",
            "Ask a node that keeps the whole history, or for a later block.",
        )
    vault = Vault(source.ledger.holdings(last.number), replay.market.accounts.total)
    if vault.surplus < 0:
        findings.add("vault", "balance", f"at least {vault.accounts}", vault.balance)
    return vault
