"""Who looks at a page, and how they like it: language, zone, light or dark, and who they are."""

from collections.abc import Mapping
from dataclasses import dataclass
from zoneinfo import ZoneInfo, available_timezones

from babel import Locale, UnknownLocaleError
from fastapi import Request

from gridroam.access.identity import Identity
from gridroam.access.sessions import Session
from gridroam.console.formats import Formats
from gridroam.console.language import DEFAULT, LANGUAGES, Catalogue, catalogue

LANGUAGE, ZONE, BROWSER_ZONE, THEME = "gr_lang", "gr_zone", "gr_browser_zone", "gr_theme"
"""Cookies with preferences; the browser's own zone is set by a script."""
THEMES = ("auto", "light", "dark")
ZONES = frozenset(available_timezones())
_COMMON = (
    "Europe/Berlin",
    "Europe/Vienna",
    "Europe/Zurich",
    "Europe/Amsterdam",
    "Europe/Paris",
    "Europe/London",
    "UTC",
)
_BY_LANGUAGE = {"de": ("de_DE", "Europe/Berlin"), "en": ("en_GB", "UTC")}


@dataclass(frozen=True)
class Viewer:
    """`session` is `None` where none was needed yet."""

    language: str
    formats: Formats
    theme: str
    session: Session | None

    @property
    def identity(self) -> Identity | None:
        return self.session.identity if self.session else None

    @property
    def catalogue(self) -> Catalogue:
        return catalogue(self.language)

    @property
    def zone(self) -> str:
        return self.formats.zone.key


def viewer_of(request: Request, session: Session | None) -> Viewer:
    wanted = _accepted(request.headers.get("accept-language", ""))
    language = request.cookies.get(LANGUAGE, "")
    if language not in LANGUAGES:
        language = next((tag[:2] for tag in wanted if tag[:2] in LANGUAGES), DEFAULT)
    theme = request.cookies.get(THEME, "")
    zone = _zone(request.cookies, language)
    formats = Formats(_locale(wanted, language), ZoneInfo(zone))
    return Viewer(language, formats, theme if theme in THEMES else "auto", session)


def _zone(cookies: Mapping[str, str], language: str) -> str:
    for name in (ZONE, BROWSER_ZONE):
        zone = cookies.get(name, "")
        if zone in ZONES:
            return zone
    return _BY_LANGUAGE[language][1]


def _locale(wanted: list[str], language: str) -> Locale:
    """The reader's own way to write numbers where it belongs to the language of the texts."""
    for tag in wanted:
        if tag[:2] == language and len(tag) == 5:
            try:
                return Locale.parse(tag.replace("-", "_"))
            except (ValueError, UnknownLocaleError):
                continue
    return Locale.parse(_BY_LANGUAGE[language][0])


def _accepted(header: str) -> list[str]:
    """Tags of an Accept-Language header, the most wanted first."""
    ranked = []
    for position, part in enumerate(header[:500].split(",")):
        tag, _, quality = part.strip().partition(";q=")
        try:
            weight = float(quality or 1)
        except ValueError:
            weight = 0.0
        if tag:
            language, _, region = tag.partition("-")
            name = f"{language.lower()}-{region.upper()}" if region else language.lower()
            ranked.append((-weight, position, name))
    return [name for _, _, name in sorted(ranked)]


def common_zones(now: str) -> list[str]:
    """To choose from; the present one among them."""
    return [*_COMMON, *([now] if now not in _COMMON else [])]
