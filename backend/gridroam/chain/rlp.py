"""RLP, the encoding under every hash of a chain, as far as blocks need it.

Recursive Length Prefix, Ethereum yellow paper, appendix B. Its own few lines, because an audit
encodes some twenty items for each session, and the general library asks each for its type.
"""

from collections.abc import Iterable, Iterator
from typing import Any

_TEXT, _LIST = 0x80, 0xC0
_SHORT = 56
_HEADS = [bytes([base + length]) for base in (_TEXT, _LIST) for length in range(_SHORT)]
EMPTY = _HEADS[0]


def text(value: bytes) -> bytes:
    """A byte string."""
    length = len(value)
    if length >= _SHORT:
        return _long(_TEXT, length) + value
    if length == 1 and value[0] < _TEXT:
        return value
    return _HEADS[length] + value


def number(value: int) -> bytes:
    """A non-negative integer: big-endian without leading zeros, zero is empty."""
    if value < _TEXT:
        return bytes([value]) if value else EMPTY
    return text(value.to_bytes((value.bit_length() + 7) // 8, "big"))


def listed(items: Iterable[bytes]) -> bytes:
    """A list of what is encoded already."""
    return wrapped(b"".join(items))


def wrapped(body: bytes) -> bytes:
    """The same, of items that stand behind one another already."""
    length = len(body)
    head = _HEADS[_SHORT + length] if length < _SHORT else _long(_LIST, length)
    return head + body


def head_length(encoded: bytes) -> int:
    """Bytes before a list's first item."""
    return 1 + max(0, encoded[0] - (_LIST + _SHORT - 1))


def items(body: bytes) -> Iterator[Any]:
    """What `wrapped` was given: byte strings, and lists of them, which it was written from."""
    at = 0
    while at < len(body):
        base = _LIST if body[at] >= _LIST else _TEXT
        start = at + 1
        if body[at] < _TEXT:
            start, length = at, 1
        elif body[at] < base + _SHORT:
            length = body[at] - base
        else:
            start += body[at] - (base + _SHORT - 1)
            length = int.from_bytes(body[at + 1 : start], "big")
        at = start + length
        yield list(items(body[start:at])) if base == _LIST else body[start:at]


def _long(base: int, length: int) -> bytes:
    size = (length.bit_length() + 7) // 8
    return bytes([base + _SHORT - 1 + size]) + length.to_bytes(size, "big")
