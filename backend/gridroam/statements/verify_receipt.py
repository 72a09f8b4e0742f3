"""Whether a receipt is real: by its own lines, and by a few words of state from a node."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from gridroam.chain.events import (
    ParticipantAdmitted,
    ReportSettled,
    SessionCorrected,
    SessionExpired,
    StationRequested,
)
from gridroam.errors import InvalidInputError, MalformedMessageError
from gridroam.evidence.corrections import Corrections
from gridroam.statements.anchors import Anchors
from gridroam.statements.checks import Checks
from gridroam.statements.compare import compare_proofs, compare_signers, compare_times
from gridroam.statements.corrections import versions_of
from gridroam.statements.faults import Fault, Faults
from gridroam.statements.leaves import raw
from gridroam.statements.lines import DETAILS, MESSAGES, Line, LineKind
from gridroam.statements.receipt import MOST_LINES, Receipt

_MOST = {
    **dict.fromkeys(LineKind, 0),
    **dict.fromkeys((LineKind.CLEARED, LineKind.EXPIRED), 1),
    **dict.fromkeys({LineKind.SETTLED, LineKind.CORRECTION, *DETAILS}, MOST_LINES),
}
"""Lines that a receipt can have, by kind."""


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at: `good` says what is so if there are no faults."""

    name: str
    good: str
    faults: tuple[Fault, ...]

    @property
    def ok(self) -> bool:
        return not self.faults

    @property
    def detail(self) -> str:
        """What was found."""
        return "; ".join(map(str, self.faults)) or self.good


@dataclass(frozen=True, slots=True)
class ReceiptVerdict:
    """`checks` for people, in the order in which one convinces oneself."""

    station: int
    session: int
    checks: tuple[Check, ...]
    totals: dict[str, int]

    @property
    def ok(self) -> bool:
        return all(check.ok for check in self.checks)

    @property
    def faults(self) -> tuple[Fault, ...]:
        return tuple(fault for check in self.checks for fault in check.faults)

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "verdict": "ok" if self.ok else "wrong",
            "station": self.station,
            "session": self.session,
            "checks": [{"name": c.name, "ok": c.ok, "detail": c.detail} for c in self.checks],
            "faults": [fault.as_dict() for fault in self.faults],
            "totals": self.totals,
        }


def verify_receipt(receipt: Receipt, anchors: Anchors) -> ReceiptVerdict:
    """Raises `ChainError` if the node cannot answer, `InvalidInputError` if the receipt is of
    another ledger."""
    domain = anchors.source.ledger.domain
    if (receipt.chain_id, receipt.ledger) != (domain.chain_id, domain.ledger.lower()):
        raise InvalidInputError(
            "The receipt is of another ledger or chain.", "Ask a node of the chain that it names."
        )
    faults = Faults()
    verifier = _Verifier(receipt, anchors, faults)
    checks = (
        verifier.check("messages", verifier.messages, "every line follows from a signed message"),
        verifier.check("signatures", verifier.signatures, "the station's keys signed them"),
        verifier.check("proofs", verifier.proofs, "every line leads to a batch's root on chain"),
        verifier.check("whole", verifier.whole, "all that the chain settled of it is there"),
        verifier.check("names", verifier.names, "station and companies are those on chain"),
    )
    return ReceiptVerdict(receipt.station, receipt.session, checks, receipt.totals())


class _Verifier:
    def __init__(self, receipt: Receipt, anchors: Anchors, faults: Faults) -> None:
        self.receipt = receipt
        self.anchors = anchors
        self.faults = faults
        self.lines = Checks(anchors.tariffs, faults)
        self.newest = anchors.source.newest()
        self._corrections = Corrections(anchors.source.ledger)

    def check(self, name: str, look: Callable[[], None], good: str) -> Check:
        self.faults.kept.clear()
        try:
            look()
        except (ValueError, MalformedMessageError) as error:
            self.faults.add(0, "it cannot be read: {error}", error=error)
        return Check(name, good, tuple(self.faults.kept))

    def messages(self) -> None:
        receipt = self.receipt
        if not receipt.lines or receipt.lines[0].kind is not LineKind.CLEARED:
            self.faults.add(1, "the opening is missing")
        kinds = Counter(line.kind for line in receipt.lines)
        for kind, count in kinds.items():
            if count > _MOST[kind]:
                self.faults.add(0, "it has {count} lines of kind {kind}", count=count, kind=kind)
        for number, line in enumerate(receipt.lines, 1):
            if line.line != number:
                self.faults.add(line.line, "it stands at place {place}", place=number)
            if (line.station, line.session) != (receipt.station, receipt.session):
                self.faults.add(line.line, "it is of another session")
            if (line.chain_id, line.ledger) != (receipt.chain_id, receipt.ledger):
                self.faults.add(line.line, "it is of another ledger")
            self._take(line)
        if self.receipt.lines:
            self.lines.end_correction(self.receipt.lines[-1])
        self._summary()

    def _summary(self) -> None:
        """What is read first says what the lines say."""
        due, told = self.receipt.summary(), self.receipt.told
        if told is None:
            return
        for name in due | told:
            if told.get(name) != due.get(name):
                self.faults.add(
                    0,
                    "at its top {name} is {told}, by its lines {due}",
                    name=name,
                    told=told.get(name),
                    due=due.get(name),
                )

    def _take(self, line: Line) -> None:
        self.lines.take_columns(line)
        if line.kind in MESSAGES or line.kind is LineKind.EXPIRED:
            self.lines.take_message(line)
        elif line.kind is LineKind.CORRECTION:
            self.lines.take_correction(line)
        elif line.kind in DETAILS:
            self.lines.take_detail(line)

    def signatures(self) -> None:
        compare_signers(self.lines, self.anchors, self.faults)

    def proofs(self) -> None:
        compare_proofs(self.lines, self.anchors, self.faults)
        compare_times(self.lines, self.anchors, self.faults)

    def whole(self) -> None:
        settled = [
            (event.report, event.time)
            for event in self.anchors.logs(
                ReportSettled, 0, self.newest, station=self.receipt.station
            )
            if event.session == self.receipt.session
        ]
        told = {(line.report, line.until): line.line for line in self.receipt.settled}
        for number, time in settled:
            if (number, time) not in told:
                self.faults.add(
                    0,
                    "report {number} (to {time}), which was settled, is missing",
                    number=number,
                    time=time,
                )
        for place in told.keys() - set(settled):
            self.faults.add(told[place], "the chain's logs have no such settlement")
        self._versions()
        if self.receipt.state not in self._states():
            self.faults.add(
                0,
                "the session is {state}, not {told}",
                state=self._states()[0],
                told=self.receipt.state,
            )

    def _versions(self) -> None:
        """The last one's hash stands on chain, and each has that of the one before in it."""
        receipt = self.receipt
        corrections = [x for x in receipt.lines if x.kind is LineKind.CORRECTION]
        standing = self._corrections.standing(receipt.station, receipt.session)
        if [x.version for x in corrections] != list(range(2, standing.version + 1)):
            self.faults.add(
                0,
                "the session has version {version} on chain; of the later ones it tells: {told}",
                version=standing.version,
                told=", ".join(str(x.version) for x in corrections) or "-",
            )
        elif corrections and raw(corrections[-1].digest) != standing.content:
            self.faults.add(corrections[-1].line, "the version in force on chain is another one")
        self._corrected(corrections)
        if receipt.verified and not standing.verified:
            self.faults.add(0, "no record of the meter has verified the session")
        for one, next_ in pairwise(corrections):
            if versions_of(next_)[0].content != raw(one.digest):
                self.faults.add(
                    next_.line, "it does not follow from version {version}", version=one.version
                )
        first = [x for x in receipt.lines if x.kind is LineKind.REVERSED and x.version == 1]
        for name in receipt.totals() if first else ():
            settled = sum(getattr(line, name) for line in receipt.settled)
            if settled + sum(getattr(line, name) for line in first):
                self.faults.add(
                    first[0].line, "{name} of version 1 is not what was settled", name=name
                )

    def _corrected(self, corrections: list[Line]) -> None:
        """The versions came into force where the lines say."""
        logs = self.anchors.logs(SessionCorrected, 0, self.newest, station=self.receipt.station)
        places = {
            event.version: (event.at.block, "0x" + event.at.tx_hash.hex())
            for event in logs
            if event.session == self.receipt.session
        }
        for line in corrections:
            if places.get(line.version) != (line.block, line.tx):
                self.faults.add(line.line, "it came into force in another transaction")

    def _states(self) -> list[str]:
        """That it is, or was when the receipt was made."""
        if any(line.last for line in self.receipt.settled):
            return ["closed"]
        expired = self.anchors.logs(SessionExpired, 0, self.newest, station=self.receipt.station)
        if any(event.session == self.receipt.session for event in expired):
            return ["expired", "open", "superseded"]
        return ["open", "superseded"]

    def names(self) -> None:
        requested = self.anchors.logs(
            StationRequested, 0, self.newest, station=self.receipt.station
        )
        names = {event.evse_id for event in requested}
        for name in {self.receipt.evse_id, *(line.evse_id for line in self.receipt.lines)} - names:
            self.faults.add(0, "the station is not called {name} on chain", name=name)
        numbers = sorted({party.number for party in self.receipt.parties})
        admitted = self.anchors.logs(ParticipantAdmitted, 0, self.newest, participant=numbers)
        codes = {event.participant: event.market_code for event in admitted}
        for party in self.receipt.parties:
            if codes.get(party.number) != party.market_code:
                self.faults.add(
                    0,
                    "participant {number} has the market code {code} on chain, not {told}",
                    number=party.number,
                    code=codes.get(party.number, "-"),
                    told=party.market_code,
                )
        told = {(party.role, party.number) for party in self.receipt.parties}
        involved = set()
        for line in self.receipt.lines:
            for role in ("supplier", "grid_operator", "station_operator"):
                involved.add((role, getattr(line, role)))
                if getattr(line, role) and (role, getattr(line, role)) not in told:
                    self.faults.add(line.line, "its {role} is not among the parties", role=role)
        for role, number in sorted(told - involved):
            self.faults.add(0, "participant {number} was no {role} of it", number=number, role=role)
