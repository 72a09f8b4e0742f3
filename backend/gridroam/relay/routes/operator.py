"""For the relay's operator only: metrics, and the accounts that send."""

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import PlainTextResponse, Response

from gridroam.http import metrics as http_metrics
from gridroam.relay import documentation, front
from gridroam.relay.schemas import SendersOut

router = APIRouter(tags=["operations"])


@router.get(
    "/metrics",
    response_class=PlainTextResponse,
    responses=documentation.METRICS,
    summary="Metrics for Prometheus",
)
async def metrics(request: Request) -> Response:
    """In its text format. With an API key, or from the machine itself and through no proxy."""
    desk = front.of(request)
    desk.operator.check(request)
    await desk.observe()
    found = await run_in_threadpool(http_metrics.render)
    return Response(found, media_type=http_metrics.CONTENT_TYPE)


@router.get(
    "/v1/operator/senders",
    response_model=SendersOut,
    responses=documentation.OPERATOR,
    summary="Accounts that send from this database",
)
def senders(request: Request) -> SendersOut:
    """Of every process: who holds the lease, and what the account has left."""
    desk = front.of(request)
    desk.operator.check(request)
    return SendersOut.model_validate(
        {
            "senders": [
                {
                    "address": one.address,
                    "holder": one.holder if one.held else None,
                    "balance": None if one.balance is None else str(one.balance),
                    "funds": one.funds and one.funds.value,
                }
                for one in desk.relay.senders()
            ]
        }
    )
