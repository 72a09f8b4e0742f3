"""How much gas messages use, estimated from above.

Figures of the contracts with storage that the session is the first to write to. Estimating by the
node would run every batch once more, against a state that the batches before it have not reached.
"""

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
