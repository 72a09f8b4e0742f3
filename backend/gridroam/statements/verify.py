"""Whether a statement is complete, in order and unaltered, by the chain alone.

Its lines must fit together (`checks`). The journal's word on chain at both ends of the period must
be the statement's: so nothing is missing. Every message's path must lead to its batch's root on
chain: so each line is what was signed and decided. Logs say which line is wrong (`happened`).
"""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from gridroam.audit.source import Block
from gridroam.chain.events import StationRequested
from gridroam.errors import InvalidInputError
from gridroam.statements.anchors import Anchors
from gridroam.statements.checks import Checks
from gridroam.statements.compare import compare_proofs, compare_signers, compare_times
from gridroam.statements.faults import Fault, Faults
from gridroam.statements.happened import Told, compare, compare_claims, happened
from gridroam.statements.lines import Line


@dataclass(frozen=True, slots=True)
class Verdict:
    """`faults` are the first of `fault_count`, by line."""

    ledger: str
    chain_id: int
    participant: int
    since: int
    until: int
    lines: int
    entries: int
    proofs: int
    """Lines whose path was followed to a root on chain."""
    block: int
    """The last of the period: the journal was compared there."""
    is_over: bool
    """Whether the chain is beyond the period; else it is complete up to `block` only."""
    faults: tuple[Fault, ...]
    fault_count: int

    @property
    def ok(self) -> bool:
        return self.fault_count == 0

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        faults = [fault.as_dict() for fault in self.faults]
        return {"verdict": "ok" if self.ok else "wrong", **asdict(self), "faults": faults}


def verify(lines: Iterable[Line], anchors: Anchors) -> Verdict:
    """Raises `ChainError` if the node cannot answer, `InvalidInputError` if it is no statement of
    the node's ledger."""
    checks, told, count = Checks(anchors.tariffs), Told(), 0
    for line in lines:
        if not count:
            _require_home(line, anchors)
        checks.take(line)
        told.take(line)
        count += 1
    checks.end()
    first, last = checks.first, checks.last
    if first is None or last is None:
        raise InvalidInputError("The statement has no lines.")
    before, end = anchors.block_before(first.booked), anchors.block_before(last.booked)
    faults = checks.faults
    compare_proofs(checks, anchors, faults)
    compare_signers(checks, anchors, faults)
    compare_times(checks, anchors, faults)
    _compare_names(checks, anchors, faults)
    found = happened(anchors, first.participant, before.number + 1, end.number, told)
    compare(told, found, faults)
    blocks = before.number + 1, end.number
    compare_claims(anchors, first.participant, blocks, told, faults)
    _compare_end(first, before, "before the period", anchors, faults)
    _compare_end(last, end, "at its end", anchors, faults)
    return Verdict(
        ledger=first.ledger,
        chain_id=first.chain_id,
        participant=first.participant,
        since=first.booked,
        until=last.booked,
        lines=count,
        entries=last.entry - first.entry,
        proofs=len(checks.proofs),
        block=end.number,
        is_over=anchors.newest().time >= last.booked,
        faults=tuple(sorted(faults.kept, key=lambda fault: (fault.line == 0, fault.line))),
        fault_count=faults.count,
    )


def _require_home(line: Line, anchors: Anchors) -> None:
    domain = anchors.source.ledger.domain
    here = domain.chain_id, domain.ledger.lower()
    if (line.chain_id, line.ledger.lower()) != here:
        raise InvalidInputError(
            f"The statement is of ledger {line.ledger} on chain {line.chain_id}.",
            "Ask a node of that chain; without --ledger the statement's own is taken.",
        )


def _compare_names(checks: Checks, anchors: Anchors, faults: Faults) -> None:
    stations = sorted(checks.evse_ids)
    logs = anchors.logs(StationRequested, 0, anchors.source.newest(), station=stations)
    names = {log.station: log.evse_id for log in logs}
    for station, (line, name) in checks.evse_ids.items():
        if names.get(station) != name:
            faults.add(
                line,
                "evse_id is {found}, on chain {due}",
                found=name,
                due=names.get(station),
            )


def _compare_end(line: Line, block: Block, where: str, anchors: Anchors, faults: Faults) -> None:
    account, journal = anchors.account(line.participant, block.number)
    head = "0x" + journal.head.hex()
    if (line.entry, line.head) != (journal.count, head):
        faults.add(
            line.line,
            "the journal on chain {where} (block {block}) has {count} entries and head {head}, "
            "the statement {told} and {told_head}",
            where=where,
            block=block.number,
            count=journal.count,
            head=head,
            told=line.entry,
            told_head=line.head,
        )
    if line.balance != account.balance:
        faults.add(
            line.line,
            "the balance on chain {where} (block {block}) is {balance}, the statement says {told}",
            where=where,
            block=block.number,
            balance=account.balance,
            told=line.balance,
        )
