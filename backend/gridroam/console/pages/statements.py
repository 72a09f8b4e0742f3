"""Statements to download, with their opening and closing balance; receipts of single sessions."""

import json
import os
import tempfile
from pathlib import Path

from fastapi import APIRouter, Request, Response
from fastapi.responses import FileResponse
from starlette.background import BackgroundTask

from gridroam.console import commands
from gridroam.console.pages.story import concerns
from gridroam.console.period import NAMES, Period, period_of
from gridroam.console.render import HEADERS, page_inside
from gridroam.console.route import NotFoundError, PageRoute
from gridroam.console.visit import Inside, entered
from gridroam.errors import InvalidInputError
from gridroam.statements import formats
from gridroam.statements.lines import Header
from gridroam.statements.make import statement
from gridroam.statements.receipt import receipt

router = APIRouter(route_class=PageRoute)
_TYPES = {
    "csv": "text/csv; charset=utf-8",
    "json": "application/json",
    "parquet": "application/vnd.apache.parquet",
}


@router.get("/statements")
def statements(request: Request) -> Response:
    with entered(request) as inside:
        period = _period(inside)
        return page_inside(
            inside,
            "statements.html",
            period=period,
            periods=NAMES,
            header=_header(inside, period),
            formats=list(_TYPES),
            command=commands.verify(inside.visit.console, _named(inside, period, "csv")),
        )


@router.get("/statements/{kind}")
def download(request: Request, kind: str) -> Response:
    if kind not in _TYPES:
        raise NotFoundError("There is no such format.", "Choose CSV, JSON or Parquet.")
    with entered(request) as inside:
        period = _period(inside)
        made = statement(inside.now, inside.me.number, period.since, period.until)
        handle, name = tempfile.mkstemp(suffix=f".{kind}", prefix="gridroam-statement-")
        os.close(handle)
        path = Path(name)
        try:
            formats.write(path, made.lines)
        except BaseException:
            path.unlink()
            raise
        shown = _named(inside, period, kind)
    gone = BackgroundTask(path.unlink)
    return FileResponse(path, 200, HEADERS, _TYPES[kind], gone, filename=shown)


def _named(inside: Inside, period: Period, kind: str) -> str:
    return f"statement-{inside.me.number}-{period.first}-{period.last}.{kind}"


@router.get("/sessions/{station}/{session}/receipt.json")
def receipt_of(request: Request, station: int, session: int) -> Response:
    with entered(request) as inside:
        found = inside.now.session(station, session)
        if found is None or not concerns(inside, found):
            raise NotFoundError("There is no such session.", "Or it is not one of yours.")
        if found.reason:
            raise NotFoundError(
                "It was refused: there is nothing to give a receipt for.", "See why on its page."
            )
        made = receipt(inside.now, station, session)
    name = f"receipt-{station}-{session}.json"
    headers = HEADERS | {"Content-Disposition": f'attachment; filename="{name}"'}
    text = json.dumps(made.as_dict(), indent=1) + "\n"
    return Response(text, media_type="application/json", headers=headers)


def _period(inside: Inside) -> Period:
    f = inside.visit.viewer.formats
    return period_of(inside.visit.request.query_params, f, inside.head.block_time, "month")


def _header(inside: Inside, period: Period) -> Header | None:
    try:
        return statement(inside.now, inside.me.number, period.since, period.until).header
    except InvalidInputError:
        return None
