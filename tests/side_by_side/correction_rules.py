"""Who may dispute, agree and prove what, and what the rules make of it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from records import Printed
from side import SOMEWHERE, Side
from tales import Key, Tale

from gridroam.chain import events
from gridroam.chain.events import Event
from gridroam.domain.corrections import Corrections, Outcome
from gridroam.domain.meters import MeterCurve
from gridroam.domain.units import Address, Bytes32, ParticipantId, Timestamp
from gridroam.domain.version import Correction, Version
from gridroam.domain.violation import require
from gridroam.evidence import ocmf
from gridroam.messages import Consent
from gridroam.signatures import recover


@dataclass(frozen=True)
class Proof:
    """`ICorrections.Proof`."""

    tale: Tale
    present: tuple[Version, ...]
    record: Printed

    def as_argument(self) -> tuple[Any, ...]:
        versions = [argument(version) for version in self.present]
        text, signature = self.record.text, self.record.signature
        return self.tale.as_argument(), versions, text, 0, signature


class CorrectionRules(Side):
    """See `Rules`."""

    @property
    def corrections(self) -> Corrections:
        return self.market.corrections

    def dispute(
        self, sender: Address, tale: Tale, reason: int, evidence: Bytes32
    ) -> Iterator[Event]:
        self._require_first(tale)
        yield self._dispute(sender, tale.key, reason, evidence)

    def dispute_version(
        self, sender: Address, present: Version, reason: int, evidence: Bytes32
    ) -> Iterator[Event]:
        yield self._dispute(sender, self._require_present(present), reason, evidence)

    def _dispute(self, sender: Address, key: Key, reason: int, evidence: Bytes32) -> Event:
        by = self.caller(sender)
        self.corrections.dispute(*key, by, self.now)
        return events.SessionDisputed(SOMEWHERE, *key, by, reason, evidence)

    def propose(self, sender: Address, tale: Tale, change: Correction) -> Iterator[Event]:
        self._require_first(tale)
        yield from self._agree(tale.key, change, self.caller(sender), proposes=True)

    def propose_version(
        self, sender: Address, present: Version, change: Correction
    ) -> Iterator[Event]:
        key = self._require_present(present)
        yield from self._agree(key, change, self.caller(sender), proposes=True)

    def consent(self, sender: Address, present: Version, change: Correction) -> Iterator[Event]:
        key = self._require_present(present)
        yield from self._agree(key, change, self.caller(sender), proposes=False)

    def consent_by_signature(
        self,
        sender: Address,
        present: Version,
        change: Correction,
        participant: ParticipantId,
        until: Timestamp,
        signature: bytes,
    ) -> Iterator[Event]:
        key = self._require_present(present)
        require(self.now <= until, "ConsentExpired", f"{until}")
        content = self.corrections.draft(present, change, self.now)[0].content
        said = Consent(*key, present.number + 1, content, participant, until)
        signer = recover(said.digest(self.chain_id, self.corrections_address), signature)
        require(signer == self.participants[participant].account, "BadConsent", f"{signer}")
        yield from self._agree(key, change, participant, proposes=False)

    def _agree(
        self, key: Key, change: Correction, by: ParticipantId, *, proposes: bool
    ) -> Iterator[Event]:
        outcome = self.corrections.agree(*key, change, by, self.now)
        after, content = outcome.version, outcome.version.content
        if proposes:
            yield events.CorrectionProposed(SOMEWHERE, *key, by, after.number, content, change)
        if outcome.consents:
            yield events.CorrectionConsented(SOMEWHERE, *key, by, content)
        yield from _in_force(outcome)

    def prove(self, sender: Address, proof: Proof) -> Iterator[Event]:
        key, brought = proof.tale.key, proof.record
        if self.corrections.standing(*key).on_file:
            require(proof.present, "OnFile", f"{key}")
            require(self._require_present(proof.present[0]) == key, "WrongSession", f"{key}")
        meters = self.stations.meters
        meter = meters.keys.get(self.stations.meter_of[key[0]])
        require(meter is not None and meter.curve != MeterCurve.NONE, "NoMeterKey", f"{key}")
        record = ocmf.read(brought.text, 0, brought.signature, meter)  # type: ignore[arg-type]
        yield from _in_force(self.corrections.prove(*key, record, self.now))
        yield events.SessionMeterVerified(SOMEWHERE, *key, record.digest)

    def _require_first(self, tale: Tale) -> None:
        """Its story counts as long as nobody acted on the session."""
        require(not tale.cut, "IncompleteStory", f"{tale.key}")
        require(not self.corrections.standing(*tale.key).on_file, "OnFile", f"{tale.key}")

    def _require_present(self, version: Version) -> Key:
        key = version.station, version.session
        standing = self.corrections.standing(*key)
        right = standing.on_file and standing.content == version.content
        require(right, "NotPresent", version.content.hex())
        return key


def argument(value: Any) -> tuple[Any, ...]:
    """A version as the ABI has it."""
    names = value.__slots__
    plain = {name: getattr(value, name) for name in names}
    shares = [tuple(getattr(s, n) for n in s.__slots__) for s in value.shares]
    return tuple((plain | {"shares": shares}).values())


def _in_force(outcome: Outcome) -> Iterator[Event]:
    if outcome.in_force:
        v = outcome.version
        yield events.SessionCorrected(SOMEWHERE, v.station, v.session, v.number, v.content, v)
        for claim in outcome.claims:
            yield events.ClaimOpened(SOMEWHERE, claim.payer, claim.payee, claim.amount)
