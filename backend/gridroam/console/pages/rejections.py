"""What was rejected and why, in words."""

from collections.abc import Callable

from fastapi import APIRouter, Request, Response

from gridroam.console.pages.story import concerns
from gridroam.console.period import NAMES, period_of
from gridroam.console.render import page_inside
from gridroam.console.route import PageRoute, all_pages, csv_file
from gridroam.console.visit import Inside, entered
from gridroam.domain.reasons import Reason
from gridroam.index.queries import Refused
from gridroam.index.records import Message, Page

router = APIRouter(route_class=PageRoute)
_PAGE, _EXPORT_PAGE = 50, 1_000
_CSV = [
    "time",
    "block",
    "station",
    "session",
    "report",
    "kind",
    "reason",
    "vehicle",
    "digest",
    "transaction",
]
REASONS = {reason.slug: reason for reason in Reason if reason}


@router.get("/rejections")
def rejections(request: Request) -> Response:
    with entered(request) as inside:
        query, f = request.query_params, inside.visit.viewer.formats
        period = period_of(query, f, inside.head.block_time)
        wanted = Refused(
            since=period.since,
            until=period.until,
            reason=REASONS.get(query.get("reason", "")),
            **inside.filter(),
        )
        found = inside.now.rejections(wanted, after=query.get("after"), limit=_PAGE)
        vehicles = [m.vehicle for m in found.items if m.vehicle]
        return page_inside(
            inside,
            "rejections.html",
            period=period,
            periods=NAMES,
            reasons=REASONS,
            chosen=query.get("reason", ""),
            messages=found.items,
            following=found.next,
            told={(m.station, m.session) for m in found.items if _is_told(inside, m)},
            stations={m.station: inside.now.station(m.station) for m in found.items},
            customers=inside.customers_of(vehicles),
        )


def _is_told(inside: Inside, message: Message) -> bool:
    """Whether the session has a page that the company may see."""
    session = inside.now.session(message.station, message.session)
    return session is not None and concerns(inside, session)


@router.get("/rejections.csv")
def export(request: Request) -> Response:
    with entered(request) as inside:
        query, f = request.query_params, inside.visit.viewer.formats
        period = period_of(query, f, inside.head.block_time)
        wanted = Refused(
            since=period.since,
            until=period.until,
            reason=REASONS.get(query.get("reason", "")),
            **inside.filter(),
        )
    index = inside.visit.console.index

    def some(after: str | None) -> Page[Message]:
        with index.snapshot() as now:
            return now.rejections(wanted, after=after, limit=_EXPORT_PAGE)

    rows = (_row(m, f.iso) for m in all_pages(some))
    return csv_file(f"rejections-{period.first}-{period.last}.csv", _CSV, rows)


def _row(m: Message, iso: Callable[[int], str]) -> list[object]:
    return [
        iso(m.block_time),
        m.block,
        m.station,
        m.session,
        m.report,
        m.kind.name.lower(),
        m.reason.slug,
        "0x" + m.vehicle.hex() if m.vehicle else "",
        "0x" + m.digest.hex(),
        "0x" + m.tx_hash.hex(),
    ]
