"""The days that a page is about, in the reader's zone: by name, or by a first and last day."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from gridroam.console.formats import Formats
from gridroam.console.language import gettext_noop as _

NAMES = {
    "today": _("Today"),
    "yesterday": _("Yesterday"),
    "7-days": _("Last 7 days"),
    "week": _("This week"),
    "last-week": _("Last week"),
    "month": _("This month"),
    "last-month": _("Last month"),
}
LONGEST = 366


@dataclass(frozen=True, slots=True)
class Period:
    """Both days count. `since` is included, `until` is not: UTC seconds."""

    first: date
    last: date
    name: str
    since: int
    until: int

    @property
    def days(self) -> int:
        return (self.last - self.first).days + 1

    @property
    def query(self) -> dict[str, str]:
        """For links."""
        if self.name:
            return {"period": self.name}
        return {"from": self.first.isoformat(), "to": self.last.isoformat()}


def period_of(query: Mapping[str, str], f: Formats, now: int, default: str = "7-days") -> Period:
    """`now` is the chain's time."""
    today = f.day_of(now)
    name = query.get("period", "")
    first, last = _date(query.get("from")), _date(query.get("to"))
    if name not in NAMES and (first or last):
        begin = first or (last or today)
        end = min(max(last or today, begin), begin + timedelta(days=LONGEST - 1))
        return _period(begin, end, "", f)
    name = name if name in NAMES else default
    return _period(*_named(name, today), name, f)


def _period(first: date, last: date, name: str, f: Formats) -> Period:
    return Period(first, last, name, f.start_of(first), f.end_of(last))


def _named(name: str, today: date) -> tuple[date, date]:
    day, monday = timedelta(days=1), today - timedelta(days=today.weekday())
    first_of_month = today.replace(day=1)
    last_of_month_before = first_of_month - day
    return {
        "today": (today, today),
        "yesterday": (today - day, today - day),
        "7-days": (today - 6 * day, today),
        "week": (monday, monday + 6 * day),
        "last-week": (monday - 7 * day, monday - day),
        "month": (first_of_month, (first_of_month + 31 * day).replace(day=1) - day),
        "last-month": (last_of_month_before.replace(day=1), last_of_month_before),
    }[name]


def _date(text: str | None) -> date | None:
    try:
        found = date.fromisoformat(text or "")
    except ValueError:
        return None
    return found if 2000 <= found.year < 2200 else None
