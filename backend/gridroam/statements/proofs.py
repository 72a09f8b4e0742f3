"""From a leaf to its batch's root, and back: the same tree as `domain.batch.merkle_root`."""

from collections.abc import Sequence

from gridroam.domain.batch import node


def path(leaves: Sequence[bytes], position: int) -> list[bytes]:
    """The hashes beside the way from the leaf at `position` to the root."""
    beside, level = [], list(leaves)
    while len(level) > 1:
        sibling = position ^ 1
        if sibling < len(level):
            beside.append(level[sibling])
        odd = level[-1:] if len(level) % 2 else []
        level = [node(a, b) for a, b in zip(level[::2], level[1::2], strict=False)] + odd
        position //= 2
    return beside


def climb(leaf: bytes, beside: Sequence[bytes]) -> bytes:
    """The root that a leaf and its path lead to."""
    for sibling in beside:
        leaf = node(leaf, sibling)
    return leaf


def join(beside: Sequence[bytes]) -> str:
    return "0x" + b"".join(beside).hex()


def split(text: str) -> list[bytes]:
    """Raises `ValueError` if it is no path."""
    raw = bytes.fromhex(text.removeprefix("0x"))
    if len(raw) % 32:
        raise ValueError("a path is of 32 bytes each")
    return [raw[i : i + 32] for i in range(0, len(raw), 32)]
