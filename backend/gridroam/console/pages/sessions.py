"""Sessions: filtered, searched, sorted, exported."""

from dataclasses import dataclass, replace
from typing import Any

from fastapi import APIRouter, Request, Response

from gridroam.access.log import Action
from gridroam.console.period import NAMES, period_of
from gridroam.console.render import page_inside
from gridroam.console.route import PageRoute, all_pages, csv_file
from gridroam.console.visit import LIVE, Inside, entered
from gridroam.domain.session import State
from gridroam.index.queries import SORTS, Wanted
from gridroam.index.records import Page, Participant, Session

router = APIRouter(route_class=PageRoute)
_PAGE, _EXPORT_PAGE = 50, 1_000
_MOST_VEHICLES = 500
_CSV = [
    "station",
    "session",
    "evse_id",
    "vehicle",
    "state",
    "reason",
    "opened",
    "ended",
    "import_wh",
    "export_wh",
    "network_charge_nano_eur",
    "service_fee_nano_eur",
    "feed_in_nano_eur",
    "supplier",
    "grid_operator",
    "station_operator",
    "transaction",
    "version",
    "disputed",
    "verified",
    "final_at",
]


@dataclass(frozen=True, slots=True)
class Filters:
    """As the form has them."""

    q: str
    state: str
    fed_back: bool
    disputed: bool
    corrected: bool
    verified: bool
    with_record: bool
    partner: str
    sort: str
    descending: bool


STATES = {s.name.lower(): s for s in State if s != State.NONE}


def _filters(request: Request) -> Filters:
    query = request.query_params
    sort = query.get("sort", "opened")
    return Filters(
        q=query.get("q", "").strip()[:100],
        state=query.get("state", "") if query.get("state") in STATES else "",
        fed_back=bool(query.get("fed_back")),
        disputed=bool(query.get("disputed")),
        corrected=bool(query.get("corrected")),
        verified=bool(query.get("verified")),
        with_record=bool(query.get("with_record")),
        partner=query.get("partner", "") if query.get("partner", "").isdecimal() else "",
        sort=sort if sort in SORTS else "opened",
        descending=query.get("order") != "asc",
    )


@router.get("/sessions")
def sessions(request: Request) -> Response:
    with entered(request) as inside:
        f = inside.visit.viewer.formats
        period = period_of(request.query_params, f, inside.head.block_time)
        chosen = _filters(request)
        everybody = inside.everybody()
        wanted = wanted_of(inside, chosen, everybody, period.since, period.until)
        found = inside.now.sessions(
            wanted,
            sort=chosen.sort,
            descending=chosen.descending,
            after=request.query_params.get("after"),
            limit=_PAGE,
        )
        return page_inside(
            inside,
            "sessions.html",
            period=period,
            periods=NAMES,
            chosen=chosen,
            states=STATES,
            sessions=found.items,
            following=found.next,
            counts=inside.now.counts(wanted),
            everybody=everybody,
            partners=_partners(inside, everybody),
            customers=inside.customers_of(s.vehicle for s in found.items),
        )


@router.get("/sessions.csv")
def export(request: Request) -> Response:
    with entered(request) as inside:
        f = inside.visit.viewer.formats
        period = period_of(request.query_params, f, inside.head.block_time)
        wanted = wanted_of(
            inside, _filters(request), inside.everybody(), period.since, period.until
        )
    index = inside.visit.console.index

    def some(after: str | None) -> Page[Session]:
        with index.snapshot() as now:
            return now.sessions(wanted, after=after, limit=_EXPORT_PAGE)

    rows = (_row(s, f.iso) for s in all_pages(some))
    return csv_file(f"sessions-{period.first}-{period.last}.csv", _CSV, rows)


def wanted_of(
    inside: Inside, chosen: Filters, everybody: dict[int, Participant], since: int, until: int
) -> Wanted:
    """What is searched for may be a station, a vehicle, a contract or a customer."""
    wanted = Wanted(
        since=since,
        until=until,
        state=STATES.get(chosen.state),
        fed_back=chosen.fed_back,
        disputed=chosen.disputed,
        corrected=chosen.corrected,
        verified=chosen.verified,
        with_record=chosen.with_record,
        **inside.filter(),
    )
    partner = everybody.get(int(chosen.partner)) if chosen.partner else None
    if partner:
        for role, name in ((1, "supplier"), (2, "grid_operator"), (4, "station_operator")):
            if partner.roles & role and getattr(wanted, name) is None:
                changed: dict[str, Any] = {name: partner.number}
                wanted = replace(wanted, **changed)
                break
    return _searched(inside, wanted, chosen.q) if chosen.q else wanted


def _searched(inside: Inside, wanted: Wanted, text: str) -> Wanted:
    vehicle = hash_of(text)
    if vehicle:
        return replace(wanted, vehicle=vehicle)
    book = inside.book if inside.side == "supplier" else None
    if book:
        known = book.search(text, _MOST_VEHICLES).customers
        if LIVE not in inside.visit.request.headers:
            inside.visit.console.log.note(inside.visit.identity, Action.SEARCH)
        if known:
            return replace(wanted, vehicles=tuple(c.vehicle for c in known))
    return replace(wanted, text=text)


def hash_of(text: str) -> bytes | None:
    """A vehicle's id as 0x and 64 hexadecimal digits."""
    plain = text.strip().removeprefix("0x")
    try:
        value = bytes.fromhex(plain)
    except ValueError:
        return None
    return value if len(value) == 32 else None


def _partners(inside: Inside, everybody: dict[int, Participant]) -> list[tuple[Participant, str]]:
    others = [p for p in everybody.values() if p.number != inside.me.number]
    return [(p, inside.name(p)) for p in others if p.roles & ~int(inside.role)]


def _row(s: Session, iso: object) -> list[object]:
    time = iso if callable(iso) else str
    return [
        s.station,
        s.session,
        s.evse_id,
        "0x" + s.vehicle.hex(),
        s.state.name.lower(),
        s.reason.slug if s.reason else "",
        time(s.opened),
        "" if s.state == State.OPEN else time(s.time),
        s.import_wh,
        s.export_wh,
        s.network_charge,
        s.service_fee,
        s.feed_in,
        s.supplier,
        s.grid_operator,
        s.station_operator,
        "0x" + s.tx_hash.hex(),
        s.version,
        int(s.disputed),
        int(s.verified),
        time(s.final_at) if s.final_at else "",
    ]
