"""How much gas a batch may use, from above: the limit of its transaction, never what is paid.

Measured on the contracts with storage that nobody used before. Estimating by the node would run
every batch once more, and against a state that the batches before it have not reached yet.
"""

from collections.abc import Sequence

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


def of_batch(gas: Sequence[int]) -> int:
    return BATCH + sum(gas)
