"""How much gas messages use, and how much a batch's transaction may use.

Figures of the contracts with storage that the session is the first to write to. Estimating by the
node would run every batch once more, against a state that the batches before it have not reached.
"""

from gridroam.chain.wallet import TX_GAS_LIMIT
from gridroam.messages import BOUNDARY_BYTES, REPORT_BYTES

BATCH = 200_000
OPENING = 110_000
REPORT = 100_000
BOUNDARY = 4_000


def of(body: bytes, *, opening: bool) -> int:
    """For one message in the wire format."""
    if opening:
        return OPENING
    return REPORT + BOUNDARY * ((len(body) - REPORT_BYTES) // BOUNDARY_BYTES)


def limit(estimate: int) -> int:
    """Of the transaction. What is not used is not paid; the first settlement between participants
    who never dealt with each other writes a lot more than the next."""
    return min(3 * estimate, TX_GAS_LIMIT)
