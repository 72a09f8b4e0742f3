"""How much of the chain a sender believes to see: how far its node is, what is final there, and
whether the node lies behind what was seen before."""

import time
from enum import StrEnum

from gridroam.chain.outgoing import Head, Outgoing
from gridroam.relay.log import log

PATIENCE = 3.0
"""Seconds. A node that lies behind, or one of several behind one address, says for a while that the
chain never had what another has seen in it. Only what it still says after that is believed, and
nothing of one that says itself that it is catching up."""


class Finality(StrEnum):
    """What makes a block final: a number of blocks on top of it, or what the node says."""

    CONFIRMATIONS = "confirmations"
    SAFE = "safe"
    FINALIZED = "finalized"


class Sight:
    """For one thread. `seen` is a block that is known to have been there."""

    def __init__(
        self, outgoing: Outgoing, finality: Finality, confirmations: int, seen: int = 0
    ) -> None:
        self._outgoing = outgoing
        self._finality = finality
        self._confirmations = confirmations
        self._seen = seen
        self._behind_since: float | None = None

    @property
    def is_instant(self) -> bool:
        """Whether a block is final as soon as it is there."""
        return self._finality is Finality.CONFIRMATIONS and not self._confirmations

    def saw(self, block: int) -> None:
        self._seen = max(self._seen, block)

    def look(self) -> Head | None:
        """The head; `None` while the node lies behind and may catch up."""
        head = self._outgoing.head()
        if head.number >= self._seen:
            self._seen = head.number
            self._behind_since = None
            return head
        now = time.monotonic()
        if self._behind_since is None:
            self._behind_since = now
            log.warning("the node lies behind", head=head.number, seen=self._seen)
        if now - self._behind_since < PATIENCE or self._outgoing.is_syncing():
            return None
        log.error("the chain has become shorter", head=head.number, seen=self._seen)
        self._seen = head.number
        self._behind_since = None
        return head

    def final_block(self, head: Head) -> int:
        """The last block that cannot vanish any more."""
        if self._finality is Finality.CONFIRMATIONS:
            return head.number - self._confirmations
        return self._outgoing.block_number(self._finality.value)
