"""Reads the body of a request: from bytes to signed messages, or to the problem that names what is
wrong and in which field. One bad message does not spoil the others.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import suppress
from typing import Any

from fastapi import Request
from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails, from_json

from gridroam.messages import Domain, Signed
from gridroam.relay.problems import Problem, ProblemError
from gridroam.relay.schemas import MAX_MESSAGES, DomainIn, MessageIn, OpeningIn, ReportIn

_DOMAIN: TypeAdapter[DomainIn] = TypeAdapter(DomainIn)
_MESSAGE: TypeAdapter[OpeningIn | ReportIn] = TypeAdapter(MessageIn)
_FIELDS = frozenset({"domain", "messages"})

_DISCARD_SECONDS = 1.0

_CODES = {
    "missing": "missing-field",
    "union_tag_not_found": "missing-field",
    "extra_forbidden": "unknown-field",
    "union_tag_invalid": "unknown-kind",
    "string_pattern_mismatch": "wrong-format",
    "greater_than": "out-of-range",
    "greater_than_equal": "out-of-range",
    "less_than": "out-of-range",
    "less_than_equal": "out-of-range",
    "int_parsing_size": "out-of-range",
    "too_long": "out-of-range",
    "too_short": "out-of-range",
}


async def read_body(request: Request, limit: int) -> bytes:
    """Keeps no more than the limit, whatever the client declared."""
    kind = request.headers.get("content-type", "application/json").partition(";")[0].strip()
    if kind.lower() != "application/json":
        raise ProblemError(Problem("wrong-media-type", f"The body is declared as {kind}."))
    body = bytearray()
    stream = request.stream()
    async for chunk in stream:
        body += chunk
        if len(body) > limit:
            await _discard(stream, limit)
            raise ProblemError(Problem("body-too-large", f"The body has more than {limit} bytes."))
    return bytes(body)


async def _discard(stream: AsyncIterator[bytes], limit: int) -> None:
    """Some of what is still coming: who is cut off while sending does not see the answer."""
    discarded = 0
    with suppress(TimeoutError):
        async with asyncio.timeout(_DISCARD_SECONDS):
            async for chunk in stream:
                discarded += len(chunk)
                if discarded > limit:
                    return


def read_messages(body: bytes, domain: Domain) -> list[Signed | Problem]:
    """Raises `ProblemError` for what concerns the request as a whole."""
    try:
        document = from_json(body, allow_inf_nan=False)
    except ValueError as error:
        raise ProblemError(Problem("malformed-json", f"The body is no JSON: {error}.")) from error
    for problem in _problems(document, domain):
        raise ProblemError(problem)
    return [_message(index, entry) for index, entry in enumerate(document["messages"])]


def _problems(document: Any, domain: Domain) -> Iterator[Problem]:
    if not isinstance(document, dict):
        yield Problem("wrong-type", "The body is no JSON object.")
        return
    for name in document.keys() - _FIELDS:
        yield Problem("unknown-field", f"The request has no field {name!r}.", name)
    if "messages" not in document:
        yield Problem("missing-field", "The request has no messages.", "messages")
        return
    entries = document["messages"]
    if not isinstance(entries, list):
        yield Problem("wrong-type", "messages is no list.", "messages")
    elif not entries:
        yield Problem("no-messages", "messages is empty.", "messages")
    elif len(entries) > MAX_MESSAGES:
        detail = f"{len(entries)} messages are more than {MAX_MESSAGES}."
        yield Problem("too-many-messages", detail, "messages")
    if document.get("domain") is not None:
        yield from _domain_problems(document["domain"], domain)


def _domain_problems(given: Any, domain: Domain) -> Iterator[Problem]:
    try:
        read = _DOMAIN.validate_python(given)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        yield problem_of(first, "domain", first["loc"])
        return
    if read.chain_id != domain.chain_id:
        detail = f"The relay serves chain {domain.chain_id}, not {read.chain_id}."
        yield Problem("wrong-chain", detail, "domain.chainId")
    elif read.verifying_contract.lower() != domain.ledger.lower():
        detail = f"The relay serves the ledger {domain.ledger}, not {read.verifying_contract}."
        yield Problem("wrong-contract", detail, "domain.verifyingContract")


def _message(index: int, entry: Any) -> Signed | Problem:
    try:
        return _MESSAGE.validate_python(entry).to_signed()
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        # below the kind of message, which pydantic counts as a step
        steps = ("kind",) if first["type"].startswith("union_tag") else first["loc"][1:]
        return problem_of(first, f"messages[{index}]", steps)


def problem_of(error: ErrorDetails, where: str, steps: Sequence[int | str]) -> Problem:
    """A problem from what pydantic says about the value that is some steps below `where`."""
    path = [f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps]
    field = (where + "".join(path)).lstrip(".")
    detail = f"{field}: {error['msg']}."
    return Problem(_CODES.get(error["type"], "wrong-type"), detail, field)
