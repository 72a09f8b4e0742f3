"""Which addresses may have logged in a block: its Bloom filter, three bits of 2048 for each address
and topic (yellow paper, section 4.3.1).

It stands in the header, under the block's hash. A block whose filter lacks an address has no log of
it; one that has it may have none all the same.
"""

from collections.abc import Iterable

from gridroam.domain.hashing import keccak

BITS = 2048


def bits_of(item: bytes) -> int:
    """The filter of one address or topic."""
    hashed = keccak(item)
    found = 0
    for i in (0, 2, 4):
        found |= 1 << (int.from_bytes(hashed[i : i + 2], "big") % BITS)
    return found


def filter_of(items: Iterable[bytes]) -> int:
    """Of a receipt or block, from the addresses and topics of its logs."""
    found = 0
    for item in items:
        found |= bits_of(item)
    return found


def may_have(bloom: int, wanted: Iterable[int]) -> bool:
    """Whether one of the wanted, each as `bits_of` gives it, may be in it."""
    return any(bloom & bits == bits for bits in wanted)
