"""Statements as downloads: made from the index, streamed, to be proven with `gridroam verify`."""

import io
import tempfile
from collections.abc import Iterator
from typing import IO, Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import StreamingResponse

from gridroam.api.problems import Route, unknown
from gridroam.api.service import Named, Queries, Since, Until, of, whole_period
from gridroam.statements import formats
from gridroam.statements.make import statement

router = APIRouter(prefix="/v1/chain", route_class=Route, tags=["statements"])

_TYPES = {
    "csv": "text/csv",
    "json": "application/json",
    "parquet": "application/vnd.apache.parquet",
}
_PIECE = 1 << 16
_IN_MEMORY = 8 << 20


@router.get(
    "/participants/{number}/statement",
    response_class=StreamingResponse,
    summary="An account's statement, as CSV, JSON or Parquet",
)
def download(
    request: Request,
    number: Named,
    since: Since = None,
    until: Until = None,
    format: Annotated[str, Query(pattern="^(csv|json|parquet)$")] = "csv",  # noqa: A002
) -> StreamingResponse:
    """Of what was booked in the period. The same lines in every format; see docs/statements.md."""
    file = write_statement(of(request), number, since, until, format)
    name = f"statement-{number}.{format}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return StreamingResponse(_pieces(file), headers=headers, media_type=_TYPES[format])


def write_statement(
    queries: Queries, number: int, since: str | None, until: str | None, form: str
) -> IO[bytes]:
    """Into a file that goes when it is closed. Raises `ProblemError` or `InvalidInputError`."""
    with queries.snapshot() as (now, head):
        if now.participant(number) is None:
            raise unknown(f"participant {number}")
        made = statement(now, number, *whole_period(since, until, head))
        file = tempfile.SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115  the answer closes it
        if form == "parquet":
            formats.write_parquet(file, made.lines)
        else:
            text = io.TextIOWrapper(file, encoding="utf-8", newline="")
            (formats.write_csv if form == "csv" else formats.write_json)(text, made.lines)
            text.flush()
            text.detach()
    file.seek(0)
    return file


def _pieces(file: IO[bytes]) -> Iterator[bytes]:
    with file:
        while piece := file.read(_PIECE):
            yield piece
