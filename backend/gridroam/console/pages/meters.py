"""A grid operator's meter: what it counted, what sessions explain of it, and the rest, which
belongs to the station operator. More explained than counted is flagged, never hidden."""

from typing import Annotated

from fastapi import APIRouter, File, Form, Request, Response, UploadFile

from gridroam.access.identity import Permission
from gridroam.access.log import Action
from gridroam.allocation.identity import IdentitySlot, MeterIdentity, claims, identity
from gridroam.allocation.meter_series import put_series, read_series
from gridroam.console.charts.columns import Series, columns
from gridroam.console.charts.drawing import Chart
from gridroam.console.figures import cut
from gridroam.console.pages.sessions import hash_of
from gridroam.console.period import NAMES, Period, period_of
from gridroam.console.render import link, page_inside
from gridroam.console.route import NotFoundError, PageRoute, csv_file, redirect
from gridroam.console.visit import Inside, Visit, entered
from gridroam.domain.slots import SLOT, slot_start
from gridroam.errors import BrokenFileError
from gridroam.index.queries import Wanted
from gridroam.index.records import Meter

router = APIRouter(route_class=PageRoute)
_LISTED = 200
"""Sessions with records on a page."""
_MOST = 4 * 1024 * 1024
_CSV = (
    "start end series_import_wh series_export_wh allocated_import_wh allocated_export_wh"
    " delta_import_wh delta_export_wh final over_claimed"
)


@router.get("/meters/{meter}")
def meter(request: Request, meter: str) -> Response:
    with entered(request) as inside:
        return _page(inside, meter)


def _page(inside: Inside, meter: str, status: int = 200, **values: object) -> Response:
    query = inside.visit.request.query_params
    period = period_of(query, inside.visit.viewer.formats, inside.head.block_time)
    found = _identity(inside, meter, period)
    everybody = inside.everybody()
    shown: dict[str, object] = {"error": None, "imported": query.get("imported", "")} | values
    return page_inside(
        inside,
        "meter.html",
        status,
        period=period,
        periods=NAMES,
        found=found,
        recorded=inside.now.sessions(_recorded(inside, found.meter, period), limit=_LISTED),
        refused=_refused(inside),
        known=inside.now.meter(found.meter),
        flagged=[slot for slot in found.slots if slot.over_claimed],
        chart=_chart(inside, found, period),
        everybody=everybody,
        operators=", ".join(inside.name(everybody.get(n)) for n in found.station_operators),
        may_give=inside.me.number == found.grid_operator,
        **shown,
    )


@router.get("/meters/{meter}/slots/{slot}")
def slot(request: Request, meter: str, slot: int) -> Response:
    """What a quarter hour's allocation is made of."""
    if slot % SLOT or not 0 <= slot < 1 << 40:
        raise NotFoundError("There is no such quarter hour.", "It begins at a multiple of 900 s.")
    with entered(request) as inside:
        wanted = _known(inside, meter).id
        found = identity(inside.now, wanted, slot, slot + SLOT)
        return page_inside(
            inside,
            "slot.html",
            found=found,
            slot=next(iter(found.slots), None),
            start=slot,
            claims=claims(inside.now, wanted, slot),
            everybody=inside.everybody(),
        )


@router.get("/meters/{meter}/identity.csv")
def export(request: Request, meter: str) -> Response:
    with entered(request) as inside:
        f = inside.visit.viewer.formats
        period = period_of(request.query_params, f, inside.head.block_time)
        found = _identity(inside, meter, period)
    rows = (
        [
            f.iso(s.time),
            f.iso(s.time + SLOT),
            s.series_import_wh,
            s.series_export_wh,
            s.import_wh,
            s.export_wh,
            s.delta_import_wh,
            s.delta_export_wh,
            int(s.is_final),
            int(s.over_claimed),
        ]
        for s in found.slots
    )
    return csv_file(f"meter-{meter[2:10]}-{period.first}-{period.last}.csv", _CSV.split(), rows)


@router.post("/meters/{meter}/series")
def give(
    request: Request,
    meter: str,
    file: Annotated[UploadFile, File()],
    csrf: Annotated[str, Form()] = "",
) -> Response:
    """The grid operator's own series; it stays when the index is made anew."""
    Visit.of(request).check_token(csrf)
    with entered(request, Permission.GIVE_SERIES) as inside:
        wanted = hash_of(meter)
        found = inside.now.meter(wanted) if wanted else None
        if wanted is None or found is None or found.grid_operator != inside.me.number:
            raise NotFoundError("There is no such meter.", "Or it is not one of yours.")
        try:
            rows = read_series(file.file.read(_MOST).decode("utf-8-sig", errors="replace"))
        except BrokenFileError as error:
            return _page(inside, meter, 400, error=error)
    put_series(inside.visit.console.index, wanted, rows)
    inside.visit.console.log.note(inside.visit.identity, Action.GIVE_SERIES, [meter])
    f = inside.visit.viewer.formats
    days = sorted({f.day_of(time) for time, *_energy in rows})
    shown = {"from": days[0], "to": days[-1]} if days else {}
    return redirect(link(f"/console/meters/{meter}", {"imported": len(rows), **shown}))


def _identity(inside: Inside, meter: str, period: Period) -> MeterIdentity:
    wanted = _known(inside, meter).id
    return identity(inside.now, wanted, slot_start(period.since), -(-period.until // SLOT) * SLOT)


def _known(inside: Inside, meter: str) -> Meter:
    """One of the participant's, as grid operator or by its stations."""
    wanted, me = hash_of(meter), inside.me.number
    known = inside.now.meter(wanted) if wanted else None
    if wanted is None or known is None:
        raise NotFoundError("There is no such meter.", "Or it is not one of yours.")
    operators = {s.operator for s in inside.now.stations(meter=wanted).items}
    if me not in {known.grid_operator, *operators}:
        raise NotFoundError("There is no such meter.", "Or it is not one of yours.")
    return known


def _recorded(inside: Inside, meter: bytes, period: Period) -> Wanted:
    """Sessions behind it that name a record of the meter's."""
    stations = tuple(s.number for s in inside.now.stations(meter=meter).items)
    return Wanted(stations=stations, with_record=True, since=period.since, until=period.until)


def _refused(inside: Inside) -> dict[tuple[int, int], str]:
    """The latest reasons, by station and session."""
    acts = inside.now.acts("ProofRefused", participant=inside.me.number, limit=_LISTED).items
    return {(a.station, a.session): str(a.details["reason"]) for a in reversed(acts)}


def _chart(inside: Inside, found: MeterIdentity, period: Period) -> Chart:
    """Explained and unexplained stand on each other; what is over-claimed stands for itself."""
    f, _ = inside.visit.viewer.formats, inside.visit.text
    places = cut(period, f)
    names = ("import_wh", "export_wh", "rest_import", "rest_export", "over")
    sums = {name: [0] * len(places.starts) for name in names}
    for slot in found.slots:
        place = places.place(slot.time)
        if place >= 0:
            for name, value in _parts(slot).items():
                sums[name][place] += value
    series = [
        Series("c-taken", _("Taken, explained by sessions"), sums["import_wh"]),
        Series("c-s6", _("Taken, unexplained (delta)"), sums["rest_import"]),
        Series("c-rest", _("Over-claimed"), sums["over"]),
        Series("c-fed", _("Fed back, explained by sessions"), sums["export_wh"], down=True),
        Series("c-s6 soft", _("Fed back, unexplained (delta)"), sums["rest_export"], down=True),
    ]
    shown = [s for s in series if any(s.values)] or series[:1]
    heading = _("Quarter hour") if places.by_slot else _("Day")
    title = _("What the meter counted, and what explains it")
    return columns(title, "", heading, places.slices, shown, show=f.kwh, axis=f.axis)


def _parts(slot: IdentitySlot) -> dict[str, int]:
    taken, fed = slot.delta_import_wh or 0, slot.delta_export_wh or 0
    over = max(0, -taken) + max(0, -fed)
    return {
        "import_wh": slot.import_wh - max(0, -taken),
        "export_wh": slot.export_wh - max(0, -fed),
        "rest_import": max(0, taken),
        "rest_export": max(0, fed),
        "over": over,
    }
