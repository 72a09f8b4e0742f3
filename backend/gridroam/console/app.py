"""Puts the console's pages on a server."""

from importlib.resources import files

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.responses import RedirectResponse
from starlette.staticfiles import StaticFiles

from gridroam.console.context import Console
from gridroam.console.pages import (
    access_log,
    allocation,
    corrections,
    customers,
    energy,
    live,
    meters,
    overview,
    payments,
    preferences,
    receipt,
    rejections,
    sessions,
    signin,
    statements,
    stations,
    story,
)
from gridroam.console.route import NotFoundError, PageRoute

PREFIX = "/console"
PAGES = (
    signin,
    preferences,
    overview,
    sessions,
    story,
    energy,
    payments,
    rejections,
    corrections,
    customers,
    stations,
    meters,
    statements,
    receipt,
    allocation,
    access_log,
    live,
)


def mount(app: FastAPI, console: Console) -> None:
    """All pages under `/console`. Whoever opened the console closes it."""
    app.state.console = console
    static = str(files("gridroam.console") / "static")
    app.mount(f"{PREFIX}/static", _Static(directory=static), name="console-static")
    for router in (*(page.router for page in PAGES), _rest):
        app.include_router(router, prefix=PREFIX, include_in_schema=False)


class _Static(StaticFiles):
    def file_response(self, *args: object, **kwargs: object) -> Response:
        response = super().file_response(*args, **kwargs)  # type: ignore[arg-type]
        response.headers["Cache-Control"] = "no-cache"
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
        return response


_rest = APIRouter(route_class=PageRoute)


@_rest.get("/{path:path}")
def missing(path: str) -> Response:
    raise NotFoundError(f"There is no page {path}.", "Go back to the overview.")


def home(_: Request) -> Response:
    """For a server that has nothing but the console."""
    return RedirectResponse(PREFIX)
