"""Times as people write them."""

from datetime import UTC, datetime

from gridroam.errors import InvalidInputError

END = 1 << 40
"""The first second that the ledger has no room for."""


def moment(text: str) -> int:
    """UTC seconds of 2026-11-01, of 2026-11-01T10:15:00+01:00, or of the seconds
    themselves. Without an offset it is UTC. Raises `InvalidInputError`."""
    try:
        seconds = int(text) if text.isdecimal() else _seconds(datetime.fromisoformat(text))
    except ValueError as error:
        raise InvalidInputError(
            f"{text!r} is no time.", "Write 2026-11-01 or 2026-11-01T10:15:00+01:00."
        ) from error
    if not 0 <= seconds < END:
        raise InvalidInputError(f"{text!r} is no time of a ledger.", "The first is 1970-01-01.")
    return seconds


def _seconds(moment: datetime) -> int:
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())
