"""A transaction's input, laid out from messages and read as the contracts read it: the messages of
`submit(bytes[])`, and calls of the corrections.

A sender may lay arrays and structs out as it likes: they may share bytes, stand before what refers
to them, or have anything for padding. The contract follows the offsets and checks only what it
must, so that a stricter decoder would miss what happened.
"""

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple, Self

from gridroam.chain import abi

_SELECTOR = 4
_WORD = 32


class Place(NamedTuple):
    """A struct, an array or a function's arguments: where the first word stands in an input."""

    calldata: bytes
    at: int = _SELECTOR

    def word(self, index: int) -> int:
        return _word(self.calldata, self.at + index * _WORD)

    def inner(self, index: int) -> Self:
        """What the offset in a word leads to."""
        offset = self.word(index)
        at = self.at + (offset - (1 << 256) if offset >> 255 else offset)
        return self._replace(at=at)

    def text(self, index: int) -> bytes:
        """The bytes that a word leads to. Raises `ValueError` if they reach beyond the input."""
        start, length = self.inner(index).at, self.inner(index).word(0)
        if not 0 <= start + _WORD <= len(self.calldata) - length:
            raise ValueError(f"what word {index} leads to reaches beyond its end")
        return self.calldata[start + _WORD : start + _WORD + length]

    def items(self) -> tuple[Self, int]:
        """Of an array: the place of its items, and how many. Raises `ValueError` as above."""
        count, start = self.word(0), self.at + _WORD
        if start + count * _WORD > len(self.calldata):
            raise ValueError("its array reaches beyond its end")
        return self._replace(at=start), count


class Asked(NamedTuple):
    """A call of the corrections contract."""

    function: str
    arguments: Place


def submission(batch: Sequence[bytes]) -> bytes:
    """As the ABI specification lays an array of bytes out: offsets, then lengths and contents."""
    offsets, contents = [], []
    at = len(batch) * _WORD
    for message in batch:
        offsets.append(at.to_bytes(_WORD, "big"))
        padded = message.ljust(-(-len(message) // _WORD) * _WORD, b"\0")
        contents += [len(message).to_bytes(_WORD, "big"), padded]
        at += _WORD + len(padded)
    head = _WORD.to_bytes(_WORD, "big") + len(batch).to_bytes(_WORD, "big")
    selector = abi.functions("Ledger")["submit"].selector
    return b"".join((selector, head, *offsets, *contents))


def messages_in(calldata: bytes) -> list[bytes]:
    """Raises `ValueError` if the contract would not have accepted it as a call of `submit`."""
    if calldata[:_SELECTOR] != abi.functions("Ledger")["submit"].selector:
        raise ValueError("it is no call of submit")
    return _texts(Place(calldata).inner(0))


def proofs_in(asked: Asked) -> list[Place]:
    """The proofs that were brought, one or many. Raises `ValueError`."""
    if asked.function == "proveAll":
        return [Place(raw, 0).inner(0) for raw in _texts(asked.arguments.inner(0))]
    return [asked.arguments.inner(0)] if asked.function == "prove" else []


def calls_in(calldata: bytes, *, direct: bool) -> Iterator[Asked]:
    """The call that an input is, if it went straight to the corrections; else every call that
    stands within it, as it does where another contract passes it on."""
    for function in abi.functions("Corrections").values():
        for found in re.finditer(re.escape(function.selector), calldata):
            if found.start() == 0 or not direct:
                yield Asked(function.name, Place(calldata[found.start() :]))


def _texts(array: Place) -> list[bytes]:
    (calldata, start), count = array.items()
    texts = []
    for head in range(start, start + count * _WORD, _WORD):
        offset = int.from_bytes(calldata[head : head + _WORD], "big")
        begin = start + offset + _WORD
        length = int.from_bytes(calldata[begin - _WORD : begin], "big")
        if offset < len(calldata) >= begin + length:
            texts.append(calldata[begin : begin + length])
        else:  # it stands before the array, or nowhere
            texts.append(Place(calldata, start).text((head - start) // _WORD))
    return texts


def _word(calldata: bytes, at: int) -> int:
    """Zeros stand beyond the input on either side."""
    if at < 0:
        return 0
    return int.from_bytes(calldata[at : at + _WORD].ljust(_WORD, b"\0"), "big")
