"""The root of a Merkle-Patricia trie over a list, as blocks have one over their transactions and
one over their receipts: the key of an item is its index in RLP (yellow paper, appendix D and
section 4.3.2).

No key here is the beginning of another one, so that no node has both children and a value.
"""

from collections.abc import Sequence

from gridroam.chain import rlp
from gridroam.domain.hashing import keccak

EMPTY_ROOT = keccak(rlp.EMPTY)
_HASH_FROM = 32
_LEAF, _EXTENSION = 2, 0
_HEX = "0123456789abcdef"

_Item = tuple[str, bytes]
"""The key as hexadecimal digits, one a nibble, and the value."""


def root_of(values: Sequence[bytes]) -> bytes:
    """Of values in their order, each as it is encoded in the trie."""
    if not values:
        return EMPTY_ROOT
    keys = (rlp.number(index).hex() for index in range(len(values)))
    return keccak(_node(sorted(zip(keys, values, strict=True)), 0))


def _node(items: list[_Item], depth: int) -> bytes:
    key, value = items[0]
    if len(items) == 1:
        return rlp.listed([_path(key[depth:], _LEAF), rlp.text(value)])
    shared = _shared(key, items[-1][0])
    if shared > depth:
        return rlp.listed([_path(key[depth:shared], _EXTENSION), _reference(items, shared)])
    return _branch(items, depth)


def _branch(items: list[_Item], depth: int) -> bytes:
    below: dict[str, list[_Item]] = {}
    for item in items:
        below.setdefault(item[0][depth], []).append(item)
    children = (
        _reference(below[digit], depth + 1) if digit in below else rlp.EMPTY for digit in _HEX
    )
    return rlp.listed([*children, rlp.EMPTY])


def _reference(items: list[_Item], depth: int) -> bytes:
    """A node stands inside its parent if it is short, else its hash does."""
    node = _node(items, depth)
    return node if len(node) < _HASH_FROM else rlp.text(keccak(node))


def _shared(a: str, b: str) -> int:
    """How many nibbles two different keys begin with in common; of sorted keys the first and last
    have what all have."""
    return next(i for i in range(len(a)) if a[i] != b[i])


def _path(nibbles: str, kind: int) -> bytes:
    odd = len(nibbles) % 2
    start = f"{kind + odd:x}" if odd else f"{kind:x}0"
    return rlp.text(bytes.fromhex(start + nibbles))
