"""The input of `submit(bytes[])`: laid out from messages, and read as the contract reads it.

A sender may lay the array out as it likes: messages may share bytes, stand before the array, or
have anything for padding. The contract follows the offsets and checks only what it must, so that
a stricter decoder would miss what happened.
"""

from collections.abc import Sequence

from gridroam.chain import abi

_SELECTOR = 4
_WORD = 32


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
    array = _SELECTOR + _word(calldata, _SELECTOR)
    count = _word(calldata, array)
    start = array + _WORD
    if start + count * _WORD > len(calldata):
        raise ValueError("its array reaches beyond its end")
    return [_message(calldata, start, i) for i in range(count)]


def _message(calldata: bytes, start: int, index: int) -> bytes:
    offset = _word(calldata, start + index * _WORD)
    at = start + (offset - (1 << 256) if offset >> 255 else offset)
    length = _word(calldata, at)
    if not 0 <= at + _WORD <= len(calldata) - length:
        raise ValueError(f"message {index} reaches beyond its end")
    return calldata[at + _WORD : at + _WORD + length]


def _word(calldata: bytes, at: int) -> int:
    """Zeros stand beyond the input on either side."""
    if at < 0:
        return 0
    return int.from_bytes(calldata[at : at + _WORD].ljust(_WORD, b"\0"), "big")
