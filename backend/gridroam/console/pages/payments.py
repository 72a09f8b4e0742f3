"""What was paid to whom, and why; what came in from whom; deposits and the account."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from fastapi import APIRouter, Request, Response

from gridroam.console.charts.columns import Series, Slice, columns
from gridroam.console.charts.drawing import Chart
from gridroam.console.figures import day_label
from gridroam.console.period import NAMES, Period, period_of
from gridroam.console.render import page_inside
from gridroam.console.route import NotFoundError, PageRoute, csv_file
from gridroam.console.visit import Inside, entered
from gridroam.domain.participants import Role
from gridroam.index.records import Posted, TariffVersion, Totals

router = APIRouter(route_class=PageRoute)
_DAY, _PAGE = 86_400, 50
_CSV = ["day", "payer", "payee", "amount_nano_eur", "import_wh", "export_wh", "postings"]


@dataclass(frozen=True, slots=True)
class Balance:
    """With one partner: what was paid to it and what came from it, nano-euro."""

    partner: int
    paid: int
    received: int
    import_wh: int
    export_wh: int
    postings: int
    owes: int
    """Of what was paid, by all time, what is still open."""
    owed: int

    @property
    def net(self) -> int:
        return self.paid - self.received


def fees_of(side: str, totals: Totals) -> int:
    """What is due per session, nano-euro: what a supplier pays of it, or what the side gets."""
    if side == "supplier":
        return totals.fees
    return totals.service_fees if side == "stations" else totals.fees - totals.service_fees


def utc_days(period: Period) -> tuple[int, int]:
    """The same days as the ledger's: of UTC."""
    first = int(datetime(*period.first.timetuple()[:3], tzinfo=UTC).timestamp())
    return first, first + period.days * _DAY


@router.get("/payments")
def payments(request: Request) -> Response:
    with entered(request) as inside:
        f, _ = inside.visit.viewer.formats, inside.visit.text
        period = period_of(request.query_params, f, inside.head.block_time)
        since, until = utc_days(period)
        me = inside.me.number
        by_day = inside.now.posted(me, since, until, by_day=True)
        balances = _balances(inside, inside.now.posted(me, since, until))
        movements = inside.now.payments(
            me, since=since, until=until, after=request.query_params.get("after"), limit=_PAGE
        )
        corrected = {p.station for p in movements.items if p.station}
        totals = inside.now.totals(me, inside.role, since, until)
        return page_inside(
            inside,
            "payments.html",
            period=period,
            periods=NAMES,
            balances=balances,
            total=_sum(balances),
            totals=totals,
            fees=fees_of(inside.side, totals),
            chart=_chart(inside, by_day, period, _("Paid and received by day")),
            everybody=inside.everybody(),
            movements=movements.items,
            following=movements.next,
            tariffs=_tariffs(inside, me),
            stations={number: inside.now.station(number) for number in corrected},
        )


@router.get("/payments.csv")
def export(request: Request) -> Response:
    with entered(request) as inside:
        period = period_of(
            request.query_params, inside.visit.viewer.formats, inside.head.block_time
        )
        found = inside.now.posted(inside.me.number, *utc_days(period), by_day=True)
    rows = (
        [
            datetime.fromtimestamp(p.start, UTC).date().isoformat(),
            p.payer,
            p.payee,
            p.amount,
            p.import_wh,
            p.export_wh,
            p.postings,
        ]
        for p in found
    )
    return csv_file(f"postings-{period.first}-{period.last}.csv", _CSV, rows)


@router.get("/payments/{partner}")
def with_partner(request: Request, partner: int) -> Response:
    with entered(request) as inside:
        f, _ = inside.visit.viewer.formats, inside.visit.text
        everybody = inside.everybody()
        if partner not in everybody or partner == inside.me.number:
            raise NotFoundError("There is no such company.", "Go back to the payments.")
        period = period_of(request.query_params, f, inside.head.block_time)
        since, until = utc_days(period)
        me = inside.me.number
        by_day = [
            p
            for p in inside.now.posted(me, since, until, by_day=True)
            if partner in (p.payer, p.payee)
        ]
        balances = _balances(inside, by_day)
        return page_inside(
            inside,
            "partner.html",
            period=period,
            periods=NAMES,
            partner=everybody[partner],
            balance=next((b for b in balances if b.partner == partner), None),
            days=by_day,
            chart=_chart(inside, by_day, period, _("Paid and received by day")),
            tariffs=_tariffs(inside, partner),
            everybody=everybody,
        )


def _balances(inside: Inside, posted: list[Posted]) -> list[Balance]:
    me = inside.me.number
    found: defaultdict[int, list[int]] = defaultdict(lambda: [0] * 7)
    for p in posted:
        sums = found[p.payee if p.payer == me else p.payer]
        sums[0 if p.payer == me else 1] += p.amount
        sums[2] += p.import_wh
        sums[3] += p.export_wh
        sums[4] += p.postings
    for pair in inside.now.pairs(me):
        if pair.claim:
            found[pair.payee if pair.payer == me else pair.payer][5 if pair.payer == me else 6] += (
                pair.claim
            )
    balances = [Balance(partner, *sums) for partner, sums in found.items()]
    return sorted(balances, key=lambda b: -(b.paid + b.received))


def _sum(balances: list[Balance]) -> Balance:
    names = ("paid", "received", "import_wh", "export_wh", "postings", "owes", "owed")
    return Balance(0, *(sum(getattr(b, name) for b in balances) for name in names))


def _chart(inside: Inside, posted: list[Posted], period: Period, title: str) -> Chart:
    f, _ = inside.visit.viewer.formats, inside.visit.text
    since, me = utc_days(period)[0], inside.me.number
    paid, received = [0] * period.days, [0] * period.days
    for p in posted:
        place = (p.start - since) // _DAY
        if 0 <= place < period.days:
            (paid if p.payer == me else received)[place] += p.amount
    days = [period.first + timedelta(days=n) for n in range(period.days)]
    slices = [Slice(f.date_name(d), *day_label(n, d, len(days), f)) for n, d in enumerate(days)]
    series = [
        Series("c-s5", _("Paid"), paid),
        Series("c-s4", _("Received"), received, down=True),
    ]
    return columns(
        title, "", _("Day"), slices, series, show=f.exact_money, axis=f.money, height=190
    )


def _tariffs(inside: Inside, partner: int) -> list[tuple[Role, TariffVersion]]:
    """Those of the two, the newest first; of the company itself, if it is the partner."""
    found = []
    for role in (Role.GRID_OPERATOR, Role.STATION_OPERATOR):
        for number in {partner, inside.me.number}:
            versions = inside.now.tariffs(number, role)
            found += [(role, v) for v in reversed(versions[-3:])]
    return found
