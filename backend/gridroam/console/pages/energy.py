"""Quarter hours of the participant: a chart, its table, and the file."""

from collections.abc import Iterator

from fastapi import APIRouter, Request, Response

from gridroam.console.figures import add_up, energy_chart
from gridroam.console.period import NAMES, Period, period_of
from gridroam.console.render import page_inside
from gridroam.console.route import PageRoute, csv_file
from gridroam.console.visit import Inside, entered
from gridroam.index.records import SlotSum

router = APIRouter(route_class=PageRoute)
_CSV = [
    "start",
    "end",
    "import_wh",
    "export_wh",
    "network_charge_nano_eur",
    "service_fee_nano_eur",
    "feed_in_nano_eur",
    "session_fees_nano_eur",
    "session_fees_of_the_station_operator_nano_eur",
    "even_import_wh",
    "even_export_wh",
]


@router.get("/energy")
def energy(request: Request) -> Response:
    with entered(request) as inside:
        f, _ = inside.visit.viewer.formats, inside.visit.text
        period = period_of(request.query_params, f, inside.head.block_time)
        partner = _partner(inside)
        sums = _sums(inside, period, partner)
        everybody = inside.everybody()
        return page_inside(
            inside,
            "energy.html",
            period=period,
            periods=NAMES,
            chart=energy_chart(sums, period, f, _, _("Energy taken and fed back")),
            sums=sums,
            partner=partner,
            partners=[
                (p, inside.name(p))
                for p in everybody.values()
                if inside.side == "supplier" and p.roles & 2
            ],
        )


@router.get("/energy.csv")
def export(request: Request) -> Response:
    with entered(request) as inside:
        f = inside.visit.viewer.formats
        period = period_of(request.query_params, f, inside.head.block_time)
        sums = _sums(inside, period, _partner(inside))

        def rows() -> Iterator[list[object]]:
            for s in sums:
                yield [
                    f.iso(s.time),
                    f.iso(s.time + 900),
                    s.import_wh,
                    s.export_wh,
                    s.network_charge,
                    s.service_fee,
                    s.feed_in,
                    s.fees,
                    s.service_fees,
                    s.even_import_wh,
                    s.even_export_wh,
                ]

        return csv_file(f"quarter-hours-{period.first}-{period.last}.csv", _CSV, rows())


def _partner(inside: Inside) -> int:
    text = inside.visit.request.query_params.get("partner", "")
    return int(text) if text.isdecimal() and inside.side == "supplier" else 0


def _sums(inside: Inside, period: Period, partner: int) -> list[SlotSum]:
    if not partner:
        return inside.now.series(inside.me.number, inside.role, period.since, period.until)
    found = inside.now.allocations(
        period.since, period.until, grid_operator=partner, supplier=inside.me.number
    )
    return add_up(allocation.sum for allocation in found)
