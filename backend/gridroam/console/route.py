"""Routes of the console: what goes wrong becomes a page, or a way to the sign-in."""

import csv
import io
from collections.abc import Callable, Coroutine, Iterable, Iterator, Sequence
from typing import Any, TypeVar
from urllib.parse import quote

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import RedirectResponse, StreamingResponse
from fastapi.routing import APIRoute
from starlette.concurrency import run_in_threadpool

from gridroam.access.problems import AccessError, NotSignedInError
from gridroam.console.render import HEADERS, page
from gridroam.console.visit import LIVE, Visit
from gridroam.errors import GridroamError, InvalidInputError
from gridroam.index.records import Page

SIGN_IN = "/console/sign-in"
T = TypeVar("T")


class NotFoundError(GridroamError):
    """Nothing is there, or nothing that this reader may see: which of the two is not said."""

    code = "not-found"


class PageRoute(APIRoute):
    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def handled(request: Request) -> Response:
            try:
                return await handle(request)
            except GridroamError as error:
                return await run_in_threadpool(_failed, request, error)
            except RequestValidationError:
                wrong = InvalidInputError("The request is not complete.", "Load the page again.")
                return await run_in_threadpool(_failed, request, wrong)

        return handled


def _failed(request: Request, error: GridroamError) -> Response:
    if isinstance(error, NotSignedInError):
        if LIVE in request.headers:
            return Response(status_code=401, headers=HEADERS)
        here = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        wanted = f"?next={quote(here, safe='')}" if request.method == "GET" else ""
        return RedirectResponse(SIGN_IN + wanted, 303, HEADERS)
    status = 500
    if isinstance(error, AccessError):
        status = error.status
    elif isinstance(error, NotFoundError):
        status = 404
    elif isinstance(error, InvalidInputError):
        status = 400
    return page(Visit.of(request), "problem.html", status, error=error)


def redirect(path: str) -> RedirectResponse:
    return RedirectResponse(path, 303, HEADERS)


def own_path(wanted: str | None) -> str:
    """Where to go after a sign-in: only to a page of the console itself."""
    inside = wanted and wanted.startswith("/console") and "\\" not in wanted
    return wanted if inside and wanted else "/console"


def all_pages(ask: Callable[[str | None], Page[T]]) -> Iterator[T]:
    """Everything in a list: `ask` gives the page behind the place where the one before ended."""
    found = ask(None)
    yield from found.items
    while found.next is not None:
        found = ask(found.next)
        yield from found.items


def csv_file(
    name: str, header: Sequence[str], rows: Iterable[Sequence[object]]
) -> StreamingResponse:
    """Plain integers and ISO times, for machines; comma-separated UTF-8."""

    def lines() -> Iterator[str]:
        buffer = io.StringIO()
        writer = csv.writer(buffer, lineterminator="\n")
        writer.writerow(header)
        for row in rows:
            writer.writerow([_safe(value) for value in row])
            if buffer.tell() > 1 << 16:
                yield buffer.getvalue()
                buffer.seek(0)
                buffer.truncate()
        yield buffer.getvalue()

    headers = HEADERS | {"Content-Disposition": f'attachment; filename="{name}"'}
    return StreamingResponse(lines(), media_type="text/csv; charset=utf-8", headers=headers)


def _safe(value: object) -> object:
    """What a spreadsheet would take for a formula becomes text."""
    if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r"):
        return "'" + value
    return value
