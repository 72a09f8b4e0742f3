"""A grid operator's meters and stations, a station operator's stations: their state and energy."""

from fastapi import APIRouter, Request, Response

from gridroam.console.render import page_inside
from gridroam.console.route import NotFoundError, PageRoute, all_pages, csv_file
from gridroam.console.visit import Inside, entered
from gridroam.index.queries import Wanted
from gridroam.index.records import Page, Station, StationState

router = APIRouter(route_class=PageRoute)
_PAGE, _EXPORT_PAGE, _SESSIONS = 100, 1_000, 20
_CSV = [
    "station",
    "evse_id",
    "state",
    "meter",
    "operator",
    "grid_operator",
    "max_power_w",
    "max_feed_in_w",
    "sessions",
    "last_reading",
    "import_register_wh",
    "export_register_wh",
]
STATES = {state.value: state for state in StationState}


@router.get("/stations")
def stations(request: Request) -> Response:
    with entered(request) as inside:
        query = request.query_params
        found = _found(inside, query.get("after"), _PAGE)
        meters = inside.now.meters(inside.me.number).items if inside.side == "grid" else ()
        return page_inside(
            inside,
            "stations.html",
            stations=found.items,
            following=found.next,
            meters=meters,
            states=STATES,
            state=query.get("state", ""),
            q=query.get("q", "")[:100],
            everybody=inside.everybody(),
        )


@router.get("/stations.csv")
def export(request: Request) -> Response:
    with entered(request) as inside:
        f = inside.visit.viewer.formats
        found = list(all_pages(lambda after: _found(inside, after, _EXPORT_PAGE)))
    rows = (
        [
            s.number,
            s.evse_id,
            s.state.value,
            "0x" + s.meter.hex(),
            s.operator,
            s.grid_operator,
            s.max_power,
            s.max_feed_in,
            s.sessions,
            f.iso(s.time) if s.time else "",
            s.import_register,
            s.export_register,
        ]
        for s in found
    )
    return csv_file("stations.csv", _CSV, rows)


@router.get("/stations/{number}")
def station(request: Request, number: int) -> Response:
    with entered(request) as inside:
        found, me = inside.now.station(number), inside.me.number
        if found is None or me not in (found.operator, found.grid_operator):
            raise NotFoundError("There is no such station.", "Or it is not one of yours.")
        sessions = inside.now.sessions(Wanted(station=number, **inside.filter()), limit=_SESSIONS)
        return page_inside(
            inside,
            "station.html",
            station=found,
            sessions=sessions.items,
            following=sessions.next,
            everybody=inside.everybody(),
            customers={},
        )


def _found(inside: Inside, after: str | None, limit: int) -> Page[Station]:
    query, me = inside.visit.request.query_params, inside.me.number
    return inside.now.stations(
        operator=me if inside.side == "stations" else None,
        grid_operator=me if inside.side == "grid" else None,
        state=STATES.get(query.get("state", "")),
        text=query.get("q", "")[:100],
        after=after,
        limit=limit,
    )
