"""What the audit works on: each transaction's events, its block's time, the messages in its input.

Entries are made where the chain is read, in other processes: signatures are recovered there, too.
"""

from dataclasses import dataclass
from typing import NamedTuple

from gridroam.audit.signatures import Authenticated, authenticate
from gridroam.chain.calldata import messages_in
from gridroam.chain.events import (
    BatchRecorded,
    Event,
    LogPosition,
    MessageRejected,
    ReportSettled,
    SessionCleared,
    SessionExpired,
)
from gridroam.errors import ChainError
from gridroam.messages import Domain

OUTCOMES = (SessionCleared, ReportSettled, MessageRejected)
"""Each message of a batch ends in one of these."""


class Block(NamedTuple):
    """The head of a block. `time` is UTC seconds."""

    number: int
    hash: bytes
    time: int


class Transaction(NamedTuple):
    """`to` is a lower-case 0x address, or empty if it created a contract."""

    to: str
    calldata: bytes


class Batch(NamedTuple):
    """What a transaction submitted. `fault` says why its input is no batch."""

    to: str
    received: list[Authenticated]
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """One transaction's events. `batch` is known if it submitted one."""

    block: Block
    events: tuple[Event, ...]
    batch: Batch | None = None

    @property
    def at(self) -> LogPosition:
        return self.events[0].at


@dataclass(frozen=True, slots=True)
class Page:
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
        return sum(len(entry.events) for entry in self.entries)


class ReorganisedError(ChainError):
    """The chain has another block than the one that was read."""

    code = "reorganised"

    def __init__(self, block: int) -> None:
        super().__init__(
            f"The chain changed its block {block} while it was read.",
            "Run the audit again, or up to an older block that is final.",
        )


def batch_of(transaction: Transaction, domain: Domain) -> Batch:
    """With everything recovered that it was signed by."""
    try:
        packed = messages_in(transaction.calldata)
    except ValueError as error:
        return Batch(transaction.to, [], str(error))
    return Batch(transaction.to, authenticate(domain, packed))


def is_batch(group: tuple[Event, ...]) -> bool:
    """An expiry records a batch, too, but one without messages."""
    kinds = {type(event) for event in group}
    return not kinds.isdisjoint(OUTCOMES) or (
        BatchRecorded in kinds and SessionExpired not in kinds
    )
