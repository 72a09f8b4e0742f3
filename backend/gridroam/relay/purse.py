"""The money of a sending account: looked at every few seconds, warned of while there is some left,
and the reason to send nothing before a batch fails for it."""

import time
from collections.abc import Callable

from gridroam.chain.outgoing import Outgoing
from gridroam.relay import metrics
from gridroam.relay.fees import FeePolicy
from gridroam.relay.log import log
from gridroam.store.senders import Funds

_LOOK_SECONDS = 5.0


class Purse:
    """For one thread. A node wants `batch_gas` covered for a batch, used or not; `note` writes down
    what was found; fewer than `low` batches' worth is warned of."""

    def __init__(
        self,
        outgoing: Outgoing,
        fees: FeePolicy,
        note: Callable[[int, Funds], None],
        *,
        batch_gas: int,
        low: int,
    ) -> None:
        self._outgoing = outgoing
        self._fees = fees
        self._note = note
        self._batch_gas = batch_gas
        self._low = low
        self._looked = float("-inf")
        self._funds = Funds.OK

    @property
    def can_pay(self) -> bool:
        """For another batch, when last looked at."""
        return self._funds is not Funds.EMPTY

    def look(self) -> None:
        if time.monotonic() - self._looked > _LOOK_SECONDS:
            self._look()

    def _look(self) -> None:
        fees = self._fees.suggested()
        balance = self._outgoing.balance()
        worth = self._batch_gas * fees.max_fee if fees else 0
        funds = Funds.OK
        if balance < self._low * worth:
            funds = Funds.EMPTY if balance < worth else Funds.LOW
        self._note(balance, funds)
        metrics.sender_balance(self._outgoing.address, balance)
        if funds is not self._funds:
            _say(funds, self._outgoing.address, balance)
        self._funds = funds
        self._looked = time.monotonic()


def _say(funds: Funds, sender: str, balance: int) -> None:
    if funds is Funds.EMPTY:
        log.error("the sending account cannot pay for a batch", sender=sender, balance=balance)
    elif funds is Funds.LOW:
        log.warning("the sending account runs low", sender=sender, balance=balance)
    else:
        log.info("the sending account has money", sender=sender, balance=balance)
