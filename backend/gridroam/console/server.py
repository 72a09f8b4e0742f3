"""The console as a server of its own: an index that follows the chain, the pages on it, and the
query API beside them."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fastapi import FastAPI

import gridroam
from gridroam.api.app import mount as mount_api
from gridroam.api.service import Queries
from gridroam.audit.source import NodeSource
from gridroam.console.app import home, mount
from gridroam.console.context import Console
from gridroam.console.limits import FormLimit
from gridroam.http import failures, serving
from gridroam.http.edge import Edge
from gridroam.http.operator import Operator
from gridroam.index.follower import open_follower
from gridroam.index.queries import Index
from gridroam.settings import ConsoleSettings
from gridroam.statements.anchors import Anchors


@contextmanager
def opened(
    settings: ConsoleSettings, rpc: str, ledger: str, index: str | Path, origin: str
) -> Iterator[Console]:
    """A console on an index that a thread keeps up with the chain."""
    rows = Index.open(str(index))
    stopped = threading.Event()
    try:
        follower = open_follower(rows, rpc, ledger)
        console = Console.open(settings, rpc, follower.source.ledger, rows, origin)
        try:
            thread = threading.Thread(target=follower.run, args=(stopped,), daemon=True)
            thread.start()
            try:
                yield console
            finally:
                stopped.set()
                thread.join(10)
        finally:
            console.close()
    finally:
        rows.close()


def _anchors(console: Console) -> Anchors:
    return Anchors(NodeSource(console.ledger), console.rpc)


def create_app(console: Console) -> FastAPI:
    app = FastAPI(title="Gridroam console", version=gridroam.__version__, openapi_url=None)
    mount(app, console)
    keys = Operator(serving.api_keys(console.settings))
    queries = Queries(console.index, lambda: _anchors(console), keys)
    mount_api(app, queries)

    def drain() -> None:
        console.close_streams()
        queries.stopping.set()

    app.state.drain = drain
    app.add_api_route("/", home, include_in_schema=False)
    failures.handle(app)
    app.add_middleware(FormLimit)
    app.add_middleware(Edge, serving.client_limits(console.settings))
    return app
