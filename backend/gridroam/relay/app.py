"""The relay's HTTP service, put together."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware

import gridroam
from gridroam.http import failures, page, serving
from gridroam.http.edge import Edge
from gridroam.relay import documentation
from gridroam.relay.front import Front
from gridroam.relay.routes import lists, messages, operator, status
from gridroam.relay.service import Relay


def create_app(relay: Relay, operator_port: int | None = None) -> FastAPI:
    """`operator_port`: the only one that answers to operators, if there is one. What it calls when
    the end is near is `app.state.drain`."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        loop = asyncio.get_running_loop()
        relay.start(loop)
        app.state.front.start(loop)
        yield
        app.state.front.stop()
        await asyncio.to_thread(relay.stop)

    app = FastAPI(
        title="Gridroam relay",
        version=gridroam.__version__,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    app.state.front = Front(relay, operator_port)
    app.state.drain = app.state.front.stop
    for routes in (messages, lists, status, operator):
        app.include_router(routes.router)
    failures.handle(app)
    page.serve(app)
    documentation.complete(app, relay.domain)
    _allow_origins(app, relay.settings.cors_origins)
    app.add_middleware(Edge, serving.client_limits(relay.settings))
    return app


def _allow_origins(app: FastAPI, origins: list[str]) -> None:
    if origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=origins,
            allow_methods=["GET", "POST"],
            allow_headers=["Authorization", "Content-Type", "Last-Event-ID", "X-Request-ID"],
            expose_headers=["Retry-After", "X-Request-ID"],
            max_age=600,
        )
