"""Batches that are under way: launched, followed until they are mined and deep enough, or given
back to the outbox when their nonce or their block is gone. What is done about one that is stuck is
in `stuck`.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from logging import DEBUG

from gridroam.chain.ledger import Ledger
from gridroam.chain.outgoing import Answer, Fees, Head, Outgoing, Receipt, calldata_of
from gridroam.chain.wallet import TX_GAS_LIMIT
from gridroam.domain.delivery import Status
from gridroam.errors import ChainError
from gridroam.relay import metrics, outcomes
from gridroam.relay.choice import Choice
from gridroam.relay.fees import FeePolicy
from gridroam.relay.isolation import culprits
from gridroam.relay.log import log
from gridroam.relay.pace import Pace
from gridroam.relay.sight import PATIENCE, Sight
from gridroam.store.batches import Batch, Batches, Claim, Place, State, Transaction, Waiting
from gridroam.store.outcome import Outcome, Times

Publish = Callable[[Mapping[bytes, Outcome], set[int]], None]
"""Hears of messages that were decided, by digest, and of the stations with a rejected one."""

_CHECK_SECONDS = 1.0
_NO_MESSAGE = b"\0"
"""What the ledger rejects, and never fails for."""


@dataclass(frozen=True, slots=True)
class Route:
    """Where batches go: the ledger, the account that sends, what is seen of the chain, the fees."""

    ledger: Ledger
    outgoing: Outgoing
    sight: Sight
    fees: FeePolicy
    replace_seconds: float


class Flights:
    """For one thread."""

    def __init__(self, route: Route, batches: Batches, publish: Publish, pace: Pace) -> None:
        self._ledger = route.ledger
        self._outgoing = route.outgoing
        self._sight = route.sight
        self._fees = route.fees
        self._replace_seconds = route.replace_seconds
        self._batches = batches
        self._publish = publish
        self._pace = pace
        self._history = outcomes.History(route.ledger)
        self._flying: list[Batch] = []
        self._mined: list[Batch] = []
        self._next_check = 0.0
        self._capped = 0
        self._doubted: dict[int, float] = {}
        self._not_taken: dict[int, Answer] = {}
        self._overtakes = False
        self._posting = ThreadPoolExecutor(1, "posting")

    def __len__(self) -> int:
        return len(self._flying)

    @property
    def unconfirmed(self) -> int:
        """Batches in blocks that may still vanish."""
        return len(self._mined)

    def load(self) -> None:
        """Goes on where the last process stopped."""
        self._flying = self._batches.in_state(State.SENT)
        self._mined = self._batches.in_state(State.MINED)
        self._sight.saw(self._batches.last_block())

    def close(self) -> None:
        self._posting.shutdown()

    # ------------------------------------------------------------------------------------ Launch

    def cleared_for_launch(self) -> tuple[int, Fees] | None:
        """The next nonce and what to offer; `None` where nothing should be sent now."""
        fees = self._fees.suggested() if self._outgoing.can_sign else None
        if fees is None:
            return None
        if not self._flying and (self._sight.look() is None or self._forgotten()):
            return None
        return self._free_nonce(), fees

    def _free_nonce(self) -> int:
        """Behind our own, also those whose block vanishes now; then behind whatever waits in the
        node, or in its place, where that has waited for too long."""
        own = max((batch.nonce for batch in (*self._flying, *self._mined)), default=-1) + 1
        if self._flying:
            return own
        if self._overtakes:
            return max(own, self._outgoing.mined_count())
        return max(own, self._outgoing.pending_count())

    def launch(self, claim: Claim, choice: Choice, nonce: int, fees: Fees) -> Batch:
        """Signs and writes down. Not sent yet: `post` it when the claim is durable."""
        limit = self._pace.limit(choice.gas)
        signed = self._sign(choice.messages, nonce, limit, fees)
        return claim.make(choice.messages, nonce, limit, signed)

    def post(self, batch: Batch) -> None:
        """In the background, while the next batch is made. What goes wrong there, the next check
        finds out."""
        self._flying.append(batch)
        metrics.batch_sent(batch.transactions[-1].max_fee, batch.transactions[-1].tip)
        metrics.sender_nonce(self._outgoing.address, batch.nonce + 1)
        self._posting.submit(self._post, batch)

    def _post(self, batch: Batch) -> None:
        try:
            self._send(batch)
        except ChainError as error:
            log.warning("a batch is not sent yet", batch=batch.id, problem=error.message)

    def _sign(self, messages: Sequence[Waiting], nonce: int, limit: int, fees: Fees) -> Transaction:
        data = self._ledger.submit_calldata([message.body for message in messages])
        signed = self._outgoing.sign(data, nonce, limit, fees)
        return Transaction(signed.hash, signed.raw, fees.max_fee, fees.tip, _now())

    def _send(self, batch: Batch) -> Answer:
        answer, said = self._outgoing.send(batch.transactions[-1].raw)
        if answer is Answer.TAKEN:
            self._not_taken.pop(batch.id, None)
        elif self._not_taken.get(batch.id) is not answer:  # asked every second: said once
            self._not_taken[batch.id] = answer
            log.warning(
                "the node does not take a batch", batch=batch.id, nonce=batch.nonce, it=said
            )
        return answer

    # ------------------------------------------------------------------------------------ Follow

    def follow(self) -> int:
        """How many came into blocks since the last call."""
        landed = 0
        while self._flying and (receipt := self._receipt(self._flying[0])):
            self._land(self._flying[0], receipt)
            del self._flying[0]
            landed += 1
        if time.monotonic() >= self._next_check:
            self._next_check = time.monotonic() + _CHECK_SECONDS
            self._check()
        return landed

    def _receipt(self, batch: Batch) -> Receipt | None:
        for transaction in reversed(batch.transactions):
            if receipt := self._outgoing.receipt(transaction.hash):
                return receipt
        return None

    def _land(self, batch: Batch, receipt: Receipt) -> None:
        self._doubted.pop(batch.id, None)
        self._not_taken.pop(batch.id, None)
        self._overtakes = False
        self._sight.saw(receipt.block)
        if not receipt.succeeded:
            self._failed(batch, receipt)
            return
        now = _now()
        decided = self._decided(batch, receipt)
        state = State.FINAL if self._sight.is_instant else State.MINED
        place = Place(receipt.block, receipt.block_hash)
        settled, decided = self._batches.settle(batch, place, state, decided, now)
        if state is State.MINED:
            self._mined.append(settled)
        _log(batch, receipt, decided)
        self._tell(batch, decided, now if state is State.FINAL else None, now)
        _count(batch, receipt, decided, now)
        if state is State.FINAL:
            _count_final([batch], now)
        self._pace.succeeded()

    def _decided(self, batch: Batch, receipt: Receipt) -> dict[int, Outcome]:
        contents: list[Waiting | None] = list(batch.messages)
        if outcomes.number_of(receipt, self._ledger.address) != len(contents):
            contents = self._contents(batch, receipt)
        found = outcomes.of_receipt(receipt, contents, self._ledger.address)
        return {
            message.id: self._recognised(message, outcome)
            for message, outcome in zip(contents, found, strict=True)
            if message is not None
        }

    def _contents(self, batch: Batch, receipt: Receipt) -> list[Waiting | None]:
        """What its transaction holds: a message may have moved on to a later batch since then, and
        is not in the transactions that were signed after that."""
        known = {message.body: message for message in batch.messages}
        raw = next(t.raw for t in batch.transactions if t.hash == receipt.tx_hash)
        return [known.get(body) for body in self._ledger.decode_submit(calldata_of(raw))]

    def _tell(
        self, batch: Batch, decided: Mapping[int, Outcome], final: int | None, now: int
    ) -> None:
        ours = [m for m in batch.messages if m.id in decided and decided[m.id].status.decided]
        rejected = {m.station for m in ours if decided[m.id].status is Status.REJECTED}
        times = partial(Times, sent=batch.made_at, mined=now, final=final)
        self._publish(_Timed({m.digest: m for m in ours}, decided, times), rejected)

    def _recognised(self, message: Waiting, outcome: Outcome) -> Outcome:
        """A message that was accepted before is accepted, whoever had sent it. Where that cannot
        be found out now, the batch is read again later."""
        if outcome.reason not in outcomes.PERHAPS_BEFORE:
            return outcome
        return self._history.find(message.body) or outcome

    # ------------------------------------------------------------------------- When a batch fails

    def _failed(self, batch: Batch, receipt: Receipt) -> None:
        """More gas; or, where there is no more, without the messages that make it fail."""
        metrics.batch_failed()
        log.error("a batch failed", batch=batch.id, gas=receipt.gas_used, limit=batch.gas)
        refused = self._culprits(batch) if batch.gas >= TX_GAS_LIMIT else []
        if refused:
            self._batches.refuse(batch, refused)
            for message in refused:
                log.error(
                    "a message fails in any batch and is refused",
                    digest=message.digest.hex(),
                    station=message.station,
                )
            gone = Outcome(Status.REFUSED)
            self._publish({m.digest: gone for m in refused}, {m.station for m in refused})
        else:
            self._batches.give_back([batch])
            metrics.batch_returned()
            self._pace.failed(len(batch.messages), batch.gas)

    def _culprits(self, batch: Batch) -> list[Waiting]:
        if self._simulation_fails([_NO_MESSAGE]):
            log.error("the ledger takes no batch at all", batch=batch.id)
            return []
        return culprits(batch.messages, self._fails)

    def _fails(self, messages: Sequence[Waiting]) -> bool:
        return self._simulation_fails([message.body for message in messages])

    def _simulation_fails(self, bodies: Sequence[bytes]) -> bool:
        data = self._ledger.submit_calldata(bodies)
        return self._outgoing.fails(data, TX_GAS_LIMIT)

    # --------------------------------------------------------------------------- When it is stuck

    def _check(self) -> None:
        head = self._sight.look()
        if head is None:
            return
        self._confirm(head)
        if self._flying:
            self._look_after(self._flying[0])
        else:
            self._forgotten()

    def _look_after(self, oldest: Batch) -> None:
        mined = self._outgoing.mined_count()
        if mined <= oldest.nonce:
            self._doubted.pop(oldest.id, None)
        if mined < oldest.nonce and not self._is_behind_others(oldest, mined):
            self._give_back_from(mined)
        elif mined <= oldest.nonce:
            self._urge(oldest)
        elif self._receipt(oldest) is None and self._is_certain(oldest):
            log.warning("another transaction took the nonce", batch=oldest.id, nonce=oldest.nonce)
            self._flying.remove(oldest)
            self._batches.give_back([oldest])
            metrics.batch_returned()

    def _is_behind_others(self, oldest: Batch, mined: int) -> bool:
        """Whether the nonces that the chain lacks before ours are of transactions that are not
        ours to send: a stranger's, or of batches that went back to the outbox."""
        ours = self._batches.last_nonce(before=oldest.nonce)
        if ours is not None and ours >= mined:
            return False
        self._overtakes = _age(oldest) > self._replace_seconds
        return not self._overtakes and self._outgoing.pending_count() >= oldest.nonce

    def _is_certain(self, batch: Batch) -> bool:
        """Whether the nonce has been another's for some time: nodes find receipts late, too."""
        now = time.monotonic()
        return now - self._doubted.setdefault(batch.id, now) >= PATIENCE

    def _urge(self, oldest: Batch) -> None:
        for batch in list(self._flying):
            if batch not in self._flying:
                return  # it went back to the outbox with one before
            if _age(batch) < _CHECK_SECONDS:
                continue  # it may be on its way to the node
            known = self._outgoing.is_known(batch.transactions[-1].hash)
            if not known and self._send(batch) is Answer.UNDERPRICED:
                self._replace(batch)
        if _age(oldest) > self._replace_seconds and oldest in self._flying:
            self._replace(oldest)

    def _replace(self, batch: Batch) -> None:
        if not self._outgoing.can_sign:
            self._give_back_from(batch.nonce)  # for an account whose key is here
            return
        former = batch.transactions[-1]
        fees = self._fees.replacing(Fees(former.max_fee, former.tip))
        if fees is None:
            if batch.id != self._capped:
                log.error("a batch waits: the fee cap is reached", batch=batch.id)
            self._capped = batch.id
            return
        signed = self._sign(batch.messages, batch.nonce, batch.gas, fees)
        replaced = self._batches.add_transaction(batch, signed)
        self._flying[self._flying.index(batch)] = replaced
        metrics.transaction_replaced(fees.max_fee, fees.tip)
        log.info("a batch is replaced", batch=batch.id, nonce=batch.nonce, max_fee=fees.max_fee)
        self._send(replaced)

    def _forgotten(self) -> bool:
        """With nothing under way, every nonce of ours has to be in the chain."""
        mined, last = self._outgoing.mined_count(), self._batches.last_nonce()
        if last is None or mined > last:
            return False
        self._give_back_from(mined)
        return True

    def _give_back_from(self, nonce: int) -> None:
        """The chain has forgotten transactions: a deep reorg, or a node without its state."""
        given = self._batches.give_back_from(nonce)
        self._flying, self._mined = [], [b for b in self._mined if b.nonce < nonce]
        metrics.batch_returned(given)
        log.error("the chain lost batches, they are sent again", batches=given, nonce=nonce)

    # --------------------------------------------------------------------------------- Finality

    def _confirm(self, head: Head) -> None:
        if not self._mined:
            return
        if not self._stands(self._mined[-1]):
            for batch in list(self._mined):
                if not self._stands(batch):
                    self._land_again(batch)
        final = self._sight.final_block(head)
        deep = [batch for batch in self._mined if _is_within(batch, final)]
        if deep:
            now = _now()
            self._batches.confirm(deep, now)
            _count_final(deep, now)
            self._mined = [batch for batch in self._mined if not _is_within(batch, final)]

    def _stands(self, batch: Batch) -> bool:
        """Whether its block is in the chain; then all before it are, too."""
        return batch.block is not None and (
            self._outgoing.block_hash(batch.block) == batch.block_hash
        )

    def _land_again(self, batch: Batch) -> None:
        """Its block is no longer in the chain; its transaction may be in another one. Where that
        cannot be found out or written down now, it is still there to be asked for again."""
        log.warning("a block vanished", batch=batch.id, block=batch.block)
        if receipt := self._receipt(batch):
            self._land(batch, receipt)
        else:
            self._flying.append(self._batches.reopen(batch))
            self._flying.sort(key=lambda flying: flying.nonce)
        self._mined.remove(batch)
        self._mined.sort(key=lambda mined: mined.nonce)
        metrics.block_vanished()


class _Timed(Mapping[bytes, Outcome]):
    """Outcomes by digest, with their times; made when somebody wants one, which is seldom."""

    def __init__(
        self,
        messages: Mapping[bytes, Waiting],
        decided: Mapping[int, Outcome],
        times: Callable[[int], Times],
    ) -> None:
        self._messages, self._decided, self._times = messages, decided, times

    def __getitem__(self, digest: bytes) -> Outcome:
        message = self._messages[digest]
        return replace(self._decided[message.id], times=self._times(message.stored_at))

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._messages)

    def __len__(self) -> int:
        return len(self._messages)


def _now() -> int:
    return time.time_ns() // 1_000_000


def _is_within(batch: Batch, block: int) -> bool:
    """Whether it stands in this block or one before."""
    return batch.block is not None and batch.block <= block


def _age(batch: Batch) -> float:
    """Seconds since its latest transaction was signed."""
    return (_now() - batch.transactions[-1].sent_at) / 1000


def _count(batch: Batch, receipt: Receipt, decided: Mapping[int, Outcome], now: int) -> None:
    sent = batch.transactions[0].sent_at
    metrics.batch_mined(len(decided), receipt.gas_used, receipt.gas_price, (now - sent) / 1000)
    final = [
        (message, outcome)
        for message in batch.messages
        if (outcome := decided.get(message.id)) is not None and outcome.status.decided
    ]
    for (status, reason), number in Counter((o.status, o.reason) for _, o in final).items():
        metrics.messages_decided(status.value, reason.slug if reason else None, number)
    for stored_at, number in Counter(message.stored_at for message, _ in final).items():
        metrics.messages_mined((now - stored_at) / 1000, number)
    if log.isEnabledFor(DEBUG):
        for message, outcome in final:
            log.debug(
                "a message is decided",
                digest=message.digest.hex(),
                station=message.station,
                status=outcome.status.value,
                batch=batch.id,
            )


def _count_final(batches: Sequence[Batch], now: int) -> None:
    metrics.batch_final(len(batches))
    stored = Counter(message.stored_at for batch in batches for message in batch.messages)
    for stored_at, number in stored.items():
        metrics.messages_final((now - stored_at) / 1000, number)


def _log(batch: Batch, receipt: Receipt, decided: Mapping[int, Outcome]) -> None:
    rejected = [
        m for m in batch.messages if m.id in decided and decided[m.id].status is Status.REJECTED
    ]
    log.info(
        "a batch is mined",
        batch=batch.id,
        block=receipt.block,
        messages=len(batch.messages),
        rejected=len(rejected),
        gas=receipt.gas_used,
    )
    for message in rejected:
        reason = decided[message.id].reason
        log.info(
            "a message is rejected",
            digest=message.digest.hex(),
            station=message.station,
            reason=reason.slug if reason else None,
        )
