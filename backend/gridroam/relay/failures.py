"""Turns whatever goes wrong in a request into a problem document; FastAPI's own never show."""

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from gridroam.errors import StoreError
from gridroam.relay.answers import problem_response
from gridroam.relay.log import log
from gridroam.relay.problems import Problem, ProblemError
from gridroam.relay.reading import problem_of


def handle(app: FastAPI) -> None:
    app.exception_handler(ProblemError)(_problem)
    app.exception_handler(RequestValidationError)(_wrong_parameter)
    app.exception_handler(HTTPException)(_http_exception)
    app.exception_handler(StoreError)(_store_failing)
    app.exception_handler(Exception)(_bug)


async def _problem(_: Request, error: ProblemError) -> JSONResponse:
    return problem_response(error.problem)


async def _wrong_parameter(_: Request, error: RequestValidationError) -> JSONResponse:
    first = error.errors()[0]
    return problem_response(problem_of(first, "", first["loc"][1:]))


async def _http_exception(request: Request, error: HTTPException) -> JSONResponse:
    codes = {404: "not-found", 405: "method-not-allowed"}
    code = codes.get(error.status_code, "internal-error")
    response = problem_response(Problem(code, f"There is no {request.method} {request.url.path}."))
    response.headers.update(error.headers or {})
    return response


async def _store_failing(_: Request, error: StoreError) -> JSONResponse:
    return problem_response(Problem("store-failing", error.message, retry_after=2))


async def _bug(request: Request, error: Exception) -> JSONResponse:
    log.error("a request failed", path=request.url.path, exc_info=error)
    return problem_response(Problem("internal-error", "This is a bug in the relay."))
