"""What the node's logs say of one account in a period, laid beside a statement's lines.

It finds the line that is missing, too much, or out of order, and what is told wrongly. The journal
on chain decides whether anything is wrong at all; logs only say where.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from gridroam.chain import events
from gridroam.domain.version import Version
from gridroam.statements.anchors import Anchors
from gridroam.statements.faults import Faults
from gridroam.statements.lines import Line, LineKind

Key = tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Happened:
    """One event of the account. `key` names it in lines and logs alike."""

    key: Key
    event: events.Event
    name: str


@dataclass(frozen=True, slots=True)
class Named:
    """A line, as far as logs know of it."""

    key: Key
    number: int
    told: dict[str, object]
    proven: bool
    """Its leaf leads to a batch's root: if that stands on chain, the log is wrong, not the line."""


@dataclass(slots=True)
class Told:
    """The lines, without what they are proven by."""

    lines: list[Named] = field(default_factory=list)
    unpaid: Counter[str] = field(default_factory=Counter)
    """By transaction."""
    at: dict[str, int] = field(default_factory=dict)
    """A transaction's last line."""

    def take(self, line: Line) -> None:
        key = _key(line)
        if key is not None:
            told = {name: getattr(line, name) for name in _TOLD.get(line.kind, ())}
            named = line.kind in (LineKind.SETTLED, LineKind.CLEARED)
            self.lines.append(Named(key, line.line, told, named))
        if line.tx and line.kind is not LineKind.CARRIED:
            self.unpaid[line.tx] += line.unpaid
            self.at[line.tx] = line.line


_TOLD = {
    LineKind.SETTLED: (
        *("supplier", "import_wh", "export_wh", "network_charge", "service_fee"),
        *("feed_in", "last", "block"),
    ),
    LineKind.CLEARED: ("supplier", "grid_tariff", "operator_tariff", "block"),
    LineKind.DEPOSIT: ("block",),
    LineKind.WITHDRAWAL: ("block",),
    LineKind.COLLECTION: ("block",),
    LineKind.CORRECTION: ("block",),
}


def _key(line: Line) -> Key | None:
    session = line.tx, line.station, line.session
    match line.kind:
        case LineKind.CLEARED:
            return "cleared", *session
        case LineKind.SETTLED:
            return "settled", *session, line.report, line.until
        case LineKind.DEPOSIT | LineKind.WITHDRAWAL:
            return line.kind.value, line.tx, abs(line.amount)
        case LineKind.COLLECTION:
            return "collection", line.tx, line.amount, line.other
        case LineKind.CORRECTION:
            return "correction", *session, line.version
    return None


def happened(
    anchors: Anchors, participant: int, first: int, last: int, told: Told
) -> list[Happened]:
    """Of the account, in the blocks from `first` to `last`, in the chain's order."""
    found: dict[tuple[int, int], Happened] = {}
    for event in _events(anchors, participant, first, last):
        found[event.at.block, event.at.log_index] = _happened(event, participant)
    # a supplier that has no part any more is not named: then its own lines say which are its
    lines = {line.key for line in told.lines}
    for event in anchors.logs(events.SessionCorrected, first, last) if first <= last else ():
        one = _happened(event, participant)
        if one.key in lines or participant in _parties(event.corrected):
            found[event.at.block, event.at.log_index] = one
    return [found[place] for place in sorted(found)]


def _parties(version: Version) -> set[int]:
    suppliers = {share.supplier for share in version.shares}
    return {version.grid_operator, version.station_operator} | suppliers


def _events(anchors: Anchors, participant: int, first: int, last: int) -> Iterable[events.Event]:
    if first > last:
        return
    stations = _stations(anchors, participant, last)
    for kind in (events.SessionCleared, events.ReportSettled):
        yield from anchors.logs(kind, first, last, supplier=participant)
        if stations:
            yield from anchors.logs(kind, first, last, station=stations)
    yield from anchors.logs(events.Deposited, first, last, participant=participant)
    yield from anchors.logs(events.Withdrawn, first, last, participant=participant)
    yield from anchors.logs(events.Collected, first, last, payer=participant)
    yield from anchors.logs(events.Collected, first, last, payee=participant)


def _stations(anchors: Anchors, participant: int, last: int) -> list[int]:
    """That it operates, or that are behind its meters."""
    operated = anchors.logs(events.StationRequested, 0, last, operator=participant)
    behind = anchors.logs(events.StationApproved, 0, last, grid_operator=participant)
    return sorted({e.station for e in operated} | {e.station for e in behind})


def _happened(event: events.Event, participant: int) -> Happened:
    tx = "0x" + event.at.tx_hash.hex()
    match event:
        case events.SessionCleared():
            key: Key = "cleared", tx, event.station, event.session
            name = f"the opening of session {event.session} at station {event.station}"
        case events.ReportSettled():
            key = "settled", tx, event.station, event.session, event.report, event.time
            name = f"report {event.report} of session {event.session} at station {event.station}"
        case events.Deposited():
            key, name = ("deposit", tx, event.amount), f"a deposit of {event.amount}"
        case events.Withdrawn():
            key, name = ("withdrawal", tx, event.amount), f"a withdrawal of {event.amount}"
        case events.Collected():
            paid = event.payer == participant
            amount, other = (-event.amount, event.payee) if paid else (event.amount, event.payer)
            key, name = ("collection", tx, amount, other), f"a collection of {event.amount}"
        case events.SessionCorrected():
            key = "correction", tx, event.station, event.session, event.version
            what = f"session {event.session} at station {event.station}"
            name = f"version {event.version} of {what}"
        case _:
            raise TypeError(type(event).__name__)
    return Happened(key, event, f"{name} (block {event.at.block}, transaction {tx})")


_NOTHING = "the chain's logs have nothing of this"
_UNHEARD_OF = f"{_NOTHING}: the line is invented or changed, or the node leaves a log out"


def compare(told: Told, found: Sequence[Happened], faults: Faults) -> None:
    """Names what is missing, too much, told wrongly, or out of order."""
    by_key: dict[Key, list[Happened]] = defaultdict(list)
    for one in found:
        by_key[one.key].append(one)
    matched: dict[int, int] = {}
    place = {id(one): number for number, one in enumerate(found)}
    for line in told.lines:
        if not by_key[line.key]:
            faults.add(line.number, _UNHEARD_OF if line.proven else _NOTHING)
            continue
        one = by_key[line.key].pop(0)
        matched[line.number] = place[id(one)]
        _compare_fields(line, one, faults)
    _missing(by_key, matched, place, faults)
    _order(matched, faults)


def _compare_fields(line: Named, one: Happened, faults: Faults) -> None:
    for name, ours in line.told.items():
        theirs = one.event.at.block if name == "block" else getattr(one.event, name)
        if ours != theirs:
            faults.add(
                line.number,
                "{name} is {ours}, the chain's log says {theirs}",
                name=name,
                ours=ours,
                theirs=theirs,
            )


def _missing(
    by_key: dict[Key, list[Happened]],
    matched: dict[int, int],
    place: dict[int, int],
    faults: Faults,
) -> None:
    line_at = {where: number for number, where in matched.items()}
    missing = sorted((one for rest in by_key.values() for one in rest), key=lambda o: place[id(o)])
    for one in missing:
        before = max((w for w in line_at if w < place[id(one)]), default=None)
        number = 1 if before is None else line_at[before]
        faults.add(number + 1, "a line is missing here: {name}", name=one.name)


def _order(matched: dict[int, int], faults: Faults) -> None:
    """A line that stands before one which happened earlier; a swap is told of both."""
    numbers = sorted(matched)
    for before, after in pairwise(numbers):
        if matched[before] > matched[after]:
            faults.add(
                after,
                "it happened before what line {before} tells: they are swapped",
                before=before,
            )


def compare_claims(
    anchors: Anchors, participant: int, blocks: tuple[int, int], told: Told, faults: Faults
) -> None:
    """What was not paid at once, by transaction."""
    owed: Counter[str] = Counter()
    if blocks[0] <= blocks[1]:
        for event in anchors.logs(events.ClaimOpened, *blocks, payer=participant):
            owed["0x" + event.at.tx_hash.hex()] += event.amount
        for event in anchors.logs(events.ClaimOpened, *blocks, payee=participant):
            owed["0x" + event.at.tx_hash.hex()] -= event.amount
    for tx in {*owed, *told.unpaid}:
        if owed[tx] != told.unpaid[tx]:
            faults.add(
                told.at.get(tx, 0),
                "unpaid in transaction {tx} is {told}, by the chain's logs {owed}",
                tx=tx,
                told=told.unpaid[tx],
                owed=owed[tx],
            )
