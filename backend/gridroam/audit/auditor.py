"""The audit from first block to verdict."""

from collections.abc import Callable, Iterable, Iterator

from gridroam.audit.compare import compare_roots, compare_state
from gridroam.audit.difference import Findings
from gridroam.audit.entries import Block, Page, ReorganisedError
from gridroam.audit.replay import Replay
from gridroam.audit.report import Report, Vault, report_of
from gridroam.audit.source import Source
from gridroam.errors import ChainError

Progress = Callable[[int, int, int], None]
"""Called with the first block, the last read, and the last that there is."""


def run(source: Source, *, block: int | None = None, progress: Progress | None = None) -> Report:
    """Audits everything up to a block, by default the newest, and the state at it.

    Raises `ChainError` if the chain cannot be read.
    """
    (last,) = source.blocks([source.newest() if block is None else block])
    first = source.first_block(last.number)
    findings = Findings()
    replay = Replay(source.ledger.domain, findings)
    for page in _chained(source.pages(first, last.number)):
        for entry in page.entries:
            replay.apply(entry)
        compare_roots(replay.take_roots(), source.ledger, last.number, findings)
        if progress:
            progress(first, page.last, last.number)
    vault = _compare_vault(replay, source, last, findings)
    replay.counts["state"] = compare_state(replay.market, source.ledger, last.number, findings)
    if source.blocks([last.number]) != [last]:
        raise ReorganisedError(last.number)
    return report_of(replay, findings, (first, last), source.ledger.registry_address, vault)


def _chained(pages: Iterable[Page], before: bytes | None = None) -> Iterator[Page]:
    """Each page's blocks must follow on the last one's."""
    for page in pages:
        if None not in (before, page.parent) and page.parent != before:
            raise ReorganisedError(page.first - 1)
        yield page
        before = page.hash


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
