"""Numbers, money and times as the reader writes them. Everything comes in as the integers of the
protocol and is shown exactly, or rounded where the name says so; no float on the way."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from functools import cached_property
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import (
    format_date,
    format_datetime,
    format_skeleton,
    format_time,
    format_timedelta,
)
from babel.numbers import format_currency, format_decimal

_NANO, _MICRO_PER_CENT = Decimal(10**9), Decimal(10**4)
_CENT = Decimal("0.01")


@dataclass(frozen=True)
class Formats:
    """For one reader."""

    locale: Locale
    zone: ZoneInfo

    # --------------------------------------------------------------------------------- Numbers

    def number(self, value: int) -> str:
        return format_decimal(value, locale=self.locale)

    def kwh(self, wh: int) -> str:
        """Exact: `12.345 kWh`."""
        return f"{self._decimal(Decimal(wh) / 1000, '#,##0.000')}\u00a0kWh"

    def energy(self, wh: int) -> str:
        """Rounded to what fits a headline: kWh or MWh with one digit."""
        value, unit = (Decimal(wh) / 1000, "kWh")
        if abs(wh) >= 10_000_000:
            value, unit = Decimal(wh) / 10**6, "MWh"
        return f"{self._decimal(value, '#,##0.0')}\u00a0{unit}"

    def axis(self, wh: int) -> str:
        """Short, for round numbers."""
        return f"{self._decimal(Decimal(wh) / 1000, '#,##0.###')}\u00a0kWh"

    def wh(self, wh: int) -> str:
        return f"{self.number(wh)}\u00a0Wh"

    def kw(self, watts: int) -> str:
        return f"{self._decimal(Decimal(watts) / 1000, '#,##0.##')}\u00a0kW"

    def power(self, wh: int, seconds: int) -> str:
        """The mean over a time."""
        return self.kw(wh * 3600 // seconds) if seconds else ""

    # ----------------------------------------------------------------------------------- Money

    def money(self, nano: int) -> str:
        """Rounded to the cent."""
        rounded = (Decimal(nano) / _NANO).quantize(_CENT, ROUND_HALF_EVEN)
        return format_currency(rounded + 0, "EUR", locale=self.locale)

    def exact_money(self, nano: int) -> str:
        """To the last nano-euro that is not zero, and at least to the cent."""
        value = Decimal(nano) / _NANO
        pattern = self.locale.currency_formats["standard"].pattern
        exact = pattern.replace("0.00", "0.00#######")
        return format_currency(
            value,
            "EUR",
            exact,
            locale=self.locale,
            currency_digits=False,
            decimal_quantization=False,
        )

    def price(self, micro_per_kwh: int) -> str:
        """`8.5 ct/kWh`."""
        cents = self._decimal(Decimal(micro_per_kwh) / _MICRO_PER_CENT, "#,##0.00##")
        return f"{cents}\u00a0ct/kWh"

    def fee(self, micro: int) -> str:
        return self.exact_money(micro * 1000)

    # ------------------------------------------------------------------------------------ Time

    def moment(self, time: int) -> datetime:
        return datetime.fromtimestamp(time, UTC).astimezone(self.zone)

    def iso(self, time: int) -> str:
        """For the `datetime` attribute."""
        return datetime.fromtimestamp(time, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

    def time(self, time: int) -> str:
        """Day and time to the minute."""
        return format_datetime(self.moment(time), "short", locale=self.locale)

    def exact_time(self, time: int) -> str:
        """With seconds and zone."""
        return format_datetime(self.moment(time), "long", locale=self.locale)

    def clock(self, time: int) -> str:
        return format_time(self.moment(time), "short", locale=self.locale)

    def day(self, time: int) -> str:
        """`Tue, 24 Nov`."""
        return self.date_name(self.moment(time).date())

    def date_name(self, day: date) -> str:
        return format_skeleton("MMMEd", day, locale=self.locale)

    def weekday(self, day: date) -> str:
        """`Tue 24`."""
        return format_skeleton("Ed", day, locale=self.locale)

    def short_date(self, day: date) -> str:
        """`24 Nov`."""
        return format_skeleton("MMMd", day, locale=self.locale)

    def full_date(self, day: date) -> str:
        return format_date(day, "long", locale=self.locale)

    def month(self, day: date) -> str:
        return format_skeleton("yMMMM", day, locale=self.locale)

    def days(self, seconds: int) -> str:
        """`14 days`."""
        return format_timedelta(seconds, "day", threshold=10, locale=self.locale)

    def duration(self, seconds: int) -> str:
        hours, minutes = divmod(seconds // 60, 60)
        if not hours and not minutes:
            return f"{seconds}\u00a0s"
        return f"{hours}\u00a0h {minutes:02}\u00a0min" if hours else f"{minutes}\u00a0min"

    # ------------------------------------------------------------------------------------ Days

    def day_of(self, time: int) -> date:
        return self.moment(time).date()

    def start_of(self, day: date) -> int:
        """The day's first second in the reader's zone, as UTC seconds."""
        return int(datetime(day.year, day.month, day.day, tzinfo=self.zone).timestamp())

    def end_of(self, day: date) -> int:
        """The following day's first second."""
        return self.start_of(day + timedelta(days=1))

    # -------------------------------------------------------------------------------- Internal

    @cached_property
    def decimal_mark(self) -> str:
        return self._decimal(Decimal("0.5"), "0.0")[1]

    def _decimal(self, value: Decimal, pattern: str) -> str:
        return format_decimal(value, pattern, locale=self.locale)
