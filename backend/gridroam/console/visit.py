"""One request of somebody: who, how they like it, and the index at one moment. Pages begin with
`entered`, which sends away whoever may not enter."""

from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from fastapi import Request, Response

from gridroam.access.identity import Identity, Permission
from gridroam.access.log import Action
from gridroam.access.problems import ForbiddenError, NotSignedInError
from gridroam.access.sessions import Session
from gridroam.console.context import Console
from gridroam.console.viewer import Viewer, viewer_of
from gridroam.customers.book import Book, Customer
from gridroam.domain.participants import Role
from gridroam.index.queries import Snapshot
from gridroam.index.records import Head, Participant

COOKIE = "gr_session"
SIDES = {
    "supplier": Role.SUPPLIER,
    "grid": Role.GRID_OPERATOR,
    "stations": Role.STATION_OPERATOR,
}
"""Which of its roles a participant looks at."""
_FEW = 2
LIVE = "x-live"
"""Header of requests that a page makes by itself: they do not keep a session alive."""


def console_of(request: Request) -> Console:
    found: Console = request.app.state.console
    return found


@dataclass(frozen=True)
class Visit:
    """Of somebody, signed in or not."""

    console: Console
    request: Request
    viewer: Viewer

    @classmethod
    def of(cls, request: Request) -> "Visit":
        console = console_of(request)
        token = request.cookies.get(cookie_name(console))
        session = console.sessions.find(token, touch=LIVE not in request.headers)
        return cls(console, request, viewer_of(request, session))

    @property
    def identity(self) -> Identity:
        """Raises `NotSignedInError`."""
        identity = self.viewer.identity
        if identity is None:
            raise NotSignedInError("Nobody is signed in.", "Sign in first.")
        return identity

    def need(self, permission: Permission) -> None:
        """Raises `ForbiddenError`."""
        if not self.identity.may(permission):
            raise ForbiddenError("Your role may not do this.", "Ask an administrator of yours.")

    def check_token(self, csrf: str) -> Session:
        """That a form is ours. Raises `ForgedFormError`, or `NotSignedInError` where there is no
        session at all."""
        session = self.viewer.session
        if session is None:
            raise NotSignedInError("The session is over.", "Sign in again.")
        session.check_form(csrf)
        return session

    def text(self, english: str) -> str:
        return self.viewer.catalogue.gettext(english)


@dataclass(frozen=True)
class Inside:
    """Of somebody who is signed in, with the index at one moment."""

    visit: Visit
    now: Snapshot
    head: Head
    me: Participant
    side: str

    @property
    def role(self) -> Role:
        return SIDES[self.side]

    @property
    def sides(self) -> list[str]:
        return [side for side, role in SIDES.items() if self.me.has(role)]

    @property
    def book(self) -> Book | None:
        """The supplier's own customers, for who may see them."""
        customers = self.visit.console.customers
        allowed = self.visit.identity.may(Permission.SEE_CUSTOMERS)
        if customers is None or not allowed or not self.me.has(Role.SUPPLIER):
            return None
        return customers.of(self.visit.identity.participant)

    def customers_of(self, vehicles: Iterable[bytes]) -> dict[bytes, Customer]:
        """Whose vehicles they are, as far as the supplier knows; what is shown is written down."""
        book = self.book if self.side == "supplier" else None
        found = book.find(list(set(vehicles))) if book else {}
        if found and LIVE not in self.visit.request.headers:
            seen = ["0x" + vehicle.hex() for vehicle in found]
            self.visit.console.log.note(self.visit.identity, Action.SEE, seen)
        return found

    def filter(self) -> dict[str, Any]:
        """What restricts queries to the participant in the role that it looks from."""
        names = {"supplier": "supplier", "grid": "grid_operator", "stations": "station_operator"}
        return {names[self.side]: self.me.number}

    def everybody(self) -> dict[int, Participant]:
        return {p.number: p for p in self.now.participants().items}

    def names_of(self, stations: Collection[int]) -> list[str]:
        """Where they are few: their EVSE ids."""
        if len(stations) > _FEW:
            return []
        found = (self.now.station(number) for number in stations)
        return [station.evse_id for station in found if station]

    def name(self, participant: Participant | None) -> str:
        return name_of(self.visit.console, participant)


@contextmanager
def entered(request: Request, *permissions: Permission) -> Iterator[Inside]:
    """Raises `NotSignedInError`, `ForbiddenError`."""
    visit = Visit.of(request)
    identity = visit.identity
    for permission in (Permission.READ, *permissions):
        visit.need(permission)
    with visit.console.index.snapshot() as now:
        head, me = now.head(), now.participant(identity.participant)
        if head is None or me is None:
            raise ForbiddenError(
                "The index does not know your company yet.", "Try again in a moment."
            )
        yield Inside(visit, now, head, me, _side(request, me))


def name_of(console: Console, participant: Participant | None) -> str:
    if participant is None:
        return "-"
    code = participant.market_code
    return console.names.get(code) or code or f"#{participant.number}"


def cookie_name(console: Console) -> str:
    return f"__Host-{COOKIE}" if console.secure else COOKIE


def set_session(response: Response, console: Console, session: Session) -> None:
    response.set_cookie(
        cookie_name(console),
        session.token,
        path="/",
        secure=console.secure,
        httponly=True,
        samesite="lax",
    )


def clear_session(response: Response, console: Console) -> None:
    response.delete_cookie(
        cookie_name(console), path="/", secure=console.secure, httponly=True, samesite="lax"
    )


def _side(request: Request, me: Participant) -> str:
    has = [side for side, role in SIDES.items() if me.has(role)]
    for wanted in (request.query_params.get("as"), request.cookies.get("gr_side")):
        if wanted in has:
            return str(wanted)
    return has[0] if has else "supplier"


def context(inside: Inside) -> dict[str, Any]:
    """What every page inside shows around it."""
    return {
        "inside": inside,
        "me": inside.me,
        "my_name": inside.name(inside.me),
        "side": inside.side,
        "sides": inside.sides,
        "head": inside.head,
    }
