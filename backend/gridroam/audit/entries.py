"""What the audit works on: each transaction's events, its block's time, the messages in its input.

Entries are made where the chain is read, in other processes: signatures are recovered there, too.
Between processes they are plain tuples, which costs a tenth of what objects do.
"""

import marshal
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any, NamedTuple, Self, TypeVar

from eth_abi.exceptions import DecodingError

from gridroam.audit.signatures import Recovered, recovered
from gridroam.chain import abi, events, rlp
from gridroam.chain.calldata import messages_in
from gridroam.chain.events import Event, LogPosition
from gridroam.errors import ChainError
from gridroam.messages import Domain

E = TypeVar("E", bound=Event)
OUTCOMES = frozenset({"SessionCleared", "ReportSettled", "MessageRejected"})
"""Each message of a batch ends in one of these."""


class Block(NamedTuple):
    """The head of a block. `time` is UTC seconds; `parent` the hash of the block before, where that
    is needed."""

    number: int
    hash: bytes
    time: int
    parent: bytes = b""


class Transaction(NamedTuple):
    """`to` is a lower-case 0x address, or empty if it created a contract; so is `sender`, who
    signed it."""

    to: str
    calldata: bytes
    sender: str = ""


class Batch(NamedTuple):
    """What a transaction submitted. `fault` says why its input is no batch."""

    to: str
    received: list[Recovered]
    fault: str = ""


class RawLogs(NamedTuple):
    """Logs as they stand on chain: `places` are their indices in the block, `encoded` they
    themselves in RLP, one behind another."""

    places: Sequence[int]
    encoded: bytes


class Entry:
    """One transaction's events. `batch` is known if it submitted one, `sent` if corrections logged
    in it; `logs` where they were read as they stand on chain, and then events are decoded only when
    somebody asks for them."""

    __slots__ = ("_events", "at", "batch", "block", "logs", "sent")

    def __init__(
        self,
        block: Block,
        at: LogPosition,
        batch: Batch | None,
        sent: Transaction | None = None,
        *,
        logs: RawLogs | None = None,
        decoded: tuple[Event, ...] | None = None,
    ) -> None:
        self.block = block
        self.at = at
        self.batch = batch
        self.sent = sent
        self.logs = logs
        self._events = decoded

    @property
    def events(self) -> tuple[Event, ...]:
        if self._events is None:
            self._events = tuple(self._decoded(self.logs)) if self.logs else ()
        return self._events

    def first_of(self, kind: type[E]) -> E | None:
        """The first event of a kind."""
        return next((event for event in self.events if isinstance(event, kind)), None)

    @property
    def size(self) -> int:
        return len(self.logs.places if self.logs is not None else self.events)

    def _decoded(self, logs: RawLogs) -> Iterator[Event]:
        at = self.at
        fields = {
            "blockNumber": at.block,
            "blockHash": at.block_hash,
            "transactionHash": at.tx_hash,
            "transactionIndex": at.tx_index,
        }
        for place, log in zip(logs.places, rlp.items(logs.encoded), strict=True):
            _, topics, data = log
            try:
                event = events.decode(fields | {"topics": topics, "data": data, "logIndex": place})
            except (DecodingError, ValueError) as error:
                what = f"A log of transaction 0x{at.tx_hash.hex()} cannot be read: {error}."
                raise ChainError(what) from error
            if event is not None:
                yield event

    def packed(self) -> tuple[Any, ...]:
        """As plain tuples."""
        at, batch = self.at, self.batch
        messages = None
        if batch is not None:
            messages = batch.to, batch.fault, list(map(tuple, batch.received))
        place = at.block, at.tx_index, at.log_index, at.tx_hash, at.block_hash
        sent = self.sent and tuple(self.sent)
        logs = (list(self.logs.places), self.logs.encoded) if self.logs else ((), b"")
        return self.block.time, place, messages, sent, logs

    @classmethod
    def unpacked(cls, plain: tuple[Any, ...]) -> Self:
        time, place, messages, sent, logs = plain
        at = LogPosition(*place)
        batch = None
        if messages is not None:
            batch = Batch(messages[0], [Recovered(*one) for one in messages[2]], messages[1])
        block = Block(at.block, at.block_hash, time)
        return cls(block, at, batch, sent and Transaction(*sent), logs=RawLogs(*logs))


class Page(NamedTuple):
    """All entries of the blocks from `first` to `last`. Where the blocks were proven, `parent` is
    the hash before them and `hash` that of the last."""

    entries: list[Entry]
    first: int
    last: int
    parent: bytes | None = None
    hash: bytes | None = None

    @property
    def size(self) -> int:
        """Messages and other events, about."""
        return sum(entry.size for entry in self.entries)

    def packed(self) -> bytes:
        """For another process of this program; only with logs as they stand on chain."""
        return marshal.dumps(([entry.packed() for entry in self.entries], *self[1:]))

    @classmethod
    def unpacked(cls, packed: bytes) -> Self:
        entries, *rest = marshal.loads(packed)  # noqa: S302  our own process wrote it
        return cls([Entry.unpacked(one) for one in entries], *rest)


class ReorganisedError(ChainError):
    """The chain has another block than the one that was read."""

    code = "reorganised"

    def __init__(self, block: int) -> None:
        super().__init__(
            f"The chain changed its block {block} while it was read.",
            "Ask again, or up to an older block that is final.",
        )


def batch_of(transaction: Transaction, domain: Domain) -> Batch:
    """With everything recovered that it was signed by."""
    try:
        packed = messages_in(transaction.calldata)
    except ValueError as error:
        return Batch(transaction.to, [], str(error))
    return Batch(transaction.to, recovered(domain, packed))


def is_batch(group: tuple[Event, ...]) -> bool:
    """By a transaction's events."""
    return are_of_batch({type(event).__name__ for event in group})


def are_of_batch(names: set[str]) -> bool:
    """By the events' names. An expiry records a batch, too, but one without messages."""
    return not names.isdisjoint(OUTCOMES) or (
        "BatchRecorded" in names and "SessionExpired" not in names
    )


def are_of_corrections(names: set[str]) -> bool:
    """By the events' names."""
    return not names.isdisjoint(_of_corrections())


def event_names() -> dict[bytes, str]:
    """By topic, of every event that the audit knows."""
    known = {kind.__name__ for kind in events.kinds()}
    found = (event for contract in events.CONTRACTS for event in abi.events(contract))
    return {event.topic: event.name for event in found if event.name in known}


@cache
def _of_corrections() -> frozenset[str]:
    return frozenset(event.name for event in abi.events("Corrections"))
