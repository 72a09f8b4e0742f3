"""What is known of a message, and how it is read from the tables: where it stands, why, in which
transaction and block, and when it came to each step.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, FromClause, Row

from gridroam.domain.delivery import Status
from gridroam.domain.reasons import Reason
from gridroam.store.models import batches, messages


class Step(StrEnum):
    """How far a message has come; each is one database transaction."""

    STORED = "stored"
    SENT = "sent"
    MINED = "mined"
    """decided, in a block that may still vanish"""
    FINAL = "final"


@dataclass(frozen=True, slots=True)
class Times:
    """When a message came to each step, UTC milliseconds; `None` where it has not, or where it was
    not this relay that brought it to the ledger."""

    stored: int | None = None
    sent: int | None = None
    mined: int | None = None
    final: int | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """`status` and `reason` are what was decided; `times` do not make two outcomes different."""

    status: Status
    reason: Reason | None = None
    tx_hash: bytes | None = None
    block: int | None = None
    times: Times = field(default=Times(), compare=False)

    @property
    def step(self) -> Step:
        if not self.status.decided:
            return Step(self.status.value)
        waits = self.times.mined is not None and self.times.final is None
        return Step.MINED if waits else Step.FINAL


STORED = Outcome(Status.STORED)


@dataclass(frozen=True, slots=True)
class _Selection:
    columns: tuple[ColumnElement[Any], ...]
    tables: FromClause


OUTCOME = _Selection(
    (
        messages.c.status,
        messages.c.reason,
        messages.c.tx_hash,
        messages.c.block,
        messages.c.stored_at,
        batches.c.made_at,
        batches.c.mined_at,
        batches.c.final_at,
    ),
    messages.outerjoin(batches, messages.c.batch == batches.c.id),
)
"""What `outcome_of` needs of a row."""


def outcome_of(row: Row[*tuple[Any, ...]]) -> Outcome:
    reason = None if row.reason is None else Reason(row.reason)
    times = Times(row.stored_at, row.made_at, row.mined_at, row.final_at)
    return Outcome(Status(row.status), reason, row.tx_hash, row.block, times)
