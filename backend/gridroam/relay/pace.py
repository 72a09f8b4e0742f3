"""How large batches may be, and how much gas they get: learnt from how the last ones went."""

import time

from gridroam.chain.wallet import TX_GAS_LIMIT
from gridroam.relay.log import log

_FACTOR = 3
_HOLD = 30.0


class Pace:
    """A batch fails as a whole where its gas does not suffice: more gas, or fewer messages."""

    def __init__(self, messages: int) -> None:
        self._most = messages
        self._factor = _FACTOR
        self._not_before = 0.0
        self.messages = messages

    @property
    def rests(self) -> bool:
        """Whether nothing should be sent for a while."""
        return time.monotonic() < self._not_before

    def limit(self, estimate: int) -> int:
        """Of a transaction. What is not used is not paid, and the first settlement between
        participants who never dealt with each other writes a lot more than the next."""
        return min(self._factor * estimate, TX_GAS_LIMIT)

    def succeeded(self) -> None:
        self.messages = min(self.messages + 1 + self.messages // 8, self._most)

    def failed(self, messages: int, limit: int) -> None:
        if limit < TX_GAS_LIMIT:
            self._factor *= 2
        elif messages > 1:
            self.messages = messages // 2
        else:
            log.error("a single message fails as a whole", retry_in=_HOLD)
            self._not_before = time.monotonic() + _HOLD
