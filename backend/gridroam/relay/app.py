"""The relay's HTTP API, version 1. Handlers read, ask the relay, answer; they hold no rules."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Annotated

from fastapi import APIRouter, FastAPI, Query, Request
from fastapi.responses import JSONResponse, PlainTextResponse

import gridroam
from gridroam.messages import Signed
from gridroam.relay import documentation, failures
from gridroam.relay.answers import Entry, answer, messages_response, problem_response
from gridroam.relay.door import Judged
from gridroam.relay.problems import Problem, ProblemError
from gridroam.relay.reading import read_body, read_messages
from gridroam.relay.schemas import AnswerOut, AnswersOut, ReadyOut, StatusOut
from gridroam.relay.service import Relay
from gridroam.relay.watch import finals
from gridroam.store.outcome import Outcome

_READ_IN_THREAD = 32_000
"""Bytes of a body beyond which reading it would keep other requests waiting."""

Wait = Annotated[
    float, Query(ge=0, le=3600, description="seconds to wait for final answers; capped")
]

router = APIRouter()


def create_app(relay: Relay) -> FastAPI:
    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        relay.start(asyncio.get_running_loop())
        yield
        await asyncio.to_thread(relay.stop)

    app = FastAPI(
        title="Gridroam relay",
        version=gridroam.__version__,
        description=documentation.DESCRIPTION,
        lifespan=lifespan,
        redoc_url=None,
    )
    app.state.relay = relay
    app.include_router(router)
    failures.handle(app)
    documentation.complete(app, relay.domain)
    return app


# ---------------------------------------------------------------------------------------- Messages


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
    final or the time is over. A station's own messages have to be in their order. Sending a message
    again is harmless and gives its present state."""
    relay: Relay = request.app.state.relay
    body = await read_body(request, relay.settings.max_body_bytes)
    if len(body) > _READ_IN_THREAD:
        read = await asyncio.to_thread(read_messages, body, relay.domain)
    else:
        read = read_messages(body, relay.domain)
    signed = [message for message in read if isinstance(message, Signed)]
    judged = await _deliver(relay, signed, min(wait, relay.settings.max_wait))
    return messages_response(_entries(read, judged))


async def _deliver(relay: Relay, signed: Sequence[Signed], wait: float) -> list[Judged]:
    if not signed:
        return []
    following: dict[bytes, asyncio.Future[Outcome]] = {}

    def follow(judged: list[Judged]) -> None:
        for digest, verdict in judged if wait else ():
            if isinstance(verdict, Outcome) and not verdict.status.final:
                following.setdefault(digest, relay.watch.follow(digest))

    judged = await relay.intake.take(signed, follow)
    found = await finals(following.values(), wait)
    known = {d: outcome for d, outcome in zip(following, found, strict=True) if outcome}
    return [(digest, known.get(digest, verdict)) for digest, verdict in judged]


def _entries(read: Sequence[Signed | Problem], judged: Sequence[Judged]) -> list[Entry]:
    rest = iter(judged)
    return [(None, entry) if isinstance(entry, Problem) else next(rest) for entry in read]


@router.get(
    "/v1/messages/{digest}",
    response_model=AnswerOut,
    responses=documentation.ASK,
    summary="What became of a message",
)
async def message(request: Request, digest: str, wait: Wait = 0.0) -> JSONResponse:
    """By its EIP-712 digest, 0x and 64 hexadecimal digits."""
    relay: Relay = request.app.state.relay
    key = _digest(digest)
    following = relay.watch.follow(key)
    try:
        known = (await asyncio.to_thread(relay.outbox.known, [key])).get(key)
        if known is None:
            detail = f"The relay has no message with the digest {digest}."
            raise ProblemError(Problem("unknown-message", detail, "digest"))
        if wait and not known.status.final:
            later = await finals([following], min(wait, relay.settings.max_wait))
            known = later[0] or known
    finally:
        following.cancel()
    return JSONResponse(answer(key, known))


def _digest(text: str) -> bytes:
    try:
        digest = bytes.fromhex(text.removeprefix("0x"))
    except ValueError:
        digest = b""
    if len(digest) != 32:
        detail = f"{text!r} is no digest: 0x and 64 hexadecimal digits."
        raise ProblemError(Problem("wrong-format", detail, "digest"))
    return digest


# ------------------------------------------------------------------------------------------ Status


@router.get("/v1/status", response_model=StatusOut, summary="Which ledger, and how it is doing")
def status(request: Request) -> StatusOut:
    relay: Relay = request.app.state.relay
    condition = relay.condition()
    head, balance = condition.head, condition.balance
    return StatusOut.model_validate(
        {
            "chain_id": relay.domain.chain_id,
            "ledger": relay.ledger.address,
            "registry": relay.ledger.registry_address,
            "head": head and {"number": head.number, "time": head.time},
            "queue": {"stored": condition.counts.stored, "sent": condition.counts.sent},
            "sender": {
                "address": relay.sender,
                "balance": None if balance is None else str(balance),
            },
            "version": gridroam.__version__,
        }
    )


@router.get("/healthz", summary="Whether the process answers")
async def healthz() -> dict[str, str]:
    return {"status": "ok"}


@router.get(
    "/readyz",
    response_model=ReadyOut,
    responses=documentation.READY,
    summary="Whether messages can be taken and sent",
)
def readyz(request: Request) -> JSONResponse:
    checks = request.app.state.relay.checks()
    wrong = [f"{name}: {found}" for name, found in checks.items() if found != "ok"]
    if wrong:
        return problem_response(Problem("not-ready", " ".join(wrong)), checks=checks)
    return JSONResponse({"ready": True, "checks": checks})


@router.get("/", include_in_schema=False)
async def home() -> PlainTextResponse:
    return PlainTextResponse(documentation.HOME)
