"""Times as people write them."""

from datetime import UTC, datetime

from gridroam.errors import InvalidInputError


def moment(text: str) -> int:
    """UTC seconds of 2026-11-01, of 2026-11-01T10:15:00+01:00, or of the seconds
    themselves. Without an offset it is UTC. Raises `InvalidInputError`."""
    if text.isdecimal():
        return int(text)
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise InvalidInputError(
            f"{text!r} is no time.", "Write 2026-11-01 or 2026-11-01T10:15:00+01:00."
        ) from error
    return int((found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp())
