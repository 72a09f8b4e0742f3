"""Turns whatever goes wrong in a request into a problem document; FastAPI's own never show."""

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.routing import Match

from gridroam.errors import StoreError
from gridroam.http.log import log
from gridroam.http.problems import Problem, ProblemError, problem_response
from gridroam.http.validation import problem_of

_CODES = {404: "not-found", 405: "method-not-allowed", 413: "body-too-large"}


def handle(app: FastAPI) -> None:
    app.exception_handler(ProblemError)(_problem)
    app.exception_handler(RequestValidationError)(_wrong_parameter)
    app.exception_handler(HTTPException)(_http_exception)
    app.exception_handler(StoreError)(_store_failing)
    app.exception_handler(ClientDisconnect)(_cut_off)
    app.exception_handler(Exception)(_bug)


async def _problem(_: Request, error: ProblemError) -> JSONResponse:
    return problem_response(error.problem)


async def _wrong_parameter(_: Request, error: RequestValidationError) -> JSONResponse:
    first = error.errors()[0]
    return problem_response(problem_of(first, "", first["loc"][1:]))


async def _http_exception(request: Request, error: HTTPException) -> JSONResponse:
    code = _CODES.get(error.status_code, "internal-error")
    response = problem_response(Problem(code, f"There is no {request.method} {request.url.path}."))
    response.headers.update(error.headers or {})
    if error.status_code == 405:
        response.headers["Allow"] = ", ".join(sorted(_methods(request)))
    return response


def _methods(request: Request) -> set[str]:
    """All that the address has, where several routes share it."""
    found: set[str] = set()
    for method in ("DELETE", "GET", "HEAD", "PATCH", "POST", "PUT"):
        scope = dict(request.scope, method=method)
        if any(route.matches(scope)[0] is Match.FULL for route in request.app.router.routes):
            found.add(method)
    return found


async def _store_failing(_: Request, error: StoreError) -> JSONResponse:
    log.error("the database fails", problem=error.message)
    return problem_response(Problem("store-failing", "The database failed.", retry_after=2))


async def _cut_off(_: Request, __: ClientDisconnect) -> JSONResponse:
    """Nobody hears it, but it is counted, and no bug (RFC 9112, section 8)."""
    return problem_response(Problem("malformed-http", "The connection ended before the body did."))


async def _bug(request: Request, error: Exception) -> JSONResponse:
    log.error("a request failed", path=request.url.path, exc_info=error)
    return problem_response(Problem("internal-error", "This is a bug in the service."))
