"""Templates made into pages, with the headers that keep them safe."""

from collections.abc import Mapping
from functools import cache
from importlib.metadata import version
from typing import Any
from urllib.parse import urlencode

from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from gridroam.access.identity import Permission
from gridroam.console import words
from gridroam.console.language import LANGUAGES, catalogue
from gridroam.console.viewer import THEMES, common_zones
from gridroam.console.visit import SIDES, Inside, Visit, context
from gridroam.customers.commitment import displayed
from gridroam.index.records import Session

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action {form}; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}


def page(
    visit: Visit, template: str, status: int = 200, form_target: str = "", **values: Any
) -> HTMLResponse:
    """For anybody. `form_target`: another origin that a form here leads to."""
    viewer = visit.viewer
    made = _environment(viewer.language).get_template(template)
    html = made.render(
        _=viewer.catalogue.gettext,
        viewer=viewer,
        f=viewer.formats,
        identity=viewer.identity,
        session=viewer.session,
        path=visit.request.url.path,
        query=dict(visit.request.query_params),
        may=lambda p: bool(viewer.identity and viewer.identity.may(Permission(p))),
        console=visit.console,
        **values,
    )
    policy = _POLICY.format(form=f"'self' {form_target}".strip())
    headers = HEADERS | {"Content-Security-Policy": policy, "Content-Language": viewer.language}
    return HTMLResponse(html, status, headers)


def page_inside(inside: Inside, template: str, status: int = 200, **values: Any) -> HTMLResponse:
    """For somebody who is signed in."""
    return page(inside.visit, template, status, **context(inside), **values)


def link(path: str, query: Mapping[str, Any], **changes: Any) -> str:
    """A path with a query; `None` takes something out of it."""
    merged = {**query, **changes}
    kept = {k: str(v) for k, v in merged.items() if v not in (None, "", False)}
    return f"{path}?{urlencode(kept)}" if kept else path


def short(value: bytes) -> str:
    """A hash that fits a table."""
    text = value.hex()
    return f"0x{text[:6]}…{text[-4:]}"


def amount_for(side: str, session: Session) -> int:
    """What a session costs a supplier, or brings the other side."""
    if side == "supplier":
        return session.cost
    return session.service_fee if side == "stations" else session.network_charge - session.feed_in


@cache
def _environment(language: str) -> Environment:
    environment = Environment(
        loader=PackageLoader("gridroam.console", "templates"),
        autoescape=select_autoescape(default=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    texts = catalogue(language)
    environment.install_gettext_callables(  # type: ignore[attr-defined]
        texts.gettext, texts.ngettext, newstyle=True
    )
    environment.globals.update(
        link=link,
        words=words,
        role_names=words.ROLE_NAMES,
        sign_in_words=words.SIGN_IN,
        check_words=words.CHECKS,
        side_roles=SIDES,
        zones=common_zones,
        amount_for=amount_for,
        party_words=words.PARTIES,
        receipt_words=words.RECEIPT_CHECKS,
        languages=LANGUAGES,
        themes=THEMES,
        version=version("gridroam"),
        icon=_icon,
    )
    environment.filters.update(hex=lambda b: "0x" + b.hex(), short=short, emaid=displayed)
    return environment


_ICONS = {
    "check": '<circle cx="12" cy="12" r="9.5" opacity=".18" fill="currentColor" stroke="none"/>'
    '<path d="M7 12.5l3.4 3.4L17 9"/>',
    "cross": '<circle cx="12" cy="12" r="9.5" opacity=".18" fill="currentColor" stroke="none"/>'
    '<path d="M8 8l8 8M16 8l-8 8"/>',
    "question": '<circle cx="12" cy="12" r="9.5" opacity=".18" fill="currentColor" stroke="none"/>'
    '<path d="M9.2 9.4a2.9 2.9 0 1 1 3.9 2.7c-.8.4-1.1.9-1.1 1.9M12 17.2v.1"/>',
    "home": '<path d="M4 11l8-7 8 7v8.5a.5.5 0 0 1-.5.5H15v-6H9v6H4.5a.5.5 0 0 1-.5-.5z"/>',
    "bolt": '<path d="M13 3L5 13.5h6L10 21l9-11h-6.5z"/>',
    "chart": '<path d="M4 20h16M7 16v-5M12 16V6M17 16v-8"/>',
    "money": '<rect x="3" y="6" width="18" height="12" rx="2"/><circle cx="12" cy="12" r="2.6"/>',
    "stop": '<circle cx="12" cy="12" r="8.5"/><path d="M6.2 6.2l11.6 11.6"/>',
    "car": '<path d="M4 16v-3.2l2-5.3A2 2 0 0 1 7.9 6h8.2A2 2 0 0 1 18 7.5l2 5.3V16a1 1 0 0 1-1 '
    '1H5a1 1 0 0 1-1-1zM4.5 12.5h15M7.5 17v1.5M16.5 17v1.5"/>',
    "station": '<path d="M5 20V5a1 1 0 0 1 1-1h7a1 1 0 0 1 1 1v15M3.5 20h12M14 11h2a1.5 1.5 0 0 1 '
    '1.5 1.5V16a1.5 1.5 0 0 0 3 0V9l-2.5-2.5M7.5 8h4"/>',
    "paper": '<path d="M6 3.5h8l4 4V20a.5.5 0 0 1-.5.5h-11A.5.5 0 0 1 6 20zM14 3.5V8h4M9 12.5h6M9 '
    '16h6"/>',
    "split": '<path d="M4 12h5l4-6h7M9 12l4 6h7M17 3l3 3-3 3M17 15l3 3-3 3"/>',
    "seal": '<path d="M12 3l7 3v5.5c0 4.3-2.9 7.6-7 9.5-4.1-1.9-7-5.2-7-9.5V6zM8.8 11.8l2.3 2.4 '
    '4.2-4.6"/>',
    "scales": '<path d="M12 4v16M8 20h8M6 7h12M6 7l-2.5 6h5zM18 7l-2.5 6h5z"/>',
    "eye": '<path d="M2.5 12S6 5.5 12 5.5 21.5 12 21.5 12 18 18.5 12 18.5 2.5 12 2.5 12z"/>'
    '<circle cx="12" cy="12" r="2.7"/>',
}


def _icon(name: str, css: str = "") -> Markup:
    """A drawing that says nothing to screen readers: the words beside it do."""
    return Markup(  # noqa: S704  our own text
        f'<svg viewBox="0 0 24 24" class="{css}" fill="none" stroke="currentColor" '
        'stroke-width="1.8" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true" '
        f'focusable="false">{_ICONS[name]}</svg>'
    )
