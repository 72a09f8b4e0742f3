"""The leaves of a batch, from its transaction and the events it left; proofs in its tree."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from hexbytes import HexBytes

from gridroam.chain import events
from gridroam.chain.calldata import messages_in
from gridroam.chain.ledger import Ledger
from gridroam.domain.batch import Pinned, cleared_leaf, node, rejected_leaf, settled_leaf
from gridroam.domain.hashing import keccak
from gridroam.errors import ChainError, MalformedMessageError
from gridroam.messages import Message, digest, unpack

Outcome = events.SessionCleared | events.ReportSettled | events.MessageRejected


@dataclass(frozen=True, slots=True)
class Part:
    """What one leaf of a settled report says besides its digest."""

    meta: int
    network_charge: int
    service_fee: int
    feed_in: int


@dataclass(frozen=True, slots=True)
class Told:
    """A message of a batch and its place: `proof` leads from its leaf, or from the node of its two
    leaves, to the batch's root."""

    message: Message | None
    batch: int
    proof: tuple[bytes, ...]
    meta: int = 0
    supplier_reserve: int = 0
    grid_reserve: int = 0
    parts: tuple[Part, ...] = ()


@dataclass(frozen=True, slots=True)
class _Decided:
    leaf: bytes
    meta: int = 0
    supplier_reserve: int = 0
    grid_reserve: int = 0
    parts: tuple[Part, ...] = ()


def told_in(ledger: Ledger, tx_hash: bytes) -> list[Told]:
    """Every message of the batch that a transaction submitted.

    Raises `ChainError` where what the node says does not lead to the root on chain.
    """
    sent = ledger.w3.eth.get_transaction(HexBytes(tx_hash))
    receipt = ledger.w3.eth.get_transaction_receipt(HexBytes(tx_hash))
    logs = [log for log in receipt["logs"] if log["address"] == ledger.address]
    found = [event for event in map(events.decode, logs) if event is not None]
    (recorded,) = [event for event in found if isinstance(event, events.BatchRecorded)]
    block = receipt["blockNumber"]
    time = ledger.w3.eth.get_block(block)["timestamp"]
    outcomes = _grouped([e for e in found if isinstance(e, Outcome)])
    packed = messages_in(bytes(sent["input"]))
    read = [_read(ledger, raw) for raw in packed]
    decided = [
        _decide(ledger, hashed, outcome, block, time)
        for (_, hashed), outcome in zip(read, outcomes, strict=True)
    ]
    leaves = [one.leaf for one in decided]
    if root_of(leaves) != recorded.root or ledger.batch_root(recorded.batch) != recorded.root:
        raise ChainError(
            f"The messages and events of batch {recorded.batch} do not lead to its root.",
            "Ask a node that keeps the whole history.",
        )
    return [
        Told(
            message,
            recorded.batch,
            tuple(proof_of(leaves, index)),
            one.meta,
            one.supplier_reserve,
            one.grid_reserve,
            one.parts,
        )
        for index, ((message, _), one) in enumerate(zip(read, decided, strict=True))
    ]


def root_of(leaves: Sequence[bytes]) -> bytes:
    level = list(leaves)
    while len(level) > 1:
        level = _above(level)
    return level[0]


def proof_of(leaves: Sequence[bytes], index: int) -> Iterator[bytes]:
    """The siblings from a leaf up to the root; an odd node has none."""
    level = list(leaves)
    while len(level) > 1:
        sibling = index ^ 1
        if sibling < len(level):
            yield level[sibling]
        level, index = _above(level), index // 2


def _above(level: list[bytes]) -> list[bytes]:
    pairs = [node(a, b) for a, b in zip(level[::2], level[1::2], strict=False)]
    return pairs + (level[-1:] if len(level) % 2 else [])


def _read(ledger: Ledger, raw: bytes) -> tuple[Message | None, bytes]:
    try:
        message = unpack(raw).message
    except MalformedMessageError:
        return None, keccak(raw)
    return message, digest(ledger.domain, message)


def _grouped(outcomes: list[Outcome]) -> list[list[Outcome]]:
    """By message: a report over a change of supplier has two events, the others one."""
    groups: list[list[Outcome]] = []
    before: Outcome | None = None
    for outcome in outcomes:
        if before is not None and _is_same_report(before, outcome):
            groups[-1].append(outcome)
        else:
            groups.append([outcome])
        before = outcome
    return groups


def _is_same_report(before: Outcome, outcome: Outcome) -> bool:
    if not isinstance(before, events.ReportSettled):
        return False
    if not isinstance(outcome, events.ReportSettled):
        return False
    names = ("station", "session", "report")
    return all(getattr(before, name) == getattr(outcome, name) for name in names)


def _decide(
    ledger: Ledger, hashed: bytes, outcomes: list[Outcome], block: int, time: int
) -> _Decided:
    first = outcomes[0]
    if isinstance(first, events.MessageRejected):
        return _Decided(rejected_leaf(hashed, time, first.reason))
    session = ledger.session(first.station, block)
    if session.number != first.session:
        raise ChainError(
            f"Station {first.station} had two sessions in block {block}: what the first was "
            "cleared with is not kept there."
        )
    pinned = Pinned(
        first.supplier,
        session.grid_operator,
        session.station_operator,
        session.grid_tariff,
        session.operator_tariff,
    )
    if isinstance(first, events.SessionCleared):
        reserves = session.supplier_reserve, session.grid_reserve
        return _Decided(cleared_leaf(hashed, time, pinned, *reserves), pinned.meta(time), *reserves)
    leaves, parts = [], []
    for event in outcomes:
        assert isinstance(event, events.ReportSettled)  # noqa: S101  `_is_same_report`
        own = pinned._replace(supplier=event.supplier)
        amounts = event.network_charge, event.service_fee, event.feed_in
        leaves.append(settled_leaf(hashed, time, own, event.time, amounts))
        parts.append(Part(own.meta(time, event.time), *amounts))
    leaf = leaves[0] if len(leaves) == 1 else node(*leaves)
    return _Decided(leaf, parts=tuple(parts))
