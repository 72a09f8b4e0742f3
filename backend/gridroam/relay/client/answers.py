"""What a relay says, as Python has it."""

from dataclasses import dataclass, field
from typing import Any

from gridroam.domain.delivery import Status
from gridroam.domain.reasons import Reason
from gridroam.messages import Domain

_REASONS = {reason.slug: reason for reason in Reason}

_PASSING = frozenset(
    {
        "busy",
        "internal-error",
        "node-unreachable",
        "queue-full",
        "station-too-fast",
        "stopping",
        "store-failing",
        "too-many-bytes",
        "too-many-faults",
        "too-many-requests",
    }
)


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why a message was refused: what is wrong, and what to do. `retry_after` in seconds."""

    code: str
    detail: str
    hint: str
    field: str | None = None
    retry_after: int | None = None


@dataclass(frozen=True, slots=True)
class Times:
    """When a message came to each step, UTC milliseconds."""

    stored: int | None = None
    sent: int | None = None
    mined: int | None = None
    final: int | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of one message. `reason` where the ledger rejected it or would; `trouble` where
    the relay refused it; `digest` is missing only where the message could not be read. `step` is
    stored, sent, mined or final: what is mined is decided in a block that may still vanish."""

    digest: bytes | None
    status: Status
    reason: Reason | None = None
    transaction: str | None = None
    block: int | None = None
    trouble: Trouble | None = None
    step: str | None = field(default=None, compare=False)
    times: Times = field(default=Times(), compare=False)

    @property
    def decided(self) -> bool:
        """Accepted, rejected or refused; it stays so once `step` is final."""
        return self.status.decided

    @property
    def accepted(self) -> bool:
        """Whether the ledger accepted it: the opening is cleared, the report settled."""
        return self.status in {Status.CLEARED, Status.SETTLED}

    @property
    def may_pass_later(self) -> bool:
        """Whether the same message is worth sending again, after something else or a while."""
        if self.reason is not None:
            return self.reason.may_pass_later
        return self.trouble is not None and self.trouble.code in _PASSING


@dataclass(frozen=True, slots=True)
class Listed:
    """A message in a list. `report` is missing for an opening; `time` is the message's own, UTC
    seconds."""

    station: int
    session: int
    report: int | None
    time: int
    answer: Answer

    @property
    def opening(self) -> bool:
        return self.report is None


@dataclass(frozen=True, slots=True)
class RelayStatus:
    """Which ledger the relay serves, and how it is doing. `head` is (number, time), `balance` in
    wei; both are missing while its node does not answer."""

    domain: Domain
    registry: str
    head: tuple[int, int] | None
    stored: int
    sent: int
    sender: str
    balance: int | None


def read_answer(entry: dict[str, Any]) -> Answer:
    return Answer(
        digest=bytes.fromhex(entry["digest"][2:]) if entry["digest"] else None,
        status=Status(entry["status"]),
        reason=_REASONS.get(entry["reason"] or ""),
        transaction=entry["transaction"],
        block=entry["block"],
        trouble=read_trouble(entry["problem"]) if entry.get("problem") else None,
        step=entry.get("step"),
        times=Times(**(entry.get("times") or {})),
    )


def read_refusal(problem: dict[str, Any]) -> Answer:
    """The answer for the only message of a request, which became a problem."""
    digest = problem["digest"]
    return Answer(
        digest=bytes.fromhex(digest[2:]) if digest else None,
        status=Status.REFUSED,
        reason=_REASONS.get(problem["reason"] or ""),
        trouble=read_trouble(problem),
    )


def read_listed(entry: dict[str, Any]) -> Listed:
    return Listed(
        station=entry["station"],
        session=entry["session"],
        report=entry["report"],
        time=entry["time"],
        answer=read_answer(entry),
    )


def read_trouble(problem: dict[str, Any]) -> Trouble:
    return Trouble(
        problem["code"],
        problem["detail"],
        problem["hint"],
        problem.get("field"),
        problem.get("retryAfter"),
    )


def read_status(body: dict[str, Any]) -> RelayStatus:
    head, sender = body["head"], body["sender"]
    return RelayStatus(
        domain=Domain(body["chainId"], body["ledger"]),
        registry=body["registry"],
        head=(head["number"], head["time"]) if head else None,
        stored=body["queue"]["stored"],
        sent=body["queue"]["sent"],
        sender=sender["address"],
        balance=int(sender["balance"]) if sender["balance"] else None,
    )
