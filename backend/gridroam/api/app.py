"""The query API as a service of its own, and as a part of another one."""

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

import gridroam
from gridroam.api import events, parties, quarters, sessions, statements
from gridroam.api.service import Queries
from gridroam.http import failures, page, serving
from gridroam.http.edge import Edge
from gridroam.index.follower import Follower
from gridroam.settings import HttpSettings

_DESCRIPTION = """What a Gridroam ledger says, as rows. Every answer names the block that it is of,
and how many blocks the node is ahead. Energy is in Wh, money in nano-euro, both as exact integers;
times are UTC seconds. Nothing here has to be trusted: `gridroam verify` proves statements and
receipts from the chain."""


def mount(app: FastAPI, queries: Queries) -> None:
    """Everything under /v1/chain. The service drains by `queries.stopping`."""
    app.state.queries = queries
    for routes in (parties, sessions, quarters, statements, events):
        app.include_router(routes.router)


def create_app(queries: Queries, follower: Follower | None, settings: HttpSettings) -> FastAPI:
    """`follower` keeps the index at the chain's head as long as the service runs."""
    stopped = threading.Event()

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        thread = threading.Thread(target=_follow, args=(follower, stopped), daemon=True)
        thread.start()
        yield
        queries.stopping.set()
        stopped.set()
        await asyncio.to_thread(thread.join, 10.0)

    app = FastAPI(
        title="Gridroam index",
        version=gridroam.__version__,
        description=_DESCRIPTION,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    mount(app, queries)
    app.state.drain = queries.stopping.set
    failures.handle(app)
    page.serve(app)
    app.add_api_route("/healthz", _healthz, summary="Whether the process answers")
    app.add_middleware(Edge, serving.client_limits(settings))
    return app


def _follow(follower: Follower | None, stopped: threading.Event) -> None:
    if follower is not None:
        follower.run(stopped)


async def _healthz() -> dict[str, str]:
    return {"status": "ok"}
