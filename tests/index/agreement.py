"""What an index says, laid beside what the contracts keep, and beside another index."""

from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from gridroam.chain import abi, records
from gridroam.chain.bulk import Read, read
from gridroam.chain.ledger import Ledger
from gridroam.domain.participants import Role
from gridroam.domain.slots import slot_start
from gridroam.evidence.corrections import Corrections, Standing
from gridroam.index.queries import Index, Snapshot
from gridroam.index.records import Session
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
            if last is not None and last.version == 1:
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
    ] + [*_of_corrections(index, ledger, head.block), *_of_quarters(index)]


def _of_corrections(index: Index, ledger: Ledger, block: int) -> list[str]:
    """Where each session stands, its versions' contents, and who agreed to them."""
    corrections = Corrections(ledger)
    assert ledger.w3.eth.block_number == block
    said = []
    with index.snapshot() as now:
        for session in _sessions(now):
            key = session.station, session.session
            versions = now.versions(*key)
            content = versions[-1].draft.content if versions else bytes(32)
            ours = Standing(content, session.version, session.disputed, session.verified)
            theirs = corrections.standing(*key)
            if ours != theirs and not (ours == theirs._replace(content=content) and not versions):
                said.append(f"{key}: {ours} in the index, {theirs} on chain")
            drafts = [(v.draft, v.agreed) for v in versions]
            drafts += [(p.draft, p.agreed) for p in now.proposals(session=key).items]
            said += [
                f"{key}: who agreed to version {draft.number}"
                for draft, agreed in drafts
                for who in now.participants().items
                if _has_consented(corrections, draft.content, who.number) != (who.number in agreed)
            ]
    return said


def _has_consented(corrections: Corrections, content: bytes, participant: int) -> bool:
    found = abi.functions("Corrections")["hasConsented"]
    call: Any = {"to": corrections.address, "data": found.calldata(content, participant)}
    return bool(found.results(corrections.ledger.w3.eth.call(call))[0])


def _of_quarters(index: Index) -> list[str]:
    """What participants' quarter hours sum up to is what their sessions do, and what was posted."""
    with index.snapshot() as now:
        shares = [share for session in _sessions(now) for share in _shares(now, session)]
        said = []
        for who in now.participants().items:
            for role in Role:
                mine = [s for s in shares if getattr(s, _PARTY[role]) == who.number]
                total = now.totals(who.number, role, 0, 1 << 40)
                ours = [getattr(total, name) for name in _SUMS]
                theirs = [sum(getattr(s, name) for s in mine) for name in _SUMS]
                if ours != theirs:
                    said.append(f"{role.name} {who.number}: {ours} by slots, {theirs} by sessions")
        if _by_slot(now) != _told_by_slot(now):
            said.append("the quarter hours differ from those that the sessions' stories tell")
        return said


def _by_slot(now: Snapshot) -> dict[int, Counter[str]]:
    found: dict[int, Counter[str]] = defaultdict(Counter)
    for one in now.allocations(0, 1 << 40):
        found[one.sum.time].update({name: getattr(one.sum, name) for name in _OF_SLOTS})
    return {time: sums for time, sums in found.items() if any(sums.values())}


def _told_by_slot(now: Snapshot) -> dict[int, Counter[str]]:
    found: dict[int, Counter[str]] = defaultdict(Counter)
    for session in _sessions(now):
        story = now.story(session.station, session.session)
        assert story is not None
        for slot in story.slots:
            even = (slot.import_wh, slot.export_wh) if slot.even else (0, 0)
            told = zip(_OF_SLOTS, (slot.import_wh, slot.export_wh, *even), strict=True)
            found[slot_start(slot.time)].update(dict(told))
    return {time: sums for time, sums in found.items() if any(sums.values())}


_OF_SLOTS = ("import_wh", "export_wh", "even_import_wh", "even_export_wh")


_PARTY = {
    Role.SUPPLIER: "supplier",
    Role.GRID_OPERATOR: "grid_operator",
    Role.STATION_OPERATOR: "station_operator",
}
_SUMS = ("import_wh", "export_wh", "network_charge", "service_fee", "feed_in")


@dataclass(frozen=True)
class _Share:
    supplier: int
    grid_operator: int
    station_operator: int
    import_wh: int
    export_wh: int
    network_charge: int
    service_fee: int
    feed_in: int


def _shares(now: Snapshot, session: Session) -> list[_Share]:
    """By the present version, or by what was settled where nobody acted on it."""
    versions = now.versions(session.station, session.session)
    operators = session.grid_operator, session.station_operator
    if not versions:
        story = now.story(session.station, session.session)
        assert story is not None
        return [
            _Share(s.supplier, *operators, *(getattr(s, name) for name in _SUMS))
            for s in story.settlements
        ]
    return [
        _Share(
            s.supplier,
            *operators,
            s.import_wh,
            s.export_wh + s.return_wh,
            s.network_charge,
            s.service_fee,
            s.feed_in,
        )
        for s in versions[-1].draft.shares
    ]


def _sessions(now: Snapshot) -> list[Session]:
    found: list[Session] = []
    after: str | None = None
    while True:
        page = now.sessions(after=after, limit=1_000)
        found += page.items
        after = page.next
        if after is None:
            return found


def _plain(value: Any) -> Any:
    """Of a session, what both know."""
    if not hasattr(value, "import_register"):
        return value
    number = getattr(value, "session", None) or value.number
    refused = value.state.name == "REFUSED"
    told = (value.supplier, value.grid_tariff, value.supplier_reserve) if not refused else ()
    registers = value.time, value.import_register, value.export_register
    return (number, value.state, registers, told)
