"""Quarter hours: aligned 900 s of UTC, labelled by their start. There is no daylight saving."""

from collections.abc import Iterator

SLOT = 900
"""Seconds in a slot."""
SLOTS_PER_DAY = 96
MAX_BOUNDARIES = 192
"""Boundaries that one report may carry: two days."""


def slot_start(time: int) -> int:
    """The start of the slot that `time` (UTC seconds) lies in."""
    return time - time % SLOT


def slot_of_day(time: int) -> int:
    """0 to 95, counted from 00:00 UTC."""
    return time // SLOT % SLOTS_PER_DAY


def boundary_count(start: int, end: int) -> int:
    """How many slot boundaries lie strictly between two times."""
    return 0 if end <= start else (end - 1) // SLOT - start // SLOT


def boundaries_between(start: int, end: int) -> Iterator[int]:
    """The slot boundaries strictly between two times, ascending."""
    first = slot_start(start) + SLOT
    return iter(range(first, end, SLOT))
