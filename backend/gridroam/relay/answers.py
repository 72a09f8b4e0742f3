"""What the API answers, as JSON: messages, problems. Shapes are those of `schemas`."""

from collections.abc import Sequence
from typing import Any

from fastapi.responses import JSONResponse

from gridroam.relay.door import Verdict
from gridroam.relay.problems import MEDIA_TYPE, Problem

Entry = tuple[bytes | None, Verdict]
"""A message's digest, if it could be read, and what is known of it."""


def messages_response(entries: Sequence[Entry]) -> JSONResponse:
    """A list; or, if one message was sent or none could be taken, the problem itself."""
    problems = [verdict for _, verdict in entries if isinstance(verdict, Problem)]
    helpless = [problem for problem in problems if problem.kind.status >= 500]
    if len(helpless) == len(entries):
        return problem_response(helpless[0])
    if problems and len(entries) == 1:
        reason = problems[0].reason
        about = {"digest": _hex(entries[0][0]), "reason": reason.slug if reason else None}
        return problem_response(problems[0], **about)
    final = all(isinstance(v, Problem) or v.status.final for _, v in entries)
    content = {"messages": [answer(digest, verdict) for digest, verdict in entries]}
    return JSONResponse(content, 200 if final else 202)


def answer(digest: bytes | None, verdict: Verdict) -> dict[str, Any]:
    """One message's entry."""
    if isinstance(verdict, Problem):
        return {
            "digest": _hex(digest),
            "status": "refused",
            "reason": verdict.reason.slug if verdict.reason else None,
            "transaction": None,
            "block": None,
            "problem": verdict.document(),
            "links": None,
        }
    return {
        "digest": _hex(digest),
        "status": verdict.status.value,
        "reason": verdict.reason.slug if verdict.reason else None,
        "transaction": _hex(verdict.tx_hash),
        "block": verdict.block,
        "links": {"self": f"/v1/messages/{_hex(digest)}"},
    }


def problem_response(problem: Problem, **members: Any) -> JSONResponse:
    headers = {}
    if problem.retry_after is not None:
        headers["Retry-After"] = str(problem.retry_after)
    if problem.code == "body-too-large":
        headers["Connection"] = "close"  # the rest of the body is not read
    content = problem.document() | members
    return JSONResponse(content, problem.kind.status, headers, MEDIA_TYPE)


def _hex(value: bytes | None) -> str | None:
    return None if value is None else "0x" + value.hex()
