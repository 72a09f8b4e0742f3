"""Where a message stands on its way through a relay to the ledger."""

from enum import StrEnum


class Status(StrEnum):
    """`STORED` and `SENT` are under way, the others decided."""

    STORED = "stored"
    """durably kept; in no transaction yet"""
    SENT = "sent"
    """in a transaction that is not mined yet"""
    CLEARED = "cleared"
    """an opening: the session is open"""
    SETTLED = "settled"
    """a report: the energy is settled"""
    REJECTED = "rejected"
    """the ledger rejected it, by an event"""
    REFUSED = "refused"
    """the relay did not take it: nothing was stored or sent"""

    @property
    def decided(self) -> bool:
        """Not that it stays so: the block may vanish while the step is not `final`."""
        return self not in {Status.STORED, Status.SENT}
