"""Below a chart stands when it was, however short or long the time, also where there is little
room."""

from datetime import date, timedelta
from zoneinfo import ZoneInfo

import pytest
from babel import Locale

from gridroam.console.charts.story import registers
from gridroam.console.figures import day_label
from gridroam.console.formats import Formats
from gridroam.index.records import Reading

F = Formats(Locale.parse("de_DE"), ZoneInfo("Europe/Berlin"))
NOON = 1_793_617_200
"""2 November 2026, 12:00:00 in Berlin."""
ON_A_PHONE = 6


@pytest.mark.parametrize(("seconds", "first"), [(20, "12:00"), (60, "12:01"), (900, "12:05")])
def test_registers__short_session__has_times(seconds: int, first: str) -> None:
    start = NOON + 15
    readings = [
        Reading(start, 1_000, 0, report=0, boundary=False),
        Reading(start + seconds, 1_200, 0, report=1, boundary=False),
    ]

    chart = registers(readings, F, str)

    assert chart is not None
    assert chart.labels[0].text == first


@pytest.mark.parametrize("count", [1, 7, 8, 9, 28, 31, 90, 366])
def test_day_label__any_period__a_phone_has_room(count: int) -> None:
    days = [date(2026, 11, 1) + timedelta(days=n) for n in range(count)]
    labels = [day_label(n, day, count, F) for n, day in enumerate(days)]

    assert labels[0][0]
    assert not labels[0][1]
    assert 1 <= sum(bool(text) and not minor for text, minor in labels) <= ON_A_PHONE
