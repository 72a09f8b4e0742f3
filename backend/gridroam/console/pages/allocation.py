"""A grid operator's quarter hours by supplier, how they are known, and what no session explains."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from fastapi import APIRouter, Request, Response

from gridroam.access.problems import ForbiddenError
from gridroam.allocation.identity import MeterIdentity, identities
from gridroam.console.figures import stacked_chart
from gridroam.console.period import NAMES, Period, period_of
from gridroam.console.render import page_inside
from gridroam.console.route import PageRoute, csv_file
from gridroam.console.visit import Inside, entered
from gridroam.domain.participants import Role
from gridroam.domain.slots import SLOT, slot_start
from gridroam.index.records import Allocation, Meter, SlotSum

router = APIRouter(route_class=PageRoute)
_CSV = [
    "start",
    "end",
    "supplier",
    "import_wh",
    "export_wh",
    "network_charge_nano_eur",
    "feed_in_nano_eur",
    "even_import_wh",
    "even_export_wh",
]


@dataclass(frozen=True, slots=True)
class Share:
    """Of one supplier in the period."""

    supplier: int
    import_wh: int
    export_wh: int
    network_charge: int
    feed_in: int
    even_import_wh: int
    even_export_wh: int


@router.get("/allocation")
def allocation(request: Request) -> Response:
    with entered(request) as inside:
        f, _ = inside.visit.viewer.formats, inside.visit.text
        period = period_of(request.query_params, f, inside.head.block_time)
        found = _allocations(inside, period)
        everybody = inside.everybody()
        by_supplier: defaultdict[int, list[SlotSum]] = defaultdict(list)
        for each in found:
            by_supplier[each.supplier].append(each.sum)
        named = {inside.name(everybody.get(n)): sums for n, sums in sorted(by_supplier.items())}
        shares = [_share(number, sums) for number, sums in sorted(by_supplier.items())]
        return page_inside(
            inside,
            "allocation.html",
            period=period,
            periods=NAMES,
            shares=shares,
            total=_total(shares),
            chart=stacked_chart(named, period, f, _, _("Energy by supplier")),
            everybody=everybody,
            meters=_meters(inside, period),
        )


@router.get("/allocation.csv")
def export(request: Request) -> Response:
    with entered(request) as inside:
        f = inside.visit.viewer.formats
        period = period_of(request.query_params, f, inside.head.block_time)
        found = _allocations(inside, period)

    def rows() -> Iterator[list[object]]:
        for each in found:
            s = each.sum
            yield [
                f.iso(s.time),
                f.iso(s.time + 900),
                each.supplier,
                s.import_wh,
                s.export_wh,
                s.network_charge,
                s.feed_in,
                s.even_import_wh,
                s.even_export_wh,
            ]

    return csv_file(f"allocation-{period.first}-{period.last}.csv", _CSV, rows())


def _allocations(inside: Inside, period: Period) -> list[Allocation]:
    if not inside.me.has(Role.GRID_OPERATOR):
        raise ForbiddenError("Only grid operators have this.", "Sign in for a grid operator.")
    return inside.now.allocations(period.since, period.until, grid_operator=inside.me.number)


def _meters(inside: Inside, period: Period) -> list[tuple[Meter, MeterIdentity | None]]:
    """Each with its identity, if the grid operator gave a series of it."""
    me = inside.me.number
    since, until = slot_start(period.since), -(-period.until // SLOT) * SLOT
    known = {found.meter: found for found in identities(inside.now, me, since, until)}
    return [(meter, known.get(meter.id)) for meter in inside.now.meters(me).items]


def _share(supplier: int, sums: list[SlotSum]) -> Share:
    names = (
        "import_wh",
        "export_wh",
        "network_charge",
        "feed_in",
        "even_import_wh",
        "even_export_wh",
    )
    return Share(supplier, *(sum(getattr(s, name) for s in sums) for name in names))


def _total(shares: list[Share]) -> Share:
    names = [name for name in Share.__slots__ if name != "supplier"]
    return Share(0, *(sum(getattr(s, name) for s in shares) for name in names))
