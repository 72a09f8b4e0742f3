"""Messages: deliver them, and ask what became of one."""

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import JSONResponse

from gridroam.http.body import read_json_body
from gridroam.http.limits import Rates
from gridroam.http.problems import Problem, ProblemError
from gridroam.messages import Domain, Signed
from gridroam.relay import documentation, front, metrics
from gridroam.relay.answers import Entry, answer, messages_response
from gridroam.relay.door import Judged
from gridroam.relay.front import Front
from gridroam.relay.log import log
from gridroam.relay.reading import read_messages
from gridroam.relay.schemas import AnswerOut, AnswersOut
from gridroam.relay.watch import decisions
from gridroam.store.outcome import Outcome

_READ_IN_THREAD = 32_000
"""Bytes of a body beyond which reading it would keep other requests waiting."""

_FAULTY = frozenset({400, 403, 422})
_reader = ThreadPoolExecutor(1, "reader")
_lines = Rates(10, 100)
"""Of refused messages in the log: strangers must not fill the disk."""

Wait = Annotated[
    float,
    Query(
        ge=0,
        le=3600,
        allow_inf_nan=False,
        description="Seconds to wait until the ledger has decided; more than the relay's limit (30 "
        "by default) counts as the limit.",
    ),
]
Digest = Annotated[
    str,
    Path(
        pattern="^(0x)?[0-9a-fA-F]{64}$",
        description="EIP-712 digest of the message, 0x and 64 hexadecimal digits.",
    ),
]

router = APIRouter(tags=["messages"])


@router.post(
    "/v1/messages",
    response_model=AnswersOut,
    status_code=202,
    responses=documentation.SEND,
    openapi_extra=documentation.SEND_BODY,
    summary="Deliver signed messages",
)
async def send(request: Request, wait: Wait = 0.0) -> JSONResponse:
    """Takes 1 to 500 messages and answers when all are durably stored, with `wait` when all are
    decided or the time is over. A station's own messages have to be in their order. Sending a
    message again is harmless and gives its present state."""
    desk = front.of(request)
    with desk.bodies.share() as share:
        body = await read_json_body(request, desk.body_limits, share)
        read = await _read(body, desk.relay.domain)
        del body
        signed = [message for message in read if isinstance(message, Signed)]
        judged = await _deliver(desk, signed, min(wait, desk.relay.settings.max_wait))
    entries = _entries(read, judged)
    _tell(request, read, entries)
    return messages_response(entries)


async def _read(body: bytes, domain: Domain) -> list[Signed | Problem]:
    if len(body) <= _READ_IN_THREAD:
        return read_messages(body, domain)
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(_reader, read_messages, body, domain)


async def _deliver(desk: Front, signed: Sequence[Signed], wait: float) -> list[Judged]:
    if not signed:
        return []
    following: dict[bytes, asyncio.Future[Outcome]] = {}

    def follow(judged: list[Judged]) -> None:
        for digest, verdict in judged if wait else ():
            if isinstance(verdict, Outcome) and not verdict.status.decided:
                following.setdefault(digest, desk.relay.watch.follow(digest))

    judged = await desk.judge(signed, follow)
    found = await decisions(following.values(), wait)
    known = {d: outcome for d, outcome in zip(following, found, strict=True) if outcome}
    return [(digest, known.get(digest, verdict)) for digest, verdict in judged]


def _entries(read: Sequence[Signed | Problem], judged: Sequence[Judged]) -> list[Entry]:
    rest = iter(judged)
    return [(None, entry) if isinstance(entry, Problem) else next(rest) for entry in read]


def _tell(request: Request, read: Sequence[Signed | Problem], entries: Sequence[Entry]) -> None:
    """Counts and logs what was refused."""
    faulty = 0
    for one, (digest, verdict) in zip(read, entries, strict=True):
        if not isinstance(verdict, Problem):
            continue
        metrics.message_refused(verdict.code)
        faulty += verdict.kind.status in _FAULTY
        if _lines.take("") == 0:
            log.info(
                "a message is refused",
                digest=digest.hex() if digest else None,
                station=one.message.station if isinstance(one, Signed) else None,
                code=verdict.code,
                field=verdict.field,
            )
    if faulty and len(entries) > 1:  # the answer's status tells of a single one
        request.state.fault(faulty)


@router.get(
    "/v1/messages/{digest}",
    response_model=AnswerOut,
    responses=documentation.ASK,
    summary="What became of a message",
)
async def message(request: Request, digest: Digest, wait: Wait = 0.0) -> JSONResponse:
    """With `wait` it answers once the message is decided, or when the time is over. Its `step` says
    whether the block may still vanish."""
    relay = front.of(request).relay
    key = bytes.fromhex(digest.removeprefix("0x"))
    following = relay.watch.follow(key)
    try:
        known = (await asyncio.to_thread(relay.outbox.known, [key])).get(key)
        if known is None:
            detail = f"The relay has no message with the digest {digest}."
            raise ProblemError(Problem("unknown-message", detail, "digest"))
        if wait and not known.status.decided:
            later = await decisions([following], min(wait, relay.settings.max_wait))
            known = later[0] or known
    finally:
        following.cancel()
    return JSONResponse(answer(key, known))
