"""Whether a statement's lines fit together: everything that can be said without the chain.

Each line is derived again from what the station signed, the reading before and the tariff; what
differs is a fault of that line. That nothing is missing at the ends, and that the chain says the
same, is `verify`'s to find out.
"""

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, fields

from gridroam.domain.energy import Reading
from gridroam.domain.journal import Journal
from gridroam.domain.message import reading_of
from gridroam.domain.tariff import Tariff
from gridroam.errors import MalformedMessageError
from gridroam.messages import Domain, EnergyReport, OpenSession, unpack
from gridroam.statements import proofs
from gridroam.statements.corrections import details, versions_of
from gridroam.statements.faults import Faults
from gridroam.statements.leaves import digest_of, leaf_of, raw
from gridroam.statements.lines import DETAILS, ENTRIES, MESSAGES, Line, LineKind
from gridroam.statements.make import posted
from gridroam.statements.parts import reading_at, slots_between

NOBODY = "nobody"
"""Has signed where no key can have."""

Tariffs = Callable[[int, int, int, int], tuple[Tariff, Tariff]]
"""(grid operator, version, station operator, version): the two tariffs."""


@dataclass(slots=True)
class Proof:
    """What a line's path leads to, and where it says that is: to be found on chain."""

    line: int
    batch: int
    root: bytes
    block: int
    tx: str


@dataclass(slots=True)
class _Known:
    """Of a session: the message last read, the reading before it, and its own."""

    digest: str
    before: Reading
    reading: Reading
    report: int
    vehicle: str
    told: int
    """Up to when its settlement was told,"""
    whole: bool = False
    """and whether that is its end."""

    def turn(self, digest: str, reading: Reading) -> None:
        """To the next message."""
        self.digest, self.before, self.reading = digest, self.reading, reading
        self.told, self.whole = self.before.time, False


_EVERY = {"line", "kind", "chain_id", "ledger", "participant", "head", "balance", "time", "booked"}
_OF_PAYMENTS = _EVERY | {"entry", "amount", "block", "tx", "leaf"}
_OF_READINGS = frozenset(
    ("since", "until", "import_start", "export_start", "import_register", "export_register")
)
_OF_MESSAGES = (
    _EVERY
    | _OF_READINGS
    | {
        *("block", "tx", "batch", "path", "digest", "leaf", "message", "station", "evse_id"),
        *("session", "version", "vehicle", "supplier", "grid_operator", "station_operator"),
        *("grid_tariff", "operator_tariff"),
    }
)
_OF_OPENINGS = _OF_MESSAGES | {"supplier_reserve", "grid_reserve"}
_OF_REPORTS = _OF_MESSAGES | {
    *("report", "last", "import_wh", "export_wh", "network_charge", "service_fee", "feed_in"),
    "evidence",
}
_OF_ACCOUNTS = {"line", "head", "balance"}
"""What a line has by its place in an account."""
_OF_DETAILS = (
    _OF_REPORTS - {"batch", "path", "digest", "leaf", "message", "vehicle", "report"}
) - {"last", "evidence"}
_USED = {
    LineKind.OPENING_BALANCE: _EVERY | {"entry"},
    LineKind.CLOSING_BALANCE: _EVERY | {"entry"},
    LineKind.DEPOSIT: _OF_PAYMENTS,
    LineKind.WITHDRAWAL: _OF_PAYMENTS,
    LineKind.COLLECTION: _OF_PAYMENTS | {"other"},
    LineKind.CORRECTION: _OF_PAYMENTS
    | {"unpaid", "digest", "message", "station", "evse_id", "session", "version"},
    LineKind.REVERSED: _OF_DETAILS,
    LineKind.REPLACED: _OF_DETAILS,
    LineKind.CLEARED: _OF_OPENINGS,
    LineKind.CARRIED: (_OF_OPENINGS | _OF_REPORTS) - {"import_wh", "export_wh"},
    LineKind.EXPIRED: (_OF_MESSAGES - _OF_READINGS - {"message", "vehicle"}) | {"report"},
    LineKind.SETTLED: _OF_REPORTS | {"entry", "amount", "unpaid", "slots"},
}
"""Columns that mean something, by kind."""
_DEFAULTS = {f.name: f.default for f in fields(Line)}


@dataclass(slots=True)
class Checks:
    """Takes the lines in their order."""

    tariffs: Tariffs
    faults: Faults = field(default_factory=Faults)
    first: Line | None = None
    last: Line | None = None
    proofs: list[Proof] = field(default_factory=list)
    evse_ids: dict[int, tuple[int, str]] = field(default_factory=dict)
    """What stations are called: by which line, and how."""
    signers: dict[tuple[int, str], int] = field(default_factory=dict)
    """By station and key, or `NOBODY`: the first line that it signed."""
    booked: dict[int, tuple[int, int]] = field(default_factory=dict)
    """When a block was that no leaf names: by which line, and UTC seconds."""
    _journal: Journal = field(default_factory=Journal)
    _balance: int = 0
    _sessions: dict[tuple[int, int], _Known] = field(default_factory=dict)
    _details: deque[Line] = field(default_factory=deque)
    """Those that must follow the correction above."""

    def take(self, line: Line) -> None:
        before = self.faults.count
        try:
            self._take(line)
        except (ValueError, MalformedMessageError) as error:
            self._fault(line, "it cannot be read: {error}", error=error)
        if self.faults.count == before:
            return
        # what follows is measured by what the line says, so that one lie is told once
        self._journal = Journal(_head(line), max(self._journal.count, line.entry))
        self._balance = line.balance

    def take_columns(self, line: Line) -> None:
        """What means nothing in a line of its kind is empty."""
        self._empty(line, _DEFAULTS.keys() - _USED[line.kind])

    def take_message(self, line: Line) -> None:
        """A line by itself, of no account: as in a receipt."""
        try:
            if line.kind is LineKind.EXPIRED:
                self._expired(line)
            else:
                self._message(line)
        except (ValueError, MalformedMessageError) as error:
            self._fault(line, "it cannot be read: {error}", error=error)

    def take_correction(self, line: Line) -> None:
        """What must follow it is known from then on. Raises `ValueError`."""
        before, after = versions_of(line)
        self._named(line)
        self._dated(line)
        self._hashed(line)
        self._equal(line, "digest", "0x" + after.content.hex())
        for name, value in (
            ("station", after.station),
            ("session", after.session),
            ("version", after.number),
        ):
            self._equal(line, name, value)
        if (before.content, before.number + 1) != (after.previous, after.number):
            self._fault(line, "its new version does not follow from the one before")
        self._details.extend(details(line, before, after))

    def take_detail(self, line: Line) -> None:
        """Of a correction, by itself: as in a receipt."""
        if self._details:
            self._detail(line)
        else:
            self._fault(line, "it belongs to no correction")

    def end(self) -> None:
        """After the last line."""
        last = self.last
        if last is None or last.kind is not LineKind.CLOSING_BALANCE:
            self.faults.add(last.line if last else 0, "the closing balance is missing")

    def _take(self, line: Line) -> None:
        if self.first is None:
            self._begin(line)
        else:
            self._in_order(line, self.last or self.first)
        self.last = line
        self.take_columns(line)
        if line.kind not in DETAILS:
            self.end_correction(line)
        elif self._details:
            self._detail(line)
        else:
            self._fault(line, "it belongs to no correction")
        if line.kind in MESSAGES:
            self._message(line)
        elif line.kind is LineKind.EXPIRED:
            self._expired(line)
        if line.kind in ENTRIES:
            self._entry(line)
        self._state(line)

    # --------------------------------------------------------------------------- order and account

    def _begin(self, line: Line) -> None:
        self.first = line
        if line.kind is not LineKind.OPENING_BALANCE:
            self._fault(line, "the opening balance is missing")
        self._journal = Journal(_head(line), line.entry)
        self._balance = line.balance
        self._equal(line, "time", line.booked)

    def _in_order(self, line: Line, before: Line) -> None:
        if line.line != before.line + 1:
            self._fault(line, "it follows line {before}", before=before.line)
        if before.kind is LineKind.CLOSING_BALANCE:
            self._fault(line, "it stands behind the closing balance")
        of = line.chain_id, line.ledger, line.participant
        if of != (before.chain_id, before.ledger, before.participant):
            self._fault(line, "it is of another account or ledger than the line before")
        if line.kind is not LineKind.CARRIED and not before.booked <= line.booked + _carry(before):
            self._fault(line, "it was booked before the line above it")

    def _entry(self, line: Line) -> None:
        due = self._journal.count + 1
        if line.entry != due:
            self._misplaced(line, due)
        self._journal.append(raw(line.leaf))
        if line.kind is LineKind.SETTLED:
            self._equal(line, "amount", posted(line, line.participant))
        elif line.kind is LineKind.CORRECTION:
            self.take_correction(line)
            due = sum(posted(detail, line.participant) for detail in self._details)
            self._equal(line, "amount", due)
        else:
            self._dated(line)
            self._hashed(line)
        self._balance += line.amount + line.unpaid

    def _hashed(self, line: Line) -> None:
        if leaf_of(line) != raw(line.leaf):
            self._fault(line, "its hash does not follow from what it says")

    def _dated(self, line: Line) -> None:
        """It is of no message: its time is the block's, which no hash of it has in it."""
        self._equal(line, "time", line.booked)
        first, booked = self.booked.setdefault(line.block, (line.line, line.booked))
        if booked != line.booked:
            self._fault(line, "line {first} says another time of its block", first=first)

    def _misplaced(self, line: Line, due: int) -> None:
        places = {"entry": line.entry, "before": due - 1, "due": due}
        if line.entry > due:
            self._fault(
                line, "journal entry {entry} follows {before}: entry {due} is missing", **places
            )
        else:
            self._fault(
                line, "journal entry {entry} follows {before}: it is out of order", **places
            )

    def _state(self, line: Line) -> None:
        if line.kind is LineKind.CLOSING_BALANCE:
            self._closing(line)
        if _head(line) != self._journal.head:
            self._fault(line, "the journal's head does not follow from the lines")
        if line.balance != self._balance:
            self._fault(
                line,
                "balance is {told}, by the lines {counted}",
                told=line.balance,
                counted=self._balance,
            )

    def _closing(self, line: Line) -> None:
        self._equal(line, "time", line.booked)
        if line.entry != self._journal.count:
            self._fault(
                line,
                "it counts {told} journal entries, the lines {counted}",
                told=line.entry,
                counted=self._journal.count,
            )

    # ------------------------------------------------------------------------------------ messages

    def _message(self, line: Line) -> None:
        signed = unpack(raw(line.message))
        message = signed.message
        self._proven(line)
        signer = signed.signer(Domain(line.chain_id, line.ledger)) or NOBODY
        self.signers.setdefault((line.station, signer.lower()), line.line)
        for name in ("station", "session", "time"):
            self._equal(line, name, getattr(message, name))
        opens = isinstance(message, OpenSession)
        if line.kind is (LineKind.SETTLED if opens else LineKind.CLEARED):
            self._fault(line, "its message is of another kind")
        elif isinstance(message, OpenSession):
            self._opening(line, message)
        else:
            self._report(line, message)

    def _expired(self, line: Line) -> None:
        self._sessions.pop((line.station, line.session), None)
        self._equal(line, "time", line.booked)
        self._proven(line)

    def _proven(self, line: Line) -> None:
        """Digest and leaf follow from the line, and the path leads somewhere."""
        self._equal(line, "digest", "0x" + digest_of(line).hex())
        if leaf_of(line) != raw(line.leaf):
            self._fault(line, "its leaf does not follow from its message and amounts")
        root = proofs.climb(raw(line.leaf), proofs.split(line.path))
        self.proofs.append(Proof(line.line, line.batch, root, line.block, line.tx))
        self._equal(line, "version", 1)
        self._named(line)

    def _named(self, line: Line) -> None:
        self.evse_ids.setdefault(line.station, (line.line, line.evse_id))
        if self.evse_ids[line.station][1] != line.evse_id:
            self._fault(
                line,
                "evse_id is {found}, further up {before}",
                found=line.evse_id,
                before=self.evse_ids[line.station][1],
            )

    def _opening(self, line: Line, message: OpenSession) -> None:
        reading = reading_of(message)
        self._equal(line, "vehicle", "0x" + message.vehicle.hex())
        self._empty(line, _OF_REPORTS - _OF_OPENINGS)
        self._ends(line, reading, reading)
        place = line.station, line.session
        self._sessions[place] = _Known(line.digest, reading, reading, 0, line.vehicle, reading.time)

    def _report(self, line: Line, message: EnergyReport) -> None:
        self._empty(line, _OF_OPENINGS - _OF_REPORTS)
        self._equal(line, "report", message.report)
        evidence = "0x" + message.evidence.hex() if any(message.evidence) else ""
        self._equal(line, "evidence", evidence)
        place, reading = (line.station, line.session), reading_of(message)
        known = self._sessions.get(place)
        if known is None:
            self._fault(
                line,
                "the opening of session {session} at station {station} is missing",
                session=line.session,
                station=line.station,
            )
            number, until = message.report, reading.time
            self._sessions[place] = _Known(
                line.digest, reading, reading, number, line.vehicle, until, whole=True
            )
            return
        self._equal(line, "vehicle", known.vehicle)
        if known.digest != line.digest:
            known.turn(line.digest, reading)
            due = known.report + 1
            if message.report != due and line.kind is LineKind.SETTLED:
                self._fault(
                    line,
                    "report {number} follows {before}",
                    number=message.report,
                    before=known.report,
                )
            known.report = message.report
        if line.kind is LineKind.SETTLED:
            self._settled(line, message, known)
        else:
            self._ends(line, reading, reading)
            self._equal(line, "last", message.last)
            known.before = known.reading

    def _follows(self, line: Line, known: _Known) -> None:
        """Parts of a report follow each other; in a supplier's statement only its own are."""
        operators = line.grid_operator, line.station_operator
        alone = line.participant == line.supplier and line.participant not in operators
        if known.whole or line.since < known.told:
            self._fault(line, "what it settles was told further up")
        elif line.since > known.told and not alone:
            self._fault(line, "what was settled from {since} on is missing", since=known.told)
        known.told, known.whole = line.until, line.until == known.reading.time

    def _settled(self, line: Line, report: EnergyReport, known: _Known) -> None:
        self._follows(line, known)
        begin = reading_at(known.before, report, line.since)
        end = reading_at(known.before, report, line.until)
        self._ends(line, begin, end)
        self._equal(line, "import_wh", end.import_register - begin.import_register)
        self._equal(line, "export_wh", end.export_register - begin.export_register)
        self._equal(line, "last", report.last and line.until == report.time)
        grid, operator = self.tariffs(
            line.grid_operator, line.grid_tariff, line.station_operator, line.operator_tariff
        )
        slots = slots_between(known.before, report, (begin, end), grid, operator)
        if line.slots != slots:
            self._fault(line, "its slots do not follow from its registers and the tariffs")
        fees = (grid.fee, operator.fee) if line.last else (0, 0)
        self._equal(line, "network_charge", sum(s.network_charge for s in slots) + fees[0])
        self._equal(line, "service_fee", sum(s.service_fee for s in slots) + fees[1])
        self._equal(line, "feed_in", sum(s.feed_in for s in slots))

    def _ends(self, line: Line, begin: Reading, end: Reading) -> None:
        for name, value in (
            ("since", begin.time),
            ("until", end.time),
            ("import_start", begin.import_register),
            ("export_start", begin.export_register),
            ("import_register", end.import_register),
            ("export_register", end.export_register),
        ):
            self._equal(line, name, value)

    def _detail(self, line: Line) -> None:
        due = self._details.popleft()
        for name in ("kind", *sorted(_OF_DETAILS - _OF_ACCOUNTS)):
            self._equal(line, name, getattr(due, name))

    def end_correction(self, line: Line) -> None:
        if self._details:
            missing = self._details[0]
            self._fault(
                line,
                "a line of the correction above is missing: version {version} of session "
                "{session}, {kind}",
                version=missing.version,
                session=missing.session,
                kind=missing.kind,
            )
            self._details.clear()

    def _empty(self, line: Line, names: Iterable[str]) -> None:
        for name in sorted(names):
            self._equal(line, name, _DEFAULTS[name])

    def _equal(self, line: Line, name: str, derived: object) -> None:
        found = getattr(line, name)
        if found != derived:
            self._fault(
                line,
                "{name} is {found}, it must be {due}",
                name=name,
                found=_shown(found),
                due=_shown(derived),
            )

    def _fault(self, line: Line, text: str, **values: object) -> None:
        self.faults.add(line.line, text, **values)


def _head(line: Line) -> bytes:
    return raw(line.head)


def _carry(line: Line) -> int:
    """A carried line is older than the period: no measure for what follows."""
    return 1 << 62 if line.kind is LineKind.CARRIED else 0


def _shown(value: object) -> str:
    return value if isinstance(value, str) and value else repr(value)
