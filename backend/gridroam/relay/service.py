"""The relay's parts, put together: node, ledger, database, door, sender. Knows no HTTP."""

import asyncio
from dataclasses import dataclass

from eth_account.signers.local import LocalAccount

from gridroam.chain.ledger import Ledger
from gridroam.chain.node import connect
from gridroam.chain.outgoing import Head, Outgoing
from gridroam.errors import ChainError, StoreError
from gridroam.messages import Domain
from gridroam.relay import account
from gridroam.relay.choice import Bounds
from gridroam.relay.door import Door
from gridroam.relay.flights import Flights, Terms
from gridroam.relay.intake import Intake
from gridroam.relay.log import log
from gridroam.relay.pace import Pace
from gridroam.relay.sender import Sender
from gridroam.relay.watch import Watch
from gridroam.settings import RelaySettings
from gridroam.store.batches import Batches
from gridroam.store.engine import Store
from gridroam.store.outbox import Counts, Outbox

_GWEI = 10**9


@dataclass(frozen=True, slots=True)
class Condition:
    """How the relay is doing. What depends on the node is `None` while it does not answer."""

    counts: Counts
    head: Head | None
    balance: int | None


class Relay:
    """Serves one ledger from one account and one database."""

    def __init__(
        self, settings: RelaySettings, ledger: Ledger, sender: LocalAccount, store: Store
    ) -> None:
        self.settings = settings
        self.ledger = ledger
        self.outbox = Outbox(store)
        self._store = store
        self._account = sender
        self._outgoing = Outgoing(ledger.w3, sender, ledger.address, self.domain.chain_id)

    @classmethod
    def open(cls, settings: RelaySettings) -> "Relay":
        """Raises a `GridroamError` for whatever is missing: node, ledger, account, database."""
        w3 = connect(settings.rpc, chain_id=settings.chain_id)
        ledger = Ledger.connect(w3, settings.ledger)
        sender = account.load(settings, ledger.domain.chain_id)
        store = Store.open(settings.db)
        try:
            Outbox(store).claim(ledger.domain.chain_id, ledger.address)
        except StoreError:
            store.close()
            raise
        return cls(settings, ledger, sender, store)

    @property
    def domain(self) -> Domain:
        return self.ledger.domain

    @property
    def sender(self) -> str:
        """The sending account's address."""
        return self._outgoing.address

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        self.watch = Watch(loop)
        batches = Batches(self._store, self.sender)
        pace = Pace(self.settings.batch_messages)
        flights = Flights(
            self.ledger,
            self._outgoing,
            batches,
            publish=self.watch.publish,
            terms=self._terms(),
            pace=pace,
        )
        self._sending = Sender(flights, batches, pace, self._bounds(), self.settings.in_flight)
        door = Door(
            self.ledger,
            self.outbox,
            self._outgoing,
            refusals_per_minute=self.settings.refusals_per_minute,
            max_waiting=self.settings.max_waiting,
        )
        self.intake = Intake(door, self._sending.wake)
        self._sending.start()
        self.intake.start()
        log.info("the relay serves", ledger=self.ledger.address, sender=self.sender)

    def stop(self) -> None:
        """Answers what has arrived; what is under way goes on at the next start."""
        self.intake.stop()
        self._sending.stop()
        self._store.close()

    def condition(self) -> Condition:
        counts = self.outbox.counts()
        try:
            return Condition(counts, self._outgoing.head(), self._outgoing.balance())
        except ChainError:
            return Condition(counts, None, None)

    def checks(self) -> dict[str, str]:
        """What it takes to be ready, each `ok` or what is wrong."""
        found = dict.fromkeys(("node", "database", "sender"), "ok")
        try:
            self.outbox.probe()
        except StoreError as error:
            found["database"] = error.message
        try:
            if self._outgoing.balance() < self._needed():
                found["sender"] = f"{self.sender} cannot pay for a batch."
        except ChainError as error:
            found["node"] = found["sender"] = error.message
        return found

    def _needed(self) -> int:
        return self.settings.batch_gas * self._outgoing.suggested_fees().max_fee

    def _terms(self) -> Terms:
        return Terms(
            self.settings.confirmations,
            self.settings.replace_seconds,
            self.settings.max_fee_gwei * _GWEI,
        )

    def _bounds(self) -> Bounds:
        return Bounds(
            self.settings.batch_messages,
            self.settings.batch_gas,
            int(self.settings.batch_seconds * 1000),
        )
