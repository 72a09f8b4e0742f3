"""Reads a delivery: from the body's bytes to signed messages, or to the problem that names what is
wrong and in which field. One bad message does not spoil the others.
"""

from collections.abc import Iterator
from typing import Any

from pydantic import TypeAdapter, ValidationError
from pydantic_core import from_json

from gridroam.http.problems import Problem, ProblemError
from gridroam.http.validation import problem_of, shown
from gridroam.messages import Domain, Signed
from gridroam.relay.schemas import MAX_MESSAGES, DomainIn, MessageIn, OpeningIn, ReportIn

_DOMAIN: TypeAdapter[DomainIn] = TypeAdapter(DomainIn)
_MESSAGE: TypeAdapter[OpeningIn | ReportIn] = TypeAdapter(MessageIn)
_FIELDS = frozenset({"domain", "messages"})


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
        yield Problem("unknown-field", f"The request has no field {shown(name)!r}.", shown(name))
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
