"""What a batch leaves behind: a leaf per message, and one Merkle root over them."""

from collections.abc import Sequence

from gridroam.domain.hashing import keccak
from gridroam.domain.reasons import Reason
from gridroam.domain.units import Bytes32, NanoEuro, ParticipantId

_NO_AMOUNTS = bytes(3 * 32)


def word(value: int) -> bytes:
    """An integer as the ABI writes it: 32 bytes, two's complement."""
    return value.to_bytes(32, "big", signed=value < 0)


def cleared_leaf(
    digest: Bytes32,
    supplier: ParticipantId,
    supplier_reserve: NanoEuro,
    grid_reserve: NanoEuro,
) -> Bytes32:
    return _leaf(digest, word(supplier) + word(supplier_reserve) + word(grid_reserve))


def settled_leaf(
    digest: Bytes32, network_charge: NanoEuro, service_fee: NanoEuro, feed_in: NanoEuro
) -> Bytes32:
    return _leaf(digest, word(network_charge) + word(service_fee) + word(feed_in))


def rejected_leaf(digest: Bytes32, reason: Reason) -> Bytes32:
    return _leaf(digest, _NO_AMOUNTS, reason)


def _leaf(digest: Bytes32, three: bytes, reason: Reason = Reason.NONE) -> Bytes32:
    return keccak(digest + word(reason) + three)


def merkle_root(leaves: Sequence[Bytes32]) -> Bytes32:
    """Over at least one leaf: pairs are sorted, an odd node moves up as it is."""
    level = list(leaves)
    while len(level) > 1:
        pairs = zip(level[::2], level[1::2], strict=False)
        odd = level[-1:] if len(level) % 2 else []
        level = [keccak(min(a, b) + max(a, b)) for a, b in pairs] + odd
    return level[0]
