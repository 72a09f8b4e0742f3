"""A block's header, and that its hash is really its own.

The hash of a header covers all of it: its parent's hash, the roots of its transactions and receipts
and its Bloom filter. So whoever knows one hash knows everything before it.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from gridroam.chain import rlp
from gridroam.domain.hashing import keccak
from gridroam.errors import FalseAnswerError

_FIRST = (
    "parentHash",
    "sha3Uncles",
    "miner",
    "stateRoot",
    "transactionsRoot",
    "receiptsRoot",
    "logsBloom",
)
_NUMBERS = ("difficulty", "number", "gasLimit", "gasUsed", "timestamp")
_THEN = ("extraData", "mixHash", "nonce")


def data(value: str) -> bytes:
    """What a node writes as 0x and hexadecimal digits."""
    return bytes.fromhex(value[2:])


def _text(value: str) -> bytes:
    return rlp.text(data(value))


def _number(value: str) -> bytes:
    return rlp.number(int(value, 16))


_LATER = (
    ("baseFeePerGas", _number),  # London, EIP-1559
    ("withdrawalsRoot", _text),  # Shanghai, EIP-4895
    ("blobGasUsed", _number),  # Cancun, EIP-4844
    ("excessBlobGas", _number),
    ("parentBeaconBlockRoot", _text),  # EIP-4788
    ("requestsHash", _text),  # Prague, EIP-7685
    ("blockAccessListHash", _text),  # EIP-7928
)
"""Each fork appended to the header; a chain has a leading part of these."""


class Header(NamedTuple):
    """What we need of a header whose hash was computed. `time` is UTC seconds."""

    number: int
    hash: bytes
    parent: bytes
    time: int
    transactions_root: bytes
    receipts_root: bytes
    bloom: int


def header_of(block: Mapping[str, Any], number: int) -> Header:
    """From what a node answers for the block `number`.

    Raises `FalseAnswerError` if it is another block, or its content is not what its hash says.
    """
    hashed = hash_of(block)
    if hashed != data(block["hash"]):
        raise FalseAnswerError(
            f"block {number}",
            f"its header has the hash 0x{hashed.hex()}, and is said to have {block['hash']}",
        )
    if int(block["number"], 16) != number:
        raise FalseAnswerError(f"block {number}", f"it is block {int(block['number'], 16)}")
    return Header(
        number,
        hashed,
        data(block["parentHash"]),
        int(block["timestamp"], 16),
        data(block["transactionsRoot"]),
        data(block["receiptsRoot"]),
        int(block["logsBloom"], 16),
    )


def hash_of(block: Mapping[str, Any]) -> bytes:
    """Of a header as a node answers it, whatever hash it says."""
    items = [_text(block[name]) for name in _FIRST]
    items += [_number(block[name]) for name in _NUMBERS]
    items += [_text(block[name]) for name in _THEN]
    for name, encode in _LATER:
        value = block.get(name)
        if value is None:
            break
        items.append(encode(value))
    return keccak(rlp.listed(items))
