"""What happened on the ledger, read from the chain alone: what every message came to, and the
energy of every quarter hour by supplier and grid operator."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby, pairwise

from hexbytes import HexBytes

from gridroam.chain import events
from gridroam.chain.ledger import Ledger
from gridroam.domain.reasons import Reason
from gridroam.domain.slots import boundaries_between, slot_start
from gridroam.domain.version import Version
from gridroam.errors import MalformedMessageError
from gridroam.messages import NO_EVIDENCE, EnergyReport, OpenSession, unpack

Outcome = events.SessionCleared | events.ReportSettled | events.MessageRejected
Reading = tuple[int, int, int]
"""Time, import and export register."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where energy counts: whose, and in whose grid."""

    supplier: int
    grid_operator: int


SessionId = tuple[int, int]
"""Station and its session."""
Part = tuple[Place, int, int, int]
"""Whose and where, slot, Wh taken and fed."""


@dataclass(slots=True)
class History:
    """Energy by place and slot, [taken, fed] in Wh, as the versions in force have it; every other
    list in the chain's order."""

    all: list[events.Event]
    energy: dict[tuple[Place, int], list[int]] = field(default_factory=dict)
    parts: defaultdict[SessionId, list[Part]] = field(default_factory=lambda: defaultdict(list))
    """What each session has in it."""
    cleared: list[events.SessionCleared] = field(default_factory=list)
    settled: list[events.ReportSettled] = field(default_factory=list)
    """A report over a change of supplier has two."""
    switched: list[events.SupplierSwitched] = field(default_factory=list)
    expired: list[events.SessionExpired] = field(default_factory=list)
    rejected_openings: Counter[Reason] = field(default_factory=Counter)
    rejected_reports: Counter[Reason] = field(default_factory=Counter)
    gas: list[int] = field(default_factory=list)
    """Used by each batch."""
    messages: int = 0
    with_record: int = 0
    """Sessions whose final report names a record of the meter."""

    @property
    def openings(self) -> int:
        return len(self.cleared) + self.rejected_openings.total()


def read(ledger: Ledger, first_block: int) -> History:
    """Everything from a block on to now."""
    found = events.fetch(ledger.w3, ledger.addresses, first_block, ledger.w3.eth.block_number)
    history = History(found)
    history.expired = [event for event in found if isinstance(event, events.SessionExpired)]
    history.switched = [event for event in found if isinstance(event, events.SupplierSwitched)]
    readings: dict[int, Reading] = {}
    grids = _Grids(ledger)
    for tx_hash, group in groupby(found, key=lambda event: event.at.tx_hash):
        outcomes = [event for event in group if isinstance(event, Outcome)]
        if outcomes:
            history.gas.append(ledger.w3.eth.get_transaction_receipt(HexBytes(tx_hash))["gasUsed"])
            for raw, parts in zip(_batch(ledger, tx_hash), _messages(outcomes), strict=True):
                _take(history, readings, grids, raw, parts)
    for event in found:
        if isinstance(event, events.SessionCorrected):
            _correct(history, event.corrected)
    return history


def _messages(outcomes: Iterable[Outcome]) -> Iterator[list[Outcome]]:
    """The outcomes of each message: one, or two for the parts of a report."""
    parts: list[Outcome] = []
    for outcome in outcomes:
        if parts and not _is_one_report(parts[-1], outcome):
            yield parts
            parts = []
        parts.append(outcome)
    yield parts


def _is_one_report(one: Outcome, other: Outcome) -> bool:
    if not isinstance(one, events.ReportSettled) or not isinstance(other, events.ReportSettled):
        return False
    return (one.station, one.session, one.report) == (other.station, other.session, other.report)


class _Grids(dict[int, int]):
    """Each station's grid operator."""

    def __init__(self, ledger: Ledger) -> None:
        super().__init__()
        self._ledger = ledger

    def __missing__(self, station: int) -> int:
        self[station] = self._ledger.station(station).grid_operator
        return self[station]


def _batch(ledger: Ledger, tx_hash: bytes) -> list[bytes]:
    return ledger.decode_submit(bytes(ledger.w3.eth.get_transaction(HexBytes(tx_hash))["input"]))


def _take(
    history: History,
    readings: dict[int, Reading],
    grids: _Grids,
    raw: bytes,
    parts: Sequence[Outcome],
) -> None:
    history.messages += 1
    first = parts[0]
    if isinstance(first, events.MessageRejected):
        is_opening = _is_opening(raw)
        (history.rejected_openings if is_opening else history.rejected_reports)[first.reason] += 1
        return
    message = unpack(raw).message
    reading = message.time, message.import_register, message.export_register
    if isinstance(first, events.SessionCleared):
        history.cleared.append(first)
    elif isinstance(message, EnergyReport):
        history.with_record += message.last and message.evidence != NO_EVIDENCE
        row = list(_row(readings[first.station], message, reading))
        for part in parts:
            if isinstance(part, events.ReportSettled):
                history.settled.append(part)
                place = Place(part.supplier, grids[part.station])
                own = [read for read in row if read[0] <= part.time]
                _add_slots(history, (part.station, part.session), place, own)
                row = [read for read in row if read[0] >= part.time]
    readings[first.station] = reading


def _is_opening(raw: bytes) -> bool:
    try:
        return isinstance(unpack(raw).message, OpenSession)
    except MalformedMessageError:
        return False


def _row(before: Reading, report: EnergyReport, reading: Reading) -> Iterator[Reading]:
    """All readings of a report, from the one before it on."""
    yield before
    times = boundaries_between(before[0], report.time)
    yield from ((time, *pair) for time, pair in zip(times, report.boundaries, strict=True))
    yield reading


def _add_slots(history: History, session: SessionId, place: Place, row: Iterable[Reading]) -> None:
    for (start, taken, fed), (_, taken_then, fed_then) in pairwise(row):
        _add(history, session, (place, slot_start(start), taken_then - taken, fed_then - fed))


def _correct(history: History, version: Version) -> None:
    """It takes the place of all that the session had before."""
    session = version.station, version.session
    for place, slot, taken, fed in history.parts.pop(session, ()):
        _count(history, place, slot, -taken, -fed)
    for part in version.intervals():
        place = Place(version.share_at(part.time).supplier, version.grid_operator)
        _add(history, session, (place, slot_start(part.time), part.import_wh, part.export_wh))


def _add(history: History, session: SessionId, part: Part) -> None:
    history.parts[session].append(part)
    _count(history, *part)


def _count(history: History, place: Place, slot: int, taken: int, fed: int) -> None:
    sums = history.energy.setdefault((place, slot), [0, 0])
    sums[0] += taken
    sums[1] += fed
