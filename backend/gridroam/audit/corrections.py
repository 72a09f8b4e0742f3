"""What the corrections contract's events must be: each act is performed by the rules, from what
stands in the transaction's input and what the audit has derived itself, never from the event.

An act that comes through another contract, as a multisig's do, has its input within that one's, if
anywhere. Then who acted is the chain's word, and noted to be looked at: only an account that is a
contract can act through one.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import NamedTuple

from gridroam.audit.difference import NOTHING, Findings, values_of
from gridroam.audit.entries import Entry
from gridroam.chain import events
from gridroam.chain.calldata import Asked, Place, calls_in, proofs_in
from gridroam.chain.events import Event, LogPosition
from gridroam.domain.corrections import Corrections, Outcome
from gridroam.domain.market import Market
from gridroam.domain.meters import MeterCurve, MeterKey
from gridroam.domain.units import NOBODY, Address, Bytes32, ParticipantId, StationId, Timestamp
from gridroam.domain.version import Assignment, Correction, Version
from gridroam.domain.violation import NotAllowedError, require
from gridroam.evidence import ocmf
from gridroam.messages import Consent
from gridroam.signatures import SIGNATURE_BYTES, recover

KINDS = (
    events.SessionDisputed,
    events.CorrectionProposed,
    events.CorrectionConsented,
    events.SessionCorrected,
    events.SessionMeterVerified,
    events.ProofRefused,
)
"""What an act leaves in the log first."""
_AGREEMENTS = frozenset({"propose", "proposeVersion", "consent", "consentBySignature"})


class Word(NamedTuple):
    """An act of an account that only the contract's word says: in which block and transaction."""

    subject: str
    account: Address
    block: int
    tx_hash: bytes


class Act(NamedTuple):
    """The event that tells of it first and those behind it, and how it came: `asked` is every call
    that stands in the input, of which there is one if the transaction went `direct`ly there."""

    event: Event
    behind: Sequence[Event]
    direct: bool
    asked: tuple[Asked, ...]
    sender: Address
    now: Timestamp


@dataclass(slots=True)
class Corrector:
    """`address` is that of the corrections contract in lower case; to `words` go those to be looked
    at."""

    market: Market
    findings: Findings
    chain_id: int
    address: Address
    words: list[Word] = field(default_factory=list)
    in_force: list[Outcome] = field(default_factory=list)
    """Since they were last taken."""

    @property
    def rules(self) -> Corrections:
        return self.market.corrections

    def take(self, found: Sequence[Event], entry: Entry) -> tuple[type[Event], ...]:
        """Performs the act that the first event tells of, and compares what it must leave with what
        it left. Returns the kinds of the events that it explains, the first at least."""
        first, name = found[0], type(found[0]).__name__
        try:
            due = list(self._due(_act(found, entry, self.address)))
        except (NotAllowedError, ValueError) as error:
            self.findings.add(name, "", f"not allowed, {error}", first, first.at)
            return (type(first),)
        return self._compare(due, found)

    def _compare(self, due: Sequence[Event], found: Sequence[Event]) -> tuple[type[Event], ...]:
        taken: list[type[Event]] = []
        for one in due:
            event = found[len(taken)] if len(taken) < len(found) else None
            if event is None or type(event) is not type(one):
                self.findings.add(type(one).__name__, "", one, NOTHING, found[0].at)
                continue
            self._compare_fields(one, event)
            taken.append(type(event))
        if not taken:
            self.findings.add("an event", "", NOTHING, found[0], found[0].at)
        return tuple(taken) or (type(found[0]),)

    def _compare_fields(self, one: Event, event: Event) -> None:
        name, values = type(one).__name__, values_of(one)
        if isinstance(event, events.SessionCorrected):
            version: Version = values.pop("corrected")
            self.findings.compare(name, values_of(version), event.corrected, event.at)
        self.findings.compare(name, values, event, event.at)

    # --------------------------------------------------------------------------------- what is due

    def _due(self, act: Act) -> Iterator[Event]:
        """Raises `NotAllowedError`."""
        match act.event:
            case events.SessionDisputed():
                yield self._dispute(act, act.event)
            case events.CorrectionProposed() | events.CorrectionConsented() as event:
                yield from self._agree(act, event)
            case events.SessionCorrected() | events.SessionMeterVerified() as event:
                yield from self._prove(act, event.station, event.session)
            case _:  # a proof that was refused changed nothing
                yield act.event

    def _dispute(self, act: Act, event: events.SessionDisputed) -> Event:
        by = self._sender(act, event.by, ("dispute", "disputeVersion"))
        self.rules.dispute(event.station, event.session, by, act.now)
        said = event.reason, event.evidence
        if act.direct:
            arguments = act.asked[0].arguments
            said = arguments.word(1), arguments.word(2).to_bytes(32, "big")
        return events.SessionDisputed(event.at, event.station, event.session, by, *said)

    def _agree(
        self, act: Act, event: events.CorrectionProposed | events.CorrectionConsented
    ) -> Iterator[Event]:
        key, at = (event.station, event.session), event.at
        present = self.rules.present(*key, act.now)
        change = self._change(act, event, present)
        if change is None:
            self._consented(act, event, present)
            self.rules.consent(event.content, event.by)
            yield event
            return
        proposes = isinstance(event, events.CorrectionProposed)
        by = event.by
        if proposes:
            by = self._sender(act, by, ("propose", "proposeVersion"))
        else:
            by = self._consented(act, event, present)
        outcome = self.rules.agree(*key, change, by, act.now)
        after, content = outcome.version, outcome.version.content
        if proposes:
            yield events.CorrectionProposed(at, *key, by, after.number, content, change)
        if outcome.consents:
            yield events.CorrectionConsented(at, *key, by, content)
        yield from self._in_force(outcome, at)

    def _prove(self, act: Act, station: StationId, session: int) -> Iterator[Event]:
        self.rules.present(station, session, act.now)
        evidence = self.rules.evidence(station, session)
        proofs = (proof for asked in act.asked for proof in proofs_in(asked))
        brought = next((p for p in proofs if sha256(p.text(2)).digest() == evidence), None)
        if brought is None:
            named = (evidence or b"").hex() or "none"
            raise NotAllowedError("WrongRecord", f"no record of digest {named} in the input")
        key = self._meter_key(station)
        record = ocmf.read(brought.text(2), brought.word(3), brought.text(4), key)
        outcome, at = self.rules.prove(station, session, record, act.now), act.event.at
        yield from self._in_force(outcome, at)
        yield events.SessionMeterVerified(at, station, session, record.digest)

    def _in_force(self, outcome: Outcome, at: LogPosition) -> Iterator[Event]:
        """What the ledger logs stands behind what it was told."""
        if not outcome.in_force:
            return
        self.in_force.append(outcome)
        v = outcome.version
        yield events.SessionCorrected(at, v.station, v.session, v.number, v.content, v)
        for claim in outcome.claims:
            yield events.ClaimOpened(at, claim.payer, claim.payee, claim.amount)

    def _meter_key(self, station: StationId) -> MeterKey:
        stations = self.market.registry.stations
        meter = stations.meter_of[station]
        key = stations.meters.keys.get(meter)
        if key is None or key.curve == MeterCurve.NONE:
            raise NotAllowedError("NoMeterKey", meter.hex())
        return key

    # ------------------------------------------------------------------------------------ who acts

    def _sender(self, act: Act, by: ParticipantId, functions: Sequence[str]) -> ParticipantId:
        """Who acts by a call of one of these functions; `by` is what the event says."""
        if act.direct:
            called = act.asked[0].function if act.asked else "nothing"
            require(called in functions, called, f"it is no {' or '.join(functions)}")
            return self._owner(act.sender)
        self._note(act, by)
        return by

    def _consented(
        self,
        act: Act,
        event: events.CorrectionProposed | events.CorrectionConsented,
        present: Version,
    ) -> ParticipantId:
        """Who consents, by its account or by its signature."""
        if act.direct and act.asked and act.asked[0].function != "consentBySignature":
            return self._sender(act, event.by, ("consent",))
        account = self.market.registry.participants[event.by].account
        for asked in act.asked:
            if asked.function == "consentBySignature" and asked.arguments.word(2) == event.by:
                until, signature = asked.arguments.word(3), asked.arguments.text(4)
                require(act.now <= until, "ConsentExpired", f"{until}")
                number = present.number + 1
                key = event.station, event.session
                said = Consent(*key, number, event.content, event.by, until)
                digest = said.digest(self.chain_id, self.address)
                if len(signature) == SIGNATURE_BYTES and recover(digest, signature) == account:
                    return event.by
        self._note(act, event.by)
        return event.by

    def _owner(self, account: Address) -> ParticipantId:
        number = self.market.registry.participants.by_account.get(account, NOBODY)
        require(number != NOBODY, "NotAParticipant", account)
        return number

    def _note(self, act: Act, by: ParticipantId) -> None:
        account = self.market.registry.participants[by].account
        subject = f"{type(act.event).__name__}.by: participant {by}"
        at = act.event.at
        self.words.append(Word(subject, account, at.block, at.tx_hash))

    # ------------------------------------------------------------------------------ what is changed

    def _change(
        self,
        act: Act,
        event: events.CorrectionProposed | events.CorrectionConsented,
        present: Version,
    ) -> Correction | None:
        """What was asked for; through another contract, what the event's content is the hash of."""
        asked = [a.arguments for a in act.asked if a.function in _AGREEMENTS]
        if act.direct and asked:
            return _change_in(asked[0])
        for change in self._changes(asked, event, act.behind):
            if self._content(present, change, act.now) == event.content:
                return change
        return None

    def _changes(
        self, asked: Sequence[Place], event: Event, behind: Sequence[Event]
    ) -> Iterator[Correction]:
        for arguments in asked:
            try:
                yield _change_in(arguments)
            except ValueError:  # the bytes of a selector by chance
                continue
        if isinstance(event, events.CorrectionProposed):
            yield event.change
        for one in behind:
            if isinstance(one, events.SessionCorrected):
                v = one.corrected
                assignments = tuple(Assignment(s.supplier, s.until) for s in v.shares)
                yield Correction(v.time, assignments, v.readings)

    def _content(self, present: Version, change: Correction, now: Timestamp) -> Bytes32 | None:
        try:
            return self.rules.draft(present, change, now)[0].content
        except NotAllowedError:
            return None


def _act(found: Sequence[Event], entry: Entry, address: Address) -> Act:
    sent, first = entry.sent, found[0]
    if sent is None:
        raise ValueError("no transaction is known")
    direct = sent.to == address
    asked = tuple(calls_in(sent.calldata, direct=direct))
    return Act(first, found[1:], direct, asked, sent.sender, entry.block.time)


def _change_in(arguments: Place) -> Correction:
    """The second argument of a proposal or consent. Raises `ValueError`."""
    change = arguments.inner(1)
    items, count = change.inner(1).items()
    words = range(0, 2 * count, 2)
    assignments = tuple(Assignment(items.word(i), items.word(i + 1)) for i in words)
    return Correction(change.word(0), assignments, change.text(2))
