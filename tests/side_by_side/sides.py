"""Both sides: each step is taken on either, and then nothing may differ."""

from collections.abc import Iterator
from copy import deepcopy

from acts import Act, arguments_of, sender_of
from deployment import Contracts, Outcome
from fleet import Fleet
from moves import Batch
from records import Printed
from rules import Rules
from setting import STRANGER
from side import SOMEWHERE
from tales import Tale, Tales
from tally import Tally
from views import compare_views

from gridroam.audit import batches
from gridroam.audit.batches import Derived
from gridroam.audit.compare import compare_state
from gridroam.audit.difference import Findings
from gridroam.audit.signatures import authenticate
from gridroam.chain.events import Event, SessionCorrected, SessionExpired
from gridroam.domain.decision import Decision, Rejected
from gridroam.domain.market import Market
from gridroam.domain.reasons import Reason
from gridroam.domain.session import Session


class Sides:
    """At the start of one run."""

    def __init__(self, contracts: Contracts, start: Market, tally: Tally) -> None:
        contracts.restart()
        self.contracts = contracts
        self.rules = Rules(
            market=deepcopy(start),
            governance=contracts.governance,
            vault=contracts.addresses["Vault"].lower(),
            held=contracts.held(),
            now=contracts.now + 1,
            chain_id=contracts.ledger.domain.chain_id,
            corrections_address=contracts.addresses["Corrections"].lower(),
        )
        self.tales = Tales()
        self.fleet = Fleet(contracts.ledger.domain)
        self.tally = tally

    def perform(self, act: Act) -> None:
        """A call of a function of the contracts."""
        sender, arguments = sender_of(act, self.rules), arguments_of(act, self.rules)
        expected, error = self.rules.perform(sender, act.function, arguments)
        outcome = self.contracts.send(sender, act.function, arguments, self.rules.now)
        said = f"{act.function}{tuple(arguments)} by {sender}"
        assert bool(outcome.error) == bool(error), f"{said}: {outcome.error=}, by the rules {error}"
        self.tally.act(act.function, error)
        if not error:
            self._compare([Derived(event, None, "") for event in expected], outcome)
            self._tell(expected)
        self.rules.now += 1

    def _tell(self, happened: list[Event]) -> None:
        self.tally.corrections(happened)
        for event in happened:
            if isinstance(event, SessionCorrected):
                self.tales.by_key[event.station, event.session].versions.append(event.corrected)
            if isinstance(event, SessionExpired):
                market, key = self.rules.market, (event.station, event.session)
                meta = market.sessions[event.station].pinned.meta(self.rules.now)
                self.tales.expire(key, market.batch_count, meta)
                self._keep_version(key)

    def _keep_version(self, key: tuple[int, int]) -> None:
        present = self.rules.corrections.present(*key, self.rules.now)
        self.tales.by_key[key].versions.append(present)

    def ended(self, nth: int) -> tuple[Tale, Printed | None] | None:
        """A session that has ended, the last ones first, and its meter's record."""
        found = [tale for tale in reversed(self.tales.by_key.values()) if tale.versions]
        if not found:
            return None
        tale = found[nth % len(found)]
        return tale, self.fleet.records.get(tale.evidence)

    def submit(self, moves: Batch) -> None:
        """A batch, each message built on what the ones before it have done; or none."""
        if not moves:
            return
        packed: list[bytes] = []
        decisions: list[Decision] = []
        expected: list[Derived] = []
        for index, move in enumerate(moves):
            packed.append(self.fleet.pack(move, self.rules))
            decision, derived = self._decide(packed[-1], index)
            decisions.append(decision)
            expected.extend(derived)
        leaves = [decision.leaf for decision in decisions]
        recorded = self.rules.record_batch(leaves)
        self.tales.record(recorded.batch, leaves)
        for tale in self.tales.by_key.values():
            if tale.is_closed and not tale.versions:
                self._keep_version(tale.key)
        expected.append(Derived(recorded, None, ""))
        foretold = self.contracts.simulate(packed, self.rules.now)
        outcome = self.contracts.send(STRANGER, "submit", [packed], self.rules.now)
        assert not outcome.error
        self._compare(expected, outcome)
        reasons = [_reason(decision) for decision in decisions]
        assert foretold == reasons, f"{foretold=}, by the rules {reasons}"
        self.rules.now += 1

    def _decide(self, packed: bytes, index: int) -> tuple[Decision, Iterator[Derived]]:
        (received,) = authenticate(self.contracts.ledger.domain, [packed])
        decision = self.rules.market.process(
            received.message,
            received.digest,
            received.signer,
            self.rules.now,
            received.vehicle_signer,
        )
        station = received.message.station if received.message else 0
        session = self.rules.market.sessions.get(station, Session())
        self.tales.hear(packed, decision, session, self.rules.now)
        self.tally.decision(decision)
        return decision, batches.events_of(received, index, decision, SOMEWHERE)

    def _compare(self, derived: list[Derived], outcome: Outcome) -> None:
        findings, ledger = Findings(), self.contracts.ledger
        batches.compare(derived, outcome.events, findings)
        compare_state(self.rules.market, ledger, outcome.block, findings)
        compare_views(self.rules, ledger, outcome.block, findings)
        assert not findings.kept, "\n".join(map(str, findings.kept))
        assert self.contracts.held() == self.rules.held
        self.tally.step(self.rules.market)


def _reason(decision: Decision) -> Reason:
    return decision.reason if isinstance(decision, Rejected) else Reason.NONE
