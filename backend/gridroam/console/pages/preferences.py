"""Language, zone, light or dark, and as what one looks: cookies that say nothing of people."""

from typing import Annotated
from urllib.parse import urlsplit

from fastapi import APIRouter, Form, Request, Response

from gridroam.console.language import LANGUAGES
from gridroam.console.route import PageRoute, own_path, redirect
from gridroam.console.viewer import LANGUAGE, THEME, THEMES, ZONE, ZONES
from gridroam.console.visit import SIDES, console_of

router = APIRouter(route_class=PageRoute)
_YEAR = 365 * 86_400


@router.post("/preferences")
def prefer(
    request: Request,
    language: Annotated[str | None, Form()] = None,
    zone: Annotated[str | None, Form()] = None,
    theme: Annotated[str | None, Form()] = None,
    side: Annotated[str | None, Form()] = None,
) -> Response:
    """Needs no secret: the worst that another site could do is to change the language."""
    back = urlsplit(request.headers.get("referer", ""))
    response = redirect(own_path(f"{back.path}?{back.query}" if back.query else back.path))
    chosen = {
        LANGUAGE: language if language in LANGUAGES else None,
        ZONE: zone if zone in ZONES else None,
        THEME: theme if theme in THEMES else None,
        "gr_side": side if side in SIDES else None,
    }
    secure = console_of(request).secure
    for name, value in chosen.items():
        if value is not None:
            response.set_cookie(
                name, value, max_age=_YEAR, path="/console", secure=secure, samesite="lax"
            )
    if zone == "browser":
        response.delete_cookie(ZONE, path="/console")
    return response
