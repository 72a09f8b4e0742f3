"""Cursors: where a page or a stream ended, as one opaque word that a client hands back.

A cursor names the list it belongs to and a place in it, so that one of another list, an older
version or a stranger is refused instead of giving a page of something else. It holds no secret.
"""

import base64
import binascii

from gridroam.http.problems import Problem, ProblemError

_MOST = (1 << 63) - 1
_LONGEST = 200


def encode(kind: str, *place: int) -> str:
    """`kind` is the list's name; the place is not negative."""
    text = ":".join((kind, *map(str, place)))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def decode(kind: str, cursor: str, *, field: str, parts: int = 2) -> tuple[int, ...]:
    """The place; raises `ProblemError` (wrong-cursor) naming `field` unless `encode` made it."""
    place = _place(kind, cursor) if len(cursor) <= _LONGEST else ()
    if len(place) != parts or cursor != encode(kind, *place):
        raise ProblemError(Problem("wrong-cursor", f"{field} is no cursor of this list.", field))
    return place


def _place(kind: str, cursor: str) -> tuple[int, ...]:
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode("ascii")
    except (binascii.Error, ValueError):
        return ()
    name, *numbers = text.split(":")
    if name != kind or not all(number.isdecimal() for number in numbers):
        return ()
    place = tuple(map(int, numbers))
    return place if all(number <= _MOST for number in place) else ()
