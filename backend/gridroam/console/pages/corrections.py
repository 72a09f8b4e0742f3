"""What waits for the company's consent, what is disputed, what was corrected, and which meters'
records were refused."""

from fastapi import APIRouter, Request, Response

from gridroam.console import commands
from gridroam.console.render import page_inside
from gridroam.console.route import PageRoute
from gridroam.console.visit import Inside, entered
from gridroam.index.queries import Wanted
from gridroam.index.records import Page, Session

router = APIRouter(route_class=PageRoute)
_PAGE = 50


@router.get("/corrections")
def corrections(request: Request) -> Response:
    with entered(request) as inside:
        query = request.query_params
        waiting = inside.now.proposals(
            awaiting=inside.me.number, after=query.get("waiting"), limit=_PAGE
        )
        disputed = _sessions(inside, Wanted(disputed=True, **inside.filter()), "disputed")
        corrected = _sessions(inside, Wanted(corrected=True, **inside.filter()), "corrected")
        refused = inside.now.acts(
            "ProofRefused", participant=inside.me.number, after=query.get("refused"), limit=_PAGE
        )
        shown = (*disputed.items, *corrected.items)
        console = inside.visit.console
        return page_inside(
            inside,
            "corrections.html",
            waiting=waiting.items,
            following=waiting.next,
            disputed=disputed,
            corrected=corrected,
            refused=refused,
            stations={act.station: _evse_id(inside, act.station) for act in refused.items},
            present={
                p.draft.content: inside.now.session(p.draft.station, p.draft.session)
                for p in waiting.items
            },
            commands={
                p.draft.content: (
                    commands.show(console, p.draft.station, p.draft.session),
                    commands.consent(console, p),
                )
                for p in waiting.items
            },
            signed_away={
                p.draft.content: commands.signed_away(console, p, inside.me.number)
                for p in waiting.items
            },
            everybody=inside.everybody(),
            customers=inside.customers_of(s.vehicle for s in shown),
        )


def _evse_id(inside: Inside, station: int) -> str:
    found = inside.now.station(station)
    return found.evse_id if found else str(station)


def _sessions(inside: Inside, wanted: Wanted, name: str) -> Page[Session]:
    after = inside.visit.request.query_params.get(name)
    return inside.now.sessions(wanted, after=after, limit=_PAGE)
