"""What the API answers, as JSON: messages, problems. Shapes are those of `schemas`."""

from collections.abc import Sequence
from typing import Any

from fastapi.responses import JSONResponse

from gridroam import messages
from gridroam.http.problems import Problem, problem_response
from gridroam.relay import problems
from gridroam.store.outcome import Outcome, Times
from gridroam.store.search import Found

Entry = tuple[bytes | None, Outcome | Problem]
"""A message's digest, if it could be read, and what is known of it."""


def messages_response(entries: Sequence[Entry]) -> JSONResponse:
    """A list; or, if one message was sent or none could be taken, the problem itself."""
    found = [verdict for _, verdict in entries if isinstance(verdict, Problem)]
    helpless = [problem for problem in found if problem.kind.passing or problem.kind.status == 500]
    if len(helpless) == len(entries):
        return problem_response(max(helpless, key=lambda problem: problem.retry_after or 0))
    if found and len(entries) == 1:
        about = {"digest": _hex(entries[0][0]), "reason": _reason(found[0])}
        return problem_response(found[0], **about)
    decided = all(isinstance(v, Problem) or v.status.decided for _, v in entries)
    content = {"messages": [answer(digest, verdict) for digest, verdict in entries]}
    pauses = [str(problem.retry_after) for problem in helpless if problem.retry_after is not None]
    headers = {"Retry-After": max(pauses, key=int)} if pauses else {}
    return JSONResponse(content, 200 if decided else 202, headers)


def answer(digest: bytes | None, verdict: Outcome | Problem) -> dict[str, Any]:
    """One message's entry."""
    if isinstance(verdict, Problem):
        return {
            "digest": _hex(digest),
            "status": "refused",
            "reason": _reason(verdict),
            "transaction": None,
            "block": None,
            "step": None,
            "times": None,
            "problem": verdict.document(),
            "links": None,
        }
    return {
        "digest": _hex(digest),
        "status": verdict.status.value,
        "reason": verdict.reason.slug if verdict.reason else None,
        "transaction": _hex(verdict.tx_hash),
        "block": verdict.block,
        "step": verdict.step.value,
        "times": _times(verdict.times),
        "links": {"self": f"/v1/messages/{_hex(digest)}"},
    }


def listed(found: Found) -> dict[str, Any]:
    """One message's entry in a list, which says what the message is, too."""
    message = messages.unpack(found.body).message
    report = message.report if isinstance(message, messages.EnergyReport) else None
    return {
        "kind": "open" if report is None else "report",
        "station": message.station,
        "session": message.session,
        "report": report,
        "time": message.time,
    } | answer(found.digest, found.outcome)


def _reason(problem: Problem) -> str | None:
    reason = problem.reason if isinstance(problem, problems.Problem) else None
    return reason.slug if reason else None


def _times(times: Times) -> dict[str, int | None]:
    return {
        "stored": times.stored,
        "sent": times.sent,
        "mined": times.mined,
        "final": times.final,
    }


def _hex(value: bytes | None) -> str | None:
    return None if value is None else "0x" + value.hex()
