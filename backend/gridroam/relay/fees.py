"""What a sender offers for gas: the usual, more when it has to replace, never beyond the cap."""

import time

from gridroam.chain.outgoing import Fees, Outgoing, UsualFees
from gridroam.relay import metrics
from gridroam.relay.log import log

_ASK_SECONDS = 2.0


class FeePolicy:
    """For one thread. `cap` in wei per gas. While the chain asks for more, nothing is sent: what
    is there waits, and goes on when fees fall."""

    def __init__(self, outgoing: Outgoing, cap: int) -> None:
        self._outgoing = outgoing
        self._cap = cap
        self._asked = float("-inf")
        self._usual: Fees | None = None
        self.waits = False
        """Whether the chain asked for more than the cap when last looked at."""

    def suggested(self) -> Fees | None:
        """For a new transaction; `None` while it would not be mined under the cap."""
        if time.monotonic() - self._asked > _ASK_SECONDS:
            self._ask()
        return self._usual

    def replacing(self, former: Fees) -> Fees | None:
        """For another transaction of the same nonce; `None` where the cap leaves no room."""
        raised = former.raised(self.suggested() or former)
        return raised.within(self._cap) if raised.max_fee <= self._cap else None

    def _ask(self) -> None:
        usual = self._outgoing.usual_fees()
        waits = usual.base_fee > self._cap
        if waits and not self.waits:
            log.error("sending waits: the chain's fee is above the cap", **self._figures(usual))
        elif self.waits and not waits:
            log.info("sending goes on: the fee is below the cap again", **self._figures(usual))
        metrics.fees(usual.base_fee, self._cap, waits=waits)
        self.waits = waits
        self._usual = None if waits else usual.offer.within(self._cap)
        self._asked = time.monotonic()

    def _figures(self, usual: UsualFees) -> dict[str, int]:
        return {"base_fee": usual.base_fee, "tip": usual.tip, "cap": self._cap}
