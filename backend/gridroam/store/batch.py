"""A batch and its transactions, as a sender knows them."""

from dataclasses import dataclass
from enum import StrEnum

from gridroam.store.claims import Waiting


class State(StrEnum):
    """Of a batch."""

    SENT = "sent"
    MINED = "mined"
    FINAL = "final"
    RETURNED = "returned"


@dataclass(frozen=True, slots=True)
class Transaction:
    """Signed. Fees in wei per gas, `sent_at` in UTC milliseconds."""

    hash: bytes
    raw: bytes
    max_fee: int
    tip: int
    sent_at: int


@dataclass(frozen=True, slots=True)
class Batch:
    """`messages` in their order; `transactions` all have its nonce, the newest last. Times are UTC
    milliseconds."""

    id: int
    nonce: int
    gas: int
    state: State
    messages: tuple[Waiting, ...]
    transactions: tuple[Transaction, ...]
    made_at: int
    mined_at: int | None = None
    block: int | None = None
    block_hash: bytes | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """The block that a batch stands in."""

    block: int
    block_hash: bytes
