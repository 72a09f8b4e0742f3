"""Is this receipt real? For anybody, without signing in: asked of the chain, not of the index."""

import threading
from typing import Annotated, Any

from fastapi import APIRouter, File, Form, Request, Response, UploadFile

from gridroam.audit.source import NodeSource
from gridroam.console.render import page
from gridroam.console.route import PageRoute
from gridroam.console.visit import Visit
from gridroam.errors import BrokenFileError, ChainError, InvalidInputError
from gridroam.statements.anchors import Anchors
from gridroam.statements.receipt import Receipt, read_receipt
from gridroam.statements.verify_receipt import ReceiptVerdict, verify_receipt

router = APIRouter(route_class=PageRoute)
MAX_BYTES, MAX_LINES = 1_000_000, 2_000
_AT_ONCE, _PATIENCE = 2, 10.0
_turns = threading.BoundedSemaphore(_AT_ONCE)
"""Strangers share the node with everybody else: so many receipts are checked at a time."""


@router.get("/receipt")
def ask(request: Request) -> Response:
    return _page(Visit.of(request))


@router.post("/receipt")
def check(
    request: Request,
    text: Annotated[str, Form()] = "",
    file: Annotated[UploadFile | None, File()] = None,
) -> Response:
    """Changes nothing, so that it needs no token."""
    visit = Visit.of(request)
    given = text
    if file is not None and file.filename:
        given = file.file.read(MAX_BYTES + 1).decode("utf-8", errors="replace")
    try:
        found = _read(given)
        verdict = _verify(visit, found)
    except (InvalidInputError, ChainError) as error:
        return _page(visit, 400, text=given[:MAX_BYTES], error=error)
    return _page(visit, 200, text=given, receipt=found, verdict=verdict)


def _read(given: str) -> Receipt:
    if len(given) > MAX_BYTES:
        raise BrokenFileError("The receipt is too large.", "A receipt is of one session.")
    if not given.strip():
        raise BrokenFileError("Nothing was given.", "Choose the file, or paste its text.")
    found = read_receipt(given)
    if len(found.lines) > MAX_LINES:
        raise BrokenFileError("The receipt is too large.", "A receipt is of one session.")
    return found


def _verify(visit: Visit, found: Receipt) -> ReceiptVerdict:
    console = visit.console
    if not _turns.acquire(timeout=_PATIENCE):
        raise ChainError("Too many receipts are being checked.", "Try again in a moment.")
    try:
        return verify_receipt(found, Anchors(NodeSource(console.ledger), console.rpc))
    finally:
        _turns.release()


def _page(visit: Visit, status: int = 200, **values: Any) -> Response:
    shown: dict[str, Any] = {"text": "", "error": None, "receipt": None, "verdict": None} | values
    return page(visit, "receipt.html", status, **shown)
