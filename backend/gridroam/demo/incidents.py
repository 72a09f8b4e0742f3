"""What came of things that went wrong, in words and numbers: from the receipts of the station kit,
and from the ledger's events where no relay was in between."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from gridroam.chain import events
from gridroam.chain.reverts import explain
from gridroam.domain.delivery import Status
from gridroam.messages import OpenSession
from gridroam.station.receipt import Receipt

Outcome = Receipt | events.Event
_WORDS: dict[type[events.Event], str] = {
    events.SessionExpired: "expired",
    events.SupplierChanged: "agreed",
    events.SessionDisputed: "disputed",
    events.CorrectionProposed: "proposed",
    events.SessionCorrected: "corrected",
    events.SessionMeterVerified: "confirmed by the meter",
}


@dataclass(frozen=True, slots=True)
class Incident:
    """What happened, and what came of it."""

    what: str
    outcome: str

    @classmethod
    def of(cls, what: str, outcomes: Iterable[Outcome]) -> "Incident":
        counts = Counter(word for word in map(_word, outcomes) if word)
        return cls(what, ", ".join(f"{n} {word}" if n > 1 else word for word, n in counts.items()))


@dataclass(slots=True)
class Log:
    """The incidents, and the messages that the relay did not take, so that they never reached the
    ledger, by the reason it gave."""

    incidents: list[Incident] = field(default_factory=list)
    openings: Counter[str] = field(default_factory=Counter)
    reports: Counter[str] = field(default_factory=Counter)

    def note(self, what: str, outcomes: Sequence[Outcome]) -> None:
        if outcomes:
            self.incidents.append(Incident.of(what, outcomes))

    def count(self, receipts: Iterable[Receipt]) -> None:
        for receipt in receipts:
            if _is_refused(receipt):
                is_opening = isinstance(receipt.message, OpenSession)
                (self.openings if is_opening else self.reports)[receipt.why] += 1


def _is_refused(receipt: Receipt) -> bool:
    answer = receipt.answer
    return receipt.rejected and answer is not None and answer.status == Status.REFUSED


def _word(outcome: Outcome) -> str:
    """Empty for what says no more than another one."""
    if isinstance(outcome, events.MessageRejected):
        return f"ledger: {outcome.reason.slug}"
    if isinstance(outcome, events.ProofRefused):
        return f"refused: {explain(outcome.reason)[0]}"
    if isinstance(outcome, events.Event):
        return _WORDS.get(type(outcome), "")
    if outcome.accepted:
        return "cleared" if isinstance(outcome.message, OpenSession) else "settled"
    if outcome.rejected:
        return f"{'relay' if _is_refused(outcome) else 'ledger'}: {outcome.why}"
    return "queued"
