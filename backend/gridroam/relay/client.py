"""A client of the relay's API, for stations and everybody else who speaks Python. It blocks, and
may be shared by threads.

`send` answers for every message in order; it raises only where the request as a whole failed, so
that the messages have to be sent again.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import httpx

from gridroam.domain.delivery import Status
from gridroam.domain.reasons import Reason
from gridroam.errors import RelayProblemError, RelayUnreachableError
from gridroam.messages import Domain, Signed
from gridroam.relay.schemas import message_json

_REASONS = {reason.slug: reason for reason in Reason}


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why a message was refused: what is wrong, and what to do."""

    code: str
    detail: str
    hint: str
    field: str | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of one message. `reason` where the ledger rejected it or would; `trouble` where
    the relay refused it; `digest` is missing only where the message could not be read."""

    digest: bytes | None
    status: Status
    reason: Reason | None = None
    transaction: str | None = None
    block: int | None = None
    trouble: Trouble | None = None

    @property
    def final(self) -> bool:
        return self.status.final

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


class RelayClient:
    """Speaks to one relay over kept-alive connections."""

    def __init__(self, url: str, *, timeout: float = 10.0) -> None:
        self.url = url.rstrip("/")
        self._timeout = timeout
        self._http = httpx.Client(base_url=self.url, timeout=timeout)

    def send(
        self, messages: Sequence[Signed], domain: Domain | None = None, wait: float = 0.0
    ) -> list[Answer]:
        """Delivers messages, a station's own in their order. With `wait` (s) the relay answers when
        all are final, or then. `domain` lets the relay tell a wrong chain from a wrong key."""
        body: dict[str, Any] = {"messages": [message_json(signed) for signed in messages]}
        if domain is not None:
            body["domain"] = {"chainId": domain.chain_id, "verifyingContract": domain.ledger}
        reply = self._ask("POST", "/v1/messages", wait, body)
        if reply.is_success:
            return [_answer(entry) for entry in reply.json()["messages"]]
        problem = _problem(reply)
        if "digest" not in problem:
            raise _error(reply.status_code, problem)
        return [_refused(problem)]

    def status(self, digest: bytes, wait: float = 0.0) -> Answer:
        """What became of a message; a problem `unknown-message` if the relay has none."""
        reply = self._ask("GET", f"/v1/messages/0x{digest.hex()}", wait)
        if not reply.is_success:
            raise _error(reply.status_code, _problem(reply))
        return _answer(reply.json())

    def relay(self) -> RelayStatus:
        """Which chain and ledger the relay serves."""
        reply = self._ask("GET", "/v1/status", 0.0)
        if not reply.is_success:
            raise _error(reply.status_code, _problem(reply))
        return _relay_status(reply.json())

    def close(self) -> None:
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _ask(
        self, method: str, path: str, wait: float, body: dict[str, Any] | None = None
    ) -> httpx.Response:
        try:
            return self._http.request(
                method,
                path,
                params={"wait": wait} if wait else None,
                json=body,
                timeout=self._timeout + wait,
            )
        except httpx.TimeoutException as error:
            raise RelayUnreachableError(
                f"The relay at {self.url} did not answer in time.",
                "Send the same messages again: they settle once.",
            ) from error
        except httpx.TransportError as error:
            raise RelayUnreachableError(
                f"No relay answers at {self.url} ({error}).", "Check the address and the network."
            ) from error


_PASSING = frozenset({"node-unreachable", "store-failing", "queue-full", "internal-error"})


def _answer(entry: dict[str, Any]) -> Answer:
    return Answer(
        digest=bytes.fromhex(entry["digest"][2:]) if entry["digest"] else None,
        status=Status(entry["status"]),
        reason=_REASONS.get(entry["reason"] or ""),
        transaction=entry["transaction"],
        block=entry["block"],
        trouble=_trouble(entry["problem"]) if entry.get("problem") else None,
    )


def _refused(problem: dict[str, Any]) -> Answer:
    digest = problem["digest"]
    return Answer(
        digest=bytes.fromhex(digest[2:]) if digest else None,
        status=Status.REFUSED,
        reason=_REASONS.get(problem["reason"] or ""),
        trouble=_trouble(problem),
    )


def _trouble(problem: dict[str, Any]) -> Trouble:
    return Trouble(problem["code"], problem["detail"], problem["hint"], problem.get("field"))


def _problem(reply: httpx.Response) -> dict[str, Any]:
    try:
        problem = reply.json()
    except ValueError:
        problem = None
    if isinstance(problem, dict) and "code" in problem:
        return problem
    return {
        "code": "no-relay",
        "detail": f"{reply.url} answered {reply.status_code} without a problem document.",
        "hint": "Check that a Gridroam relay runs at this address.",
    }


def _error(status: int, problem: dict[str, Any]) -> RelayProblemError:
    return RelayProblemError(problem["code"], problem["detail"], problem["hint"], status=status)


def _relay_status(body: dict[str, Any]) -> RelayStatus:
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
