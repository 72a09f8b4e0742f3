"""What an index says, laid beside what the contracts keep, and beside another index."""

from typing import Any

from sqlalchemy import select

from gridroam.chain import records
from gridroam.chain.bulk import Read, read
from gridroam.chain.ledger import Ledger
from gridroam.index.queries import Index
from gridroam.store import index_schema as schema

_OF_THE_WAY = {"chain_undo", "chain_blocks", "chain_cursor"}
"""How an index came to where it is may differ."""


def contents(index: Index) -> dict[str, list[tuple[Any, ...]]]:
    """All rows of all tables, in order."""
    with index.store.read() as connection:
        return {
            table.name: [
                tuple(row) for row in connection.execute(select(table).order_by(*table.primary_key))
            ]
            for table in schema.metadata.sorted_tables
            if table.name not in _OF_THE_WAY
        }


def differences(index: Index, ledger: Ledger) -> list[str]:
    """Everything of accounts, journals, pairs, vehicles, stations and batches that is not so on
    chain, at the index's own block."""
    with index.snapshot() as now:
        head = now.head()
        assert head is not None
        expected: list[tuple[str, Read, Any]] = []
        for p in now.participants().items:
            account = records.Account(p.balance, p.reserved, p.owed)
            journal = records.Journal(p.journal_head, p.journal_count)
            expected += [
                (f"account {p.number}", Read("accounts", (p.number,), records.Account), account),
                (f"journal {p.number}", Read("journals", (p.number,), records.Journal), journal),
            ]
        for pair in now.pairs():
            view = Read("pairs", (pair.payer, pair.payee), records.Pair)
            kept = records.Pair(pair.amount, pair.claim, pair.import_wh, pair.export_wh)
            expected.append((f"pair {pair.payer} {pair.payee}", view, kept))
        for station in now.stations().items:
            last = now.session(station.number, station.session)
            if last is not None:
                view = Read("sessions", (station.number,), records.Session)
                expected.append((f"session of {station.number}", view, last))
        for batch in now.batches(limit=1_000).items:
            expected.append(
                (f"batch {batch.number}", Read("batchRoot", (batch.number,)), batch.root)
            )
    found = read(ledger, [view for _, view, _ in expected], head.block)
    return [
        f"{name}: {ours} in the index, {theirs} on chain"
        for (name, _, ours), theirs in zip(expected, found, strict=True)
        if _plain(ours) != _plain(theirs)
    ]


def _plain(value: Any) -> Any:
    """Of a session, what both know."""
    if not hasattr(value, "import_register"):
        return value
    number = getattr(value, "session", None) or value.number
    refused = value.state.name == "REFUSED"
    told = (value.supplier, value.grid_tariff, value.supplier_reserve) if not refused else ()
    registers = value.time, value.import_register, value.export_register
    return (number, value.state, registers, told)
