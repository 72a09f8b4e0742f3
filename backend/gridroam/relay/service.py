"""The relay's parts, put together: node, ledger, database, door, sender. Knows no HTTP."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from gridroam.chain.heads import Heads
from gridroam.chain.ledger import Ledger
from gridroam.chain.node import connect, websockets_of
from gridroam.chain.outgoing import Head, Outgoing
from gridroam.chain.signer import Nobody, Signer
from gridroam.errors import ChainError, StoreError
from gridroam.messages import Domain
from gridroam.relay import account, metrics, problems
from gridroam.relay.choice import Bounds
from gridroam.relay.crew import Crew
from gridroam.relay.door import Door
from gridroam.relay.fees import FeePolicy
from gridroam.relay.flights import Flights, Route
from gridroam.relay.intake import Intake
from gridroam.relay.log import log
from gridroam.relay.pace import Pace
from gridroam.relay.purse import Purse
from gridroam.relay.sender import Sender, Tempo
from gridroam.relay.sight import Finality, Sight
from gridroam.relay.watch import Watch
from gridroam.settings import RelaySettings
from gridroam.store.batches import Batches
from gridroam.store.bell import Bell
from gridroam.store.engine import Store
from gridroam.store.outbox import Counts, Outbox
from gridroam.store.outcome import Outcome
from gridroam.store.search import Search
from gridroam.store.senders import Funds, Lease, Senders, SenderState

_GWEI = 10**9
_LOOK_SECONDS = 0.25
"""However many ask for the relay's condition, the node is not asked more often."""
_TOLD_SECONDS = 1.0
"""Between questions for what is under way, where a websocket tells of new blocks."""


@dataclass(frozen=True, slots=True)
class Condition:
    """How the relay is doing. What depends on the node is `None` while it does not answer."""

    counts: Counts
    head: Head | None
    balance: int | None


class Relay:
    """Serves one ledger from one database, and sends from the accounts that it has keys of."""

    def __init__(
        self, settings: RelaySettings, ledger: Ledger, signers: Sequence[Signer], store: Store
    ) -> None:
        self.settings = settings
        self.ledger = ledger
        self.outbox = Outbox(store)
        self.search = Search(store)
        self._store = store
        self._senders = Senders(store)
        self._signers = signers
        self._asking = self._outgoing(Nobody())
        self._looked = float("-inf")
        self._chain: tuple[Head | None, int | None] = (None, None)
        self.on_decided: Callable[[], None] = lambda: None
        """Called from any thread when there may be new outcomes."""

    @classmethod
    def open(cls, settings: RelaySettings) -> "Relay":
        """Raises a `GridroamError` for whatever is missing: node, ledger, account, database."""
        w3 = connect(settings.rpc, timeout=settings.rpc_seconds, chain_id=settings.chain_id)
        ledger = Ledger.connect(w3, settings.ledger)
        signers = account.load(settings, ledger.domain.chain_id) if settings.send else []
        store = Store.open(settings.db)
        store.observe = metrics.database
        try:
            Outbox(store).claim(ledger.domain.chain_id, ledger.address)
        except StoreError:
            store.close()
            raise
        return cls(settings, ledger, signers, store)

    @property
    def domain(self) -> Domain:
        return self.ledger.domain

    @property
    def sender(self) -> str:
        """The address of the first account that this process has a key of; empty without one."""
        return self._signers[0].address if self._signers else ""

    def senders(self) -> list[SenderState]:
        """All accounts that send from this database, of whatever process."""
        return self._senders.all()

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        self.watch = Watch(loop)
        door = Door(
            self.ledger,
            self.outbox,
            self._asking,
            self._senders,
            refusals_per_minute=self.settings.refusals_per_minute,
            max_waiting=self.settings.max_waiting,
            messages_per_minute=self.settings.station_messages_per_minute,
            recovering_processes=self.settings.recovering_processes,
        )
        self._trails = door.trails
        seconds = self.settings.lease_seconds
        self._crew = Crew(self._signers, self._senders, self._hire, seconds)
        self.intake = Intake(door, self._crew.wake)
        self._heard = self.search.end_of_feed()
        self._bell = Bell(self._store, self._hear)
        self._heads = [Heads(url, self._crew.wake) for url in websockets_of(self.settings.rpc)]
        self._crew.start()
        for heads in self._heads:
            heads.start()
        self._bell.start()
        self.intake.start()
        log.info("the relay serves", ledger=self.ledger.address, senders=len(self._signers))

    def stop(self) -> None:
        """Answers what has arrived; what is under way goes on at the next start."""
        self.intake.stop()
        self._bell.stop()
        for heads in self._heads:
            heads.stop()
        self._crew.stop()
        self._store.close()

    # ---------------------------------------------------------------------------------- Condition

    def condition(self) -> Condition:
        counts = self.outbox.counts()
        now = time.monotonic()
        if now - self._looked > _LOOK_SECONDS:
            self._chain = self._look_at_chain()
            self._looked = now
        return Condition(counts, *self._chain)

    def _look_at_chain(self) -> tuple[Head | None, int | None]:
        try:
            balance = self._outgoing(self._signers[0]).balance() if self._signers else None
            return self._asking.head(), balance
        except ChainError:
            return None, None

    def checks(self) -> dict[str, str]:
        """What it takes to be ready, each `ok` or what is wrong."""
        found = dict.fromkeys(("node", "database", "sender"), "ok")
        try:
            self.outbox.probe()
            found["sender"] = _about(self._senders.all())
        except StoreError as error:
            log.warning("not ready", database=error.message)
            found["database"] = problems.STORE_FAILS
        try:
            self._asking.head()
        except ChainError as error:
            log.warning("not ready", node=error.message)
            found["node"] = problems.NODE_FAILS
        return found

    # ------------------------------------------------------------------------------------- Parts

    def _hire(self, signer: Signer, lease: Lease) -> Sender:
        outgoing = self._outgoing(signer)
        chosen = self.settings
        batches = Batches(self._store, lease)
        pace = Pace(chosen.batch_messages)
        fees = FeePolicy(outgoing, chosen.max_fee_gwei * _GWEI)
        sight = Sight(outgoing, Finality(chosen.finality), chosen.confirmations)
        purse = Purse(
            outgoing,
            fees,
            lambda balance, funds: self._senders.describe(lease, balance, funds),
            batch_gas=pace.limit(chosen.batch_gas),
            low=chosen.low_balance_batches,
        )
        route = Route(self.ledger, outgoing, sight, fees, chosen.replace_seconds)
        flights = Flights(route, batches, self._publish, pace)
        tempo = Tempo(self._bounds(), chosen.in_flight, self._poll_seconds)
        return Sender(flights, batches, pace, purse, tempo)

    def _outgoing(self, signer: Signer) -> Outgoing:
        return Outgoing(self.ledger.w3, signer, self.ledger.address, self.domain.chain_id)

    def _poll_seconds(self) -> float:
        told = any(heads.is_connected for heads in self._heads)
        return _TOLD_SECONDS if told else self.settings.poll_seconds

    def _bounds(self) -> Bounds:
        return Bounds(
            self.settings.batch_messages,
            self.settings.batch_gas,
            int(self.settings.batch_seconds * 1000),
        )

    # -------------------------------------------------------------------------------------- News

    def _publish(self, outcomes: Mapping[bytes, Outcome], rejected: set[int]) -> None:
        self._trails.distrust(rejected)
        self.watch.publish(outcomes)
        self.on_decided()

    def _hear(self, news: set[str]) -> None:
        """What other processes on the database have done, or may have."""
        if "stored" in news:
            self._crew.wake()
        if news == {"stored"}:
            return
        self._heard, rejected = self.search.rejected_since(self._heard)
        self._trails.distrust(rejected)
        self.on_decided()
        if awaited := self.watch.awaited():
            known = self.outbox.known(awaited)
            self.watch.publish({d: o for d, o in known.items() if o.status.decided})


def _about(senders: Sequence[SenderState]) -> str:
    held = [sender for sender in senders if sender.held]
    if not held:
        return "No process sends from any account."
    if all(sender.funds is Funds.EMPTY for sender in held):
        addresses = ", ".join(sender.address for sender in held)
        return f"{addresses} cannot pay for a batch."
    return "ok"
