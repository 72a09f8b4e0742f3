"""What every service says in its OpenAPI document about problems."""

from typing import Annotated, Any

from pydantic import BaseModel, Field

from gridroam.http.problems import KINDS, MEDIA_TYPE

Responses = dict[int | str, dict[str, Any]]


class ProblemOut(BaseModel):
    """A problem document (RFC 9457, application/problem+json)."""

    type: Annotated[str, Field(description="urn:gridroam:problem: and the code")]
    title: str
    status: int
    detail: Annotated[str, Field(description="what is wrong")]
    code: Annotated[str, Field(description="stable, for machines")]
    hint: Annotated[str, Field(description="what to do")]
    field: Annotated[str | None, Field(description="where in the request")] = None
    retryAfter: Annotated[  # noqa: N815  as the document has it
        int | None, Field(description="seconds, as in the header Retry-After")
    ] = None
    instance: Annotated[
        str | None, Field(description="urn:gridroam:request: and the request's id, for the logs")
    ] = None


ALWAYS = ("too-many-requests", "too-many-faults", "internal-error", "stopping")
"""Problems that every request may meet."""


def problems(*codes: str) -> Responses:
    """Responses of these problems and of those that are everywhere, by HTTP status."""
    by_status: dict[int | str, list[str]] = {}
    for code in dict.fromkeys((*codes, *ALWAYS)):
        text = f"`{code}`: {KINDS[code].title}. {KINDS[code].hint}"
        by_status.setdefault(KINDS[code].status, []).append(text)
    return {status: _response(status, texts) for status, texts in by_status.items()}


def _response(status: int | str, texts: list[str]) -> dict[str, Any]:
    response: dict[str, Any] = {
        "description": "\n\n".join(texts),
        "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemOut"}}},
    }
    if status in (429, 503):
        response["headers"] = {
            "Retry-After": {
                "description": "seconds until it is worth trying again",
                "schema": {"type": "integer", "minimum": 0},
            }
        }
    if status == 401:
        response["headers"] = {
            "WWW-Authenticate": {"description": "Bearer", "schema": {"type": "string"}}
        }
    return response


def add_schemas(document: dict[str, Any], *models: type[BaseModel]) -> None:
    """Shapes that FastAPI does not see, and `ProblemOut`."""
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    shapes: list[type[BaseModel]] = [ProblemOut, *models]
    for model in shapes:
        shape = model.model_json_schema(ref_template="#/components/schemas/{model}")
        schemas |= shape.pop("$defs", {}) | {model.__name__: shape}
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    for path in document["paths"].values():
        for operation in path.values():
            answer = operation.get("responses", {}).get("422", {})
            if "HTTPValidationError" in str(answer.get("content", "")):
                del operation["responses"]["422"]
