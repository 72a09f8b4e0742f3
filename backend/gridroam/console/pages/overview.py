"""How things stand: energy both ways, money, open sessions, cover, disputes, what was refused."""

from datetime import date

from fastapi import APIRouter, Request, Response

from gridroam.console.figures import energy_chart
from gridroam.console.pages.payments import fees_of
from gridroam.console.period import NAMES, period_of
from gridroam.console.render import page_inside
from gridroam.console.route import PageRoute
from gridroam.console.visit import Inside, entered
from gridroam.domain.session import State
from gridroam.index.queries import Refused, Wanted

router = APIRouter(route_class=PageRoute)
_OPEN, _REFUSED, _MOST = 12, 6, 100


@router.get("")
@router.get("/", include_in_schema=False)
def overview(request: Request) -> Response:
    with entered(request) as inside:
        now, f, _ = inside.now, inside.visit.viewer.formats, inside.visit.text
        period = period_of(request.query_params, f, inside.head.block_time, "today")
        wanted = Wanted(since=period.since, until=period.until, **inside.filter())
        is_open = Wanted(state=State.OPEN, **inside.filter())
        open_sessions = now.sessions(is_open, limit=_OPEN)
        refused = now.rejections(
            Refused(since=period.since, until=period.until, **inside.filter()), limit=_REFUSED
        )
        sums = now.series(inside.me.number, inside.role, period.since, period.until)
        totals = now.totals(inside.me.number, inside.role, period.since, period.until)
        vehicles = [s.vehicle for s in open_sessions.items]
        vehicles += [m.vehicle for m in refused.items if m.vehicle]
        return page_inside(
            inside,
            "overview.html",
            period=period,
            periods=NAMES,
            counts=now.counts(wanted),
            open_count=now.counts(is_open).sessions,
            open_sessions=open_sessions.items,
            refused=refused.items,
            totals=totals,
            fees=fees_of(inside.side, totals),
            claims=_claims(inside),
            chart=energy_chart(sums, period, f, _, _("Energy by quarter hour")),
            last=None if sums else _last_day(inside),
            stations={m.station: now.station(m.station) for m in refused.items},
            everybody=inside.everybody(),
            customers=inside.customers_of(vehicles),
            to_agree=len(now.proposals(awaiting=inside.me.number, limit=_MOST).items),
            disputed=now.counts(Wanted(disputed=True, **inside.filter())).disputed,
        )


def _last_day(inside: Inside) -> date | None:
    """On which a session with energy began, so that nobody has to look for it where nothing is."""
    newest = inside.now.sessions(Wanted(**inside.filter()), limit=_MOST).items
    began = next((s.opened for s in newest if s.import_wh or s.export_wh), None)
    return None if began is None else inside.visit.viewer.formats.day_of(began)


def _claims(inside: Inside) -> tuple[int, int]:
    """What of the participant's debts, and of what it is owed, is not paid yet."""
    number = inside.me.number
    pairs = inside.now.pairs(number)
    owes = sum(pair.claim for pair in pairs if pair.payer == number)
    owed = sum(pair.claim for pair in pairs if pair.payee == number)
    return owes, owed
