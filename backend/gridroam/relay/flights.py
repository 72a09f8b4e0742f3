"""Batches that are under way: launched, followed until they are mined and deep enough, sent again,
replaced at a higher fee, or given back to the outbox when their nonce or their block is gone.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from gridroam.chain.ledger import Ledger
from gridroam.chain.outgoing import Answer, Fees, Outgoing, Receipt
from gridroam.domain.delivery import Status
from gridroam.errors import ChainError, NodeUnreachableError
from gridroam.relay import outcomes
from gridroam.relay.choice import Choice
from gridroam.relay.log import log
from gridroam.relay.pace import Pace
from gridroam.store.batches import Batch, Batches, Place, State, Transaction, Waiting
from gridroam.store.outbox import Outcome

_CHECK_SECONDS = 1.0
_FEES_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Terms:
    """What is paid and waited for. `max_fee` in wei per gas: none is offered beyond it."""

    confirmations: int
    replace_seconds: float
    max_fee: int


class Flights:
    """For one thread. `publish` hears of messages that became final, by digest."""

    def __init__(
        self,
        ledger: Ledger,
        outgoing: Outgoing,
        batches: Batches,
        *,
        publish: Callable[[Mapping[bytes, Outcome]], None],
        terms: Terms,
        pace: Pace,
    ) -> None:
        self._ledger = ledger
        self._outgoing = outgoing
        self._batches = batches
        self._publish = publish
        self._terms = terms
        self._pace = pace
        self._history = outcomes.History(ledger)
        self._flying: list[Batch] = []
        self._mined: list[Batch] = []
        self._next_check = 0.0
        self._capped = 0
        self._posting = ThreadPoolExecutor(1, "posting")
        self._fees: tuple[float, Fees] = (0.0, Fees(0, 0))

    def __len__(self) -> int:
        return len(self._flying)

    @property
    def unconfirmed(self) -> int:
        """Batches in blocks that may still vanish."""
        return len(self._mined)

    def load(self) -> None:
        """Goes on where the last process stopped."""
        self._batches.give_back_of_others()
        self._flying = self._batches.in_state(State.SENT)
        self._mined = self._batches.in_state(State.MINED)

    def close(self) -> None:
        self._posting.shutdown()

    # ------------------------------------------------------------------------------------ Launch

    def launch(self, choice: Choice) -> bool:
        """Signs, writes down, sends; not if the chain turns out to have lost what it had."""
        nonce = self._next_nonce()
        if nonce is None:
            return False
        limit = self._pace.limit(choice.gas)
        signed = self._sign(choice.messages, nonce, limit, self._suggested_fees())
        batch = self._batches.make(choice.messages, nonce, limit, signed)
        self._flying.append(batch)
        self._next_check = time.monotonic() + _CHECK_SECONDS
        self._posting.submit(self._post, batch)
        return True

    def _post(self, batch: Batch) -> None:
        """While the next batch is made. What goes wrong here, the next check finds out."""
        try:
            self._send(batch)
        except ChainError as error:
            log.warning("a batch is not sent yet", batch=batch.id, problem=error.message)

    def _next_nonce(self) -> int | None:
        if self._flying:
            return self._flying[-1].nonce + 1
        if self._forgotten():
            return None
        return self._outgoing.pending_count()

    def _sign(self, messages: Sequence[Waiting], nonce: int, limit: int, fees: Fees) -> Transaction:
        data = self._ledger.submit_calldata([message.body for message in messages])
        signed = self._outgoing.sign(data, nonce, limit, fees)
        now = time.time_ns() // 1_000_000
        return Transaction(signed.hash, signed.raw, fees.max_fee, fees.tip, now)

    def _send(self, batch: Batch) -> Answer:
        answer, said = self._outgoing.send(batch.transactions[-1].raw)
        if answer is not Answer.TAKEN:
            log.warning(
                "the node does not take a batch", batch=batch.id, nonce=batch.nonce, it=said
            )
        return answer

    def _suggested_fees(self) -> Fees:
        asked, fees = self._fees
        if time.monotonic() - asked > _FEES_SECONDS:
            fees = self._outgoing.suggested_fees()
            cap = self._terms.max_fee
            fees = Fees(min(fees.max_fee, cap), min(fees.tip, cap))
            self._fees = (time.monotonic(), fees)
        return fees

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
            self._confirm()
            if self._flying:
                self._check(self._flying[0])
            else:
                self._forgotten()
        return landed

    def _receipt(self, batch: Batch) -> Receipt | None:
        for transaction in reversed(batch.transactions):
            if receipt := self._outgoing.receipt(transaction.hash):
                return receipt
        return None

    def _land(self, batch: Batch, receipt: Receipt) -> None:
        if not receipt.succeeded:
            self._batches.give_back([batch])
            self._pace.failed(len(batch.messages), batch.gas)
            log.error("a batch failed", batch=batch.id, gas=receipt.gas_used)
            return
        found = outcomes.of_receipt(receipt, batch.messages, self._ledger.address)
        decided = {
            message.id: self._recognised(message, outcome)
            for message, outcome in zip(batch.messages, found, strict=True)
        }
        state = State.MINED if self._terms.confirmations else State.FINAL
        place = Place(receipt.block, receipt.block_hash)
        settled, decided = self._batches.settle(batch, place, state, decided)
        if state is State.MINED:
            self._mined.append(settled)
        _log(batch, receipt, decided)
        self._publish(
            {m.digest: decided[m.id] for m in batch.messages if decided[m.id].status.final}
        )
        self._pace.succeeded()

    def _recognised(self, message: Waiting, outcome: Outcome) -> Outcome:
        """A message that was accepted before is accepted, whoever had sent it."""
        if outcome.reason not in outcomes.PERHAPS_BEFORE:
            return outcome
        try:
            return self._history.find(message.body) or outcome
        except NodeUnreachableError:
            raise
        except ChainError as error:
            log.warning("the past cannot be searched", problem=error.message)
            return outcome

    # --------------------------------------------------------------------------- When it is stuck

    def _check(self, oldest: Batch) -> None:
        mined = self._outgoing.mined_count()
        if mined < oldest.nonce:
            self._give_back_from(mined)
        elif mined == oldest.nonce:
            self._urge(oldest)
        elif self._receipt(oldest) is None:
            log.warning("another transaction took the nonce", batch=oldest.id, nonce=oldest.nonce)
            self._flying.remove(oldest)
            self._batches.give_back([oldest])

    def _urge(self, oldest: Batch) -> None:
        for batch in list(self._flying):
            known = self._outgoing.is_known(batch.transactions[-1].hash)
            if not known and self._send(batch) is Answer.UNDERPRICED:
                self._replace(batch)
        age = time.time() - oldest.transactions[-1].sent_at / 1000
        if age > self._terms.replace_seconds and oldest in self._flying:
            self._replace(oldest)

    def _replace(self, batch: Batch) -> None:
        former = batch.transactions[-1]
        fees = Fees(former.max_fee, former.tip).raised(self._suggested_fees())
        if fees.max_fee > self._terms.max_fee:
            if batch.id != self._capped:
                log.error("a batch waits: the fee cap is reached", batch=batch.id)
            self._capped = batch.id
            return
        signed = self._sign(batch.messages, batch.nonce, batch.gas, fees)
        replaced = self._batches.add_transaction(batch, signed)
        self._flying[self._flying.index(batch)] = replaced
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
        log.error("the chain lost batches, they are sent again", batches=given, nonce=nonce)

    def _confirm(self) -> None:
        if not self._mined:
            return
        head = self._outgoing.head().number
        deep: list[Batch] = []
        for batch in list(self._mined):
            if batch.block is None or self._outgoing.block_hash(batch.block) != batch.block_hash:
                self._land_again(batch)
            elif head >= batch.block + self._terms.confirmations:
                deep.append(batch)
        if deep:
            self._batches.confirm(deep)
            self._mined = [batch for batch in self._mined if batch not in deep]

    def _land_again(self, batch: Batch) -> None:
        """Its block is no longer in the chain; its transaction may be in another one."""
        self._mined.remove(batch)
        log.warning("a block vanished", batch=batch.id, block=batch.block)
        if receipt := self._receipt(batch):
            self._land(batch, receipt)
        else:
            self._flying.append(self._batches.reopen(batch))
            self._flying.sort(key=lambda flying: flying.nonce)


def _log(batch: Batch, receipt: Receipt, decided: Mapping[int, Outcome]) -> None:
    rejected = [m for m in batch.messages if decided[m.id].status is Status.REJECTED]
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
