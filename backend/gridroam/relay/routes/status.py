"""How the relay is doing: for stations, load balancers, and whoever watches it."""

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, PlainTextResponse

import gridroam
from gridroam.http.problems import Problem, problem_response
from gridroam.relay import documentation, front
from gridroam.relay.schemas import HealthOut, ReadyOut, StatusOut

router = APIRouter()


@router.get(
    "/v1/status",
    response_model=StatusOut,
    responses=documentation.STATUS,
    summary="Which ledger, and how it is doing",
    tags=["relay"],
)
async def status(request: Request) -> StatusOut:
    """The domain to sign for, the chain's head, how many messages wait."""
    desk = front.of(request)
    relay, condition = desk.relay, await desk.condition.get()
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


@router.get(
    "/healthz",
    response_model=HealthOut,
    responses=documentation.PLAIN,
    summary="Whether the process answers",
    tags=["operations"],
)
async def healthz() -> dict[str, str]:
    """Asks nothing else: restart the process when this fails, and only then."""
    return {"status": "ok"}


@router.get(
    "/readyz",
    response_model=ReadyOut,
    responses=documentation.READY,
    summary="Whether messages can be taken and sent",
    tags=["operations"],
)
async def readyz(request: Request) -> JSONResponse:
    """Database writable, node reachable and not behind, sending account funded, nothing waiting for
    too long, and not about to stop. Send stations elsewhere while this is 503. It answers within a
    second: while node or database hang with what was last known, whose `age` says so."""
    checks, age = await front.of(request).readiness()
    found = {"checks": checks, "age": round(age, 1)}
    wrong = [f"{name}: {found}" for name, found in checks.items() if found != "ok"]
    if wrong:
        problem = Problem("not-ready", " ".join(wrong), retry_after=5)
        return problem_response(problem, ready=False, **found)
    return JSONResponse({"ready": True, **found})


@router.get("/", include_in_schema=False)
async def home() -> PlainTextResponse:
    return PlainTextResponse(documentation.HOME)
