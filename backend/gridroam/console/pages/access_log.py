"""Who of the own company saw which customer's data, and when."""

from fastapi import APIRouter, Request, Response

from gridroam.access.identity import Permission
from gridroam.console.language import gettext_noop as _
from gridroam.console.render import page_inside
from gridroam.console.route import PageRoute
from gridroam.console.visit import entered

router = APIRouter(route_class=PageRoute)
_PAGE = 100
ACTIONS = {
    "sign-in": _("Signed in"),
    "sign-out": _("Signed out"),
    "see": _("Saw a customer"),
    "search": _("Searched customers"),
    "export": _("Exported customers"),
    "import": _("Imported customers"),
    "forget": _("Forgot a vehicle"),
    "give-series": _("Gave a meter's series"),
}


@router.get("/access-log")
def access_log(request: Request) -> Response:
    with entered(request, Permission.READ_ACCESS_LOG) as inside:
        before = request.query_params.get("before", "")
        rows = inside.visit.console.log.read(
            inside.me.number, _PAGE, int(before) if before.isdecimal() else None
        )
        return page_inside(
            inside,
            "access_log.html",
            rows=rows,
            actions=ACTIONS,
            following=rows[-1].id if len(rows) == _PAGE else None,
        )
