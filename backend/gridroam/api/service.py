"""What the handlers of the query API share: the index, the node to prove things by, limits."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Annotated, Any

from fastapi import Path, Query, Request
from fastapi.responses import JSONResponse, Response

from gridroam.api.plain import csv_of, plain
from gridroam.errors import InvalidInputError
from gridroam.http.limits import Budget
from gridroam.http.operator import Operator
from gridroam.http.problems import Problem, ProblemError
from gridroam.index import hashes
from gridroam.index.moments import moment
from gridroam.index.queries import Index, Snapshot
from gridroam.index.records import Head, Page
from gridroam.statements.anchors import Anchors

CSV = "text/csv"
_STREAMS = 200
_PROOFS = 2

Limit = Annotated[int, Query(ge=1, le=1_000, description="items on a page")]
After = Annotated[str | None, Query(max_length=400, description="`next` of the page before")]
Format = Annotated[
    str | None, Query(pattern="^(json|csv)$", description="wins over the header Accept")
]
Since = Annotated[
    str | None, Query(max_length=40, description="from when: UTC seconds or ISO 8601")
]
Until = Annotated[str | None, Query(max_length=40, description="until when, excluded")]


Named = Annotated[int, Path(ge=0, lt=1 << 32)]
"""A number in an address; the ledger has none that is greater."""


class Queries:
    """`anchors` opens a connection to the node that receipts are verified by; `operator` says who
    may bring in meters' series; without it nobody may."""

    def __init__(
        self,
        index: Index,
        anchors: Callable[[], Anchors] | None = None,
        operator: Operator | None = None,
    ) -> None:
        self.index = index
        self.anchors = anchors
        self.operator = operator
        self.streams = Budget(_STREAMS)
        self.proofs = asyncio.Semaphore(_PROOFS)
        """Strangers' receipts that the node is asked about at a time."""
        self.stopping = asyncio.Event()

    @contextmanager
    def snapshot(self) -> Iterator[tuple[Snapshot, Head]]:
        """Raises `ProblemError` if nothing is indexed yet."""
        with self.index.snapshot() as now:
            head = now.head()
            if head is None:
                detail = "The index has not read the chain yet."
                raise ProblemError(Problem("not-indexed", detail, retry_after=2))
            yield now, head


def of(request: Request) -> Queries:
    found: Queries = request.app.state.queries
    return found


def where(head: Head) -> dict[str, Any]:
    """In every answer: of which block it is, and how far behind the node that is."""
    return {
        "block": head.block,
        "hash": "0x" + head.block_hash.hex(),
        "time": head.block_time,
        "head": head.head,
        "behind": head.lag,
    }


def answer(request: Request, head: Head, body: dict[str, Any]) -> JSONResponse:
    """One thing."""
    wants_csv(request, None, only_json=True)
    return JSONResponse({"indexed": where(head)} | body, headers=_headers(head))


def listed(
    request: Request, head: Head, found: Page[Any] | list[Any], form: str | None = None
) -> Response:
    """Many things, in the format that was asked for."""
    items = list(found.items) if isinstance(found, Page) else found
    after = found.next if isinstance(found, Page) else None
    rows = [plain(item) for item in items]
    headers = _headers(head)
    if after:
        address = request.url.include_query_params(after=after)
        headers["Link"] = f'<{address.path}?{address.query}>; rel="next"'
    if wants_csv(request, form):
        return Response(csv_of(rows), headers=headers, media_type=CSV)
    return JSONResponse({"indexed": where(head), "items": rows, "next": after}, headers=headers)


def _headers(head: Head) -> dict[str, str]:
    return {
        "X-Index-Block": str(head.block),
        "X-Index-Head": str(head.head),
        "X-Index-Behind": str(head.lag),
        "Vary": "Accept",
    }


def wants_csv(request: Request, form: str | None, *, only_json: bool = False) -> bool:
    """Raises `ProblemError` for a format that there is not."""
    accepted = request.headers.get("accept", "*/*").lower()
    kinds = [part.partition(";")[0].strip() for part in accepted.split(",")]
    if form is None and CSV in kinds and not only_json:
        return True
    known = ("*/*", "application/*", "application/json", "text/html", "")
    if form is None and not any(kind in known for kind in kinds):
        raise ProblemError(Problem("not-acceptable", f"There is nothing as {accepted[:80]}."))
    return form == "csv"


def period(since: str | None, until: str | None) -> tuple[int | None, int | None]:
    """Raises `InvalidInputError`."""
    return (
        None if since is None else moment(since),
        None if until is None else moment(until),
    )


def whole_period(since: str | None, until: str | None, head: Head) -> tuple[int, int]:
    """Without an end, up to now; without a start, of everything."""
    first, last = period(since, until)
    return first or 0, head.block_time + 86_400 if last is None else last


def hash_of(text: str, what: str) -> bytes:
    """Raises `ProblemError` unless it is 64 hexadecimal digits, with 0x before them or without."""
    try:
        return hashes.hash_of(text, what)
    except InvalidInputError as error:
        raise ProblemError(Problem("wrong-format", error.message, what)) from error
