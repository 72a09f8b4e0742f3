"""The supplier's vehicles: whose they are, imported, searched and forgotten; and their sessions."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, File, Form, Request, Response, UploadFile

from gridroam.access.identity import Permission
from gridroam.access.log import Action
from gridroam.access.problems import ForbiddenError
from gridroam.console.pages.sessions import hash_of
from gridroam.console.render import HEADERS, page_inside
from gridroam.console.route import NotFoundError, PageRoute, redirect
from gridroam.console.visit import LIVE, Inside, Visit, entered
from gridroam.customers.book import Book, Customer
from gridroam.customers.csv_file import COLUMNS, MAX_BYTES, read_customers, write_customers
from gridroam.domain.participants import Role
from gridroam.errors import BrokenFileError
from gridroam.index.queries import Wanted

if TYPE_CHECKING:
    from gridroam.index.records import Vehicle

router = APIRouter(route_class=PageRoute)
_PAGE = 50


@router.get("/vehicles")
def vehicles(request: Request) -> Response:
    with entered(request) as inside:
        return _list(inside)


def _list(inside: Inside, status: int = 200, **values: object) -> Response:
    _supplier(inside)
    query = inside.visit.request.query_params
    text, after = query.get("q", "").strip()[:100], query.get("after", "")
    book = inside.book
    rows: list[tuple[Vehicle | None, Customer | None]]
    if text and book:
        start = int(after) if after.isdecimal() else 0
        found = book.search(text, _PAGE, start)
        _note(inside, Action.SEARCH, [""])
        _note(inside, Action.SEE, ["0x" + c.vehicle.hex() for c in found.customers])
        rows = [(inside.now.vehicle(c.vehicle), c) for c in found.customers]
        following = str(found.next) if found.next is not None else None
        exact = hash_of(text)
        if not rows and exact and (vehicle := inside.now.vehicle(exact)):
            rows = [(vehicle, None)] if inside.me.number == vehicle.supplier else []
    else:
        page = inside.now.vehicles(inside.me.number, after=after or None, limit=_PAGE)
        known = inside.customers_of(v.id for v in page.items)
        rows = [(v, known.get(v.id)) for v in page.items]
        following = page.next
    shown = {"error": None, "imported": query.get("imported", ""), "forgotten": ""} | values
    if query.get("forgotten"):
        shown["forgotten"] = "1"
    return page_inside(
        inside,
        "vehicles.html",
        status,
        rows=rows,
        q=text,
        following=following,
        known=book.count() if book else 0,
        has_book=book is not None,
        columns=COLUMNS,
        **shown,
    )


@router.get("/vehicles/{vehicle}")
def one(request: Request, vehicle: str) -> Response:
    with entered(request) as inside:
        _supplier(inside)
        wanted, number = hash_of(vehicle), inside.me.number
        found = inside.now.vehicle(wanted) if wanted else None
        if wanted is None or found is None:
            raise NotFoundError("There is no such vehicle.", "Or it is not one of yours.")
        supplies = inside.now.supplies(wanted)
        fed_back = bool(request.query_params.get("fed_back"))
        sessions = inside.now.sessions(
            Wanted(vehicle=wanted, supplier=number, fed_back=fed_back),
            after=request.query_params.get("after"),
            limit=_PAGE,
        )
        mine = found.supplier == number or any(s.supplier == number for s in supplies)
        if not mine and not sessions.items:
            raise NotFoundError("There is no such vehicle.", "Or it is not one of yours.")
        customers = inside.customers_of([wanted])
        return page_inside(
            inside,
            "vehicle.html",
            vehicle=found,
            supplies=supplies,
            sessions=sessions.items,
            following=sessions.next,
            fed_back=fed_back,
            customers=customers,
            customer=customers.get(wanted),
            everybody=inside.everybody(),
        )


@router.get("/vehicles.csv")
def export(request: Request) -> Response:
    with entered(request, Permission.CHANGE_CUSTOMERS) as inside:
        book = _book(inside)
        inside.visit.console.log.note(inside.visit.identity, Action.EXPORT)
        text = write_customers(_all(book))
    headers = HEADERS | {"Content-Disposition": 'attachment; filename="vehicles.csv"'}
    return Response(text, media_type="text/csv; charset=utf-8", headers=headers)


def _all(book: Book) -> Iterator[Customer]:
    after: int | None = 0
    while after is not None:
        found = book.search("", 1_000, after)
        yield from found.customers
        after = found.next


@router.post("/vehicles")
def upload(
    request: Request, file: Annotated[UploadFile, File()], csrf: Annotated[str, Form()] = ""
) -> Response:
    Visit.of(request).check_token(csrf)
    with entered(request, Permission.CHANGE_CUSTOMERS) as inside:
        book = _book(inside)
        try:
            customers = read_customers(file.file.read(MAX_BYTES + 1), inside.me.number)
        except BrokenFileError as error:
            return _list(inside, 400, error=error)
        book.add(customers)
        count = str(len(customers))
        inside.visit.console.log.note(inside.visit.identity, Action.IMPORT, [count])
        return redirect(f"/console/vehicles?imported={count}")


@router.post("/vehicles/{vehicle}/forget")
def forget(request: Request, vehicle: str, csrf: Annotated[str, Form()] = "") -> Response:
    Visit.of(request).check_token(csrf)
    with entered(request, Permission.CHANGE_CUSTOMERS) as inside:
        wanted = hash_of(vehicle)
        if wanted is None or not _book(inside).forget(wanted):
            raise NotFoundError("There is no such vehicle.", "Or it was forgotten before.")
        inside.visit.console.log.note(inside.visit.identity, Action.FORGET, ["0x" + wanted.hex()])
        return redirect("/console/vehicles?forgotten=1")


def _supplier(inside: Inside) -> None:
    if not inside.me.has(Role.SUPPLIER):
        raise ForbiddenError("Only suppliers have vehicles.", "Sign in for a supplier.")


def _book(inside: Inside) -> Book:
    _supplier(inside)
    book = inside.book
    if book is None:
        raise ForbiddenError(
            "This console keeps no customers.", "Whoever runs it sets a key: docs/access.md."
        )
    return book


def _note(inside: Inside, action: Action, objects: list[str]) -> None:
    if LIVE not in inside.visit.request.headers:
        inside.visit.console.log.note(inside.visit.identity, action, objects)
