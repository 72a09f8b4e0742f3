"""Whether the index's accounts and journals are those on chain, at the index's own block.

A journal's word covers everything that ever happened to an account, so that one read for each
participant says whether anything is missing: a log that a trusted node left out, a changed
database, or money that a newer contract moved in a way that this version does not know.
"""

from gridroam.audit.source import Source
from gridroam.chain import records
from gridroam.chain.bulk import Read, read
from gridroam.errors import ChainError
from gridroam.index.queries import Index


def contradictions(index: Index, source: Source) -> list[str]:
    """What the index says otherwise. Raises `ChainError` if the node has forgotten the state."""
    with index.snapshot() as now:
        head = now.head()
        if head is None:
            return []
        ours: list[tuple[int, records.Account, records.Journal]] = []
        after: str | None = None
        while True:
            page = now.participants(after=after)
            for p in page.items:
                account = records.Account(p.balance, p.reserved, p.owed)
                ours.append((p.number, account, records.Journal(p.journal_head, p.journal_count)))
            after = page.next
            if after is None:
                break
    views = [
        view
        for number, _, _ in ours
        for view in (
            Read("accounts", (number,), records.Account),
            Read("journals", (number,), records.Journal),
        )
    ]
    found = read(source.ledger, views, head.block)
    if source.blocks([head.block])[0].hash != head.block_hash:
        raise ChainError(f"Block {head.block} is not on the chain any more.", "Ask again.")
    said: list[str] = []
    for place, (number, account, journal) in enumerate(ours):
        for name, mine, theirs in (
            ("account", account, found[2 * place]),
            ("journal", journal, found[2 * place + 1]),
        ):
            if mine != theirs:
                said.append(f"{name} of participant {number}: {mine} here, {theirs} on chain")
    return said
