"""How much gas messages use, estimated from above.

Figures of the contracts with storage that the session is the first to write to. Estimating by the
node would run every batch once more, against a state that the batches before it have not reached.
"""

from gridroam.messages import BOUNDARY_BYTES, OPENING_BYTES, REPORT_BYTES

BATCH = 200_000
OPENING = 110_000
REPORT = 100_000
BOUNDARY = 4_000


def of(body: bytes, *, opening: bool) -> int:
    """For one message in the wire format."""
    return of_many(1, 0, len(body)) if opening else of_many(0, 1, len(body))


def of_many(openings: int, reports: int, body_bytes: int) -> int:
    """For so many messages, which have so many bytes together. What is longer than a signature
    needs counts as boundaries: longer signatures cost more to verify, too."""
    beyond = body_bytes - openings * OPENING_BYTES - reports * REPORT_BYTES
    boundaries = max(0, beyond) // BOUNDARY_BYTES
    return openings * OPENING + reports * REPORT + boundaries * BOUNDARY
