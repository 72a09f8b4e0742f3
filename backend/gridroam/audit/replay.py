"""Runs the market again from what stands on chain, by the rules, and notes what does not fit."""

from collections import Counter, defaultdict
from dataclasses import dataclass, field

from gridroam.audit import batches, corrections
from gridroam.audit.corrections import Corrector
from gridroam.audit.difference import NOTHING, Findings
from gridroam.audit.entries import Batch, Entry
from gridroam.audit.expected import logs_of
from gridroam.audit.registrations import Registrar
from gridroam.audit.signatures import Authenticated, unpacked
from gridroam.chain import events
from gridroam.domain.decision import Cleared, Decision, Rejected, Settled
from gridroam.domain.market import Market
from gridroam.domain.violation import NotAllowedError
from gridroam.messages import Domain

COUNTED = (
    "transactions",
    "registrations",
    "batches",
    "messages",
    "cleared",
    "settled",
    "rejected",
    "disputed",
    "corrected",
    "verified",
    "state",
)
_COUNTED_EVENTS: dict[type[events.Event], str] = {
    events.SessionDisputed: "disputed",
    events.SessionMeterVerified: "verified",
}
_COUNTED_DECISIONS: dict[type[Decision], str] = {
    Cleared: "cleared",
    Settled: "settled",
    Rejected: "rejected",
}


@dataclass(slots=True)
class Energy:
    """Wh, both directions apart."""

    import_wh: int = 0
    export_wh: int = 0


@dataclass(slots=True)
class Replay:
    """The derived market, and what was counted on the way to it. `corrections` is the address of
    the contract that can correct a session, for `window` seconds."""

    domain: Domain
    findings: Findings
    corrections: str = ""
    window: int = 0
    market: Market = field(default_factory=Market)
    counts: Counter[str] = field(default_factory=lambda: Counter(dict.fromkeys(COUNTED, 0)))
    rejected: Counter[str] = field(default_factory=Counter)
    """By the reason's slug."""
    energy: defaultdict[tuple[int, int], Energy] = field(
        default_factory=lambda: defaultdict(Energy)
    )
    """By (supplier, grid operator)."""
    roots: dict[int, bytes] = field(default_factory=dict)
    """Of the batches since they were last taken."""
    corrector: Corrector = field(init=False)
    _registrar: Registrar = field(init=False)

    def __post_init__(self) -> None:
        self.market.corrections.window = self.window
        chain, address = self.domain.chain_id, self.corrections.lower()
        self.corrector = Corrector(self.market, self.findings, chain, address)
        self._registrar = Registrar(self.market, self.roots)

    def apply(self, entry: Entry) -> None:
        """Takes one transaction's events; those of a batch are derived from its messages."""
        self.counts["transactions"] += 1
        try:
            if entry.batch is not None:
                self._batch(entry, entry.batch)
            else:
                self._registrations(entry)
        except NotAllowedError as error:
            self.findings.add("the transaction", "", f"not allowed, {error}", "done", entry.at)

    def take_roots(self) -> dict[int, bytes]:
        """The derived roots by batch number, and forgets them."""
        roots = dict(self.roots)
        self.roots.clear()
        return roots

    # ------------------------------------------------------------------------------- registrations

    def _registrations(self, entry: Entry) -> None:
        self.market.batch_count = self._number_of(entry, self.market.batch_count + 1) - 1
        left = entry.events
        while left:
            if isinstance(left[0], corrections.KINDS):
                left = left[self._correction(left, entry) :]
            else:
                self._registration(left[0], entry.block.time)
                left = left[1:]
        for expected in self._registrar.take_expected():
            self.findings.add("BatchRecorded", "", expected, NOTHING, entry.at)

    def _registration(self, event: events.Event, now: int) -> None:
        name = type(event).__name__
        self.counts["registrations"] += 1
        self._registrar.now = now
        try:
            determined = self._registrar.apply(event)
        except NotAllowedError as error:
            self.findings.add(name, "", f"not allowed, {error}", event, event.at)
        else:
            self.findings.compare(name, determined or {}, event, event.at)

    def _correction(self, left: tuple[events.Event, ...], entry: Entry) -> int:
        """Takes one act, and returns how many of the events it explains."""
        explained = self.corrector.take(left, entry)
        self.counts.update(_COUNTED_EVENTS[k] for k in explained if k in _COUNTED_EVENTS)
        while self.corrector.in_force:
            outcome = self.corrector.in_force.pop()
            self.counts["corrected"] += 1
            for sign, version in ((1, outcome.version), (-1, outcome.before)):
                for share in version.shares:
                    energy = self.energy[share.supplier, version.grid_operator]
                    energy.import_wh += sign * share.import_wh
                    energy.export_wh += sign * (share.export_wh + share.return_wh)
        return len(explained)

    # ------------------------------------------------------------------------------------- batches

    def _batch(self, entry: Entry, batch: Batch) -> None:
        ledger, received = self.domain.ledger.lower(), unpacked(batch.received)
        if batch.to != ledger:
            self.findings.add("the transaction", "to", ledger, batch.to, entry.at)
        if batch.fault:
            self.findings.add("the transaction", "input", "a batch", batch.fault, entry.at)
            return
        decisions = self._decide(received, entry.block.time)
        root = self.market.record_batch([decision.leaf for decision in decisions])
        number, count = self.market.batch_count, len(received)
        due = logs_of(ledger, received, decisions, (number, root, count))
        if entry.logs is not None and entry.logs.encoded == due:
            self.roots[number] = root
            return
        number = self.market.batch_count = self._number_of(entry, number)
        self.roots[number] = root
        derived = [
            event
            for index, (one, decision) in enumerate(zip(received, decisions, strict=True))
            for event in batches.events_of(one, index, decision, entry.at)
        ]
        derived.append(
            batches.Derived(events.BatchRecorded(entry.at, number, root, count), None, "")
        )
        batches.compare(derived, entry.events, self.findings)

    def _decide(self, received: list[Authenticated], now: int) -> list[Decision]:
        process = self.market.process
        decisions = [
            process(one.message, one.digest, one.signer, now, one.vehicle_signer)
            for one in received
        ]
        self.counts["batches"] += 1
        self.counts["messages"] += len(received)
        self._count(decisions)
        return decisions

    def _number_of(self, entry: Entry, due: int) -> int:
        """Of the batch: the next one, or a later one where some are missing, which is told once
        instead of with every later batch."""
        event = entry.first_of(events.BatchRecorded)
        if event is None or event.batch <= due:
            return due
        self.findings.add("BatchRecorded", "batch", due, event.batch, event.at)
        return event.batch

    def _count(self, decisions: list[Decision]) -> None:
        for kind, count in Counter(map(type, decisions)).items():
            self.counts[_COUNTED_DECISIONS[kind]] += count
        for decision in decisions:
            if isinstance(decision, Settled):
                for part in decision.parts:
                    energy = self.energy[part.supplier, part.grid_operator]
                    energy.import_wh += part.import_wh
                    energy.export_wh += part.export_wh
            elif isinstance(decision, Rejected):
                self.rejected[decision.reason.slug] += 1
