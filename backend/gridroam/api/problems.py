"""Problems that only the query API has, and how errors of the index become problem documents."""

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute

from gridroam.errors import ChainError, InvalidInputError, NodeUnreachableError, StoreError
from gridroam.http.log import log
from gridroam.http.problems import Kind, Problem, ProblemError, add, problem_response

KINDS = add(
    {
        "not-indexed": Kind(
            503, "Nothing is indexed yet", "Ask again when the index has caught up.", passing=True
        ),
        "unknown-record": Kind(404, "The index has no such record", "Check the number or hash."),
        "not-acceptable": Kind(406, "There is no such format", "Ask for JSON or CSV."),
        "wrong-value": Kind(422, "A value cannot be right", "See /docs for what is meant."),
        "node-failing": Kind(
            502, "The node does not answer as it should", "Ask again later.", passing=True
        ),
    }
)


class Route(APIRoute):
    """Errors of the index as problems."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def translated(request: Request) -> Response:
            try:
                return await handle(request)
            except ProblemError as error:
                return problem_response(error.problem)
            except InvalidInputError as error:
                return problem_response(Problem("wrong-value", str(error)))
            except NodeUnreachableError as error:
                log.warning("the node is gone", problem=error.message)
                detail = "The service's node does not answer."
                return problem_response(Problem("node-failing", detail, retry_after=5))
            except ChainError as error:
                return problem_response(Problem("node-failing", error.message, retry_after=5))
            except StoreError as error:
                return problem_response(Problem("store-failing", error.message, retry_after=2))

        return translated


def unknown(what: str) -> ProblemError:
    return ProblemError(Problem("unknown-record", f"There is no {what}."))
