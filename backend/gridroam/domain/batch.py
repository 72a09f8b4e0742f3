"""What a batch leaves behind: a leaf per message, and one Merkle root over them.

A leaf is a hash of five words: the message's digest, `meta`, and three amounts. With `meta`, which
says when it was decided and who the session's parties are, a whole session can be proven by its
leaves, long after its storage is used again.
"""

from collections.abc import Sequence
from typing import NamedTuple

from gridroam.domain.hashing import keccak
from gridroam.domain.reasons import Reason
from gridroam.domain.units import (
    Bytes32,
    NanoEuro,
    ParticipantId,
    StationId,
    Timestamp,
    Version,
)

_EXPIRY = 3
"""Where an opening has 1 and a report 2 as its kind, an expiry, which nobody signs, has 3."""


class Pinned(NamedTuple):
    """A session's parties and tariffs, as a leaf names them."""

    supplier: ParticipantId
    grid_operator: ParticipantId
    station_operator: ParticipantId
    grid_tariff: Version
    operator_tariff: Version

    def meta(self, time: Timestamp, until: Timestamp = 0) -> int:
        """The leaf's second word; `time` is the block's, `until` the end of what was settled. The
        lowest 8 bits are a reason's."""
        return (
            time << 8
            | self.supplier << 48
            | self.grid_operator << 72
            | self.station_operator << 96
            | self.grid_tariff << 120
            | self.operator_tariff << 136
            | until << 152
        )


def word(value: int) -> bytes:
    """An integer as the ABI writes it: 32 bytes, two's complement."""
    return value.to_bytes(32, "big", signed=value < 0)


def cleared_leaf(
    digest: Bytes32,
    time: Timestamp,
    pinned: Pinned,
    supplier_reserve: NanoEuro,
    grid_reserve: NanoEuro,
) -> Bytes32:
    return _leaf(digest, pinned.meta(time), supplier_reserve, grid_reserve, 0)


def settled_leaf(
    digest: Bytes32,
    time: Timestamp,
    pinned: Pinned,
    until: Timestamp,
    amounts: tuple[NanoEuro, NanoEuro, NanoEuro],
) -> Bytes32:
    """Of one part of a report, which ends at `until`; network charge, service fee and feed-in."""
    return _leaf(digest, pinned.meta(time, until), *amounts)


def rejected_leaf(digest: Bytes32, time: Timestamp, reason: Reason) -> Bytes32:
    return _leaf(digest, time << 8 | reason, 0, 0, 0)


def expired_leaf(
    station: StationId, session: int, last_report: int, time: Timestamp, pinned: Pinned
) -> Bytes32:
    """Of a session that anybody expired after `last_report` settled reports."""
    digest = expired_digest(station, session, last_report)
    return _leaf(digest, pinned.meta(time), 0, 0, 0)


def expired_digest(station: StationId, session: int, last_report: int) -> Bytes32:
    """What stands for an expiry, which nobody signs, where a message has its EIP-712 digest."""
    return keccak(word(_EXPIRY) + word(station) + word(session) + word(last_report))


def _leaf(digest: Bytes32, meta: int, *amounts: NanoEuro) -> Bytes32:
    return keccak(digest + word(meta) + b"".join(map(word, amounts)))


def node(one: Bytes32, other: Bytes32) -> Bytes32:
    """What stands above two nodes of the tree, in whatever order they come."""
    return keccak(one + other if one < other else other + one)


def merkle_root(leaves: Sequence[Bytes32]) -> Bytes32:
    """Over at least one leaf: pairs are sorted, an odd node moves up as it is."""
    level = list(leaves)
    while len(level) > 1:
        pairs = zip(level[::2], level[1::2], strict=False)
        odd = level[-1:] if len(level) % 2 else []
        level = [node(a, b) for a, b in pairs] + odd
    return level[0]
