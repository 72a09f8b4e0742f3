"""Series of the index cut as a page shows them: quarter hours for a few days, else whole days."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date, timedelta

from gridroam.console.charts.columns import Series, Slice, columns
from gridroam.console.charts.drawing import Chart
from gridroam.console.formats import Formats
from gridroam.console.period import Period
from gridroam.domain.slots import SLOT, slot_start
from gridroam.index.records import SlotSum

MOST_SLOT_DAYS = 8
"""Days that are shown in quarter hours; beyond, each day is a column."""
Text = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Cut:
    """The columns of a period: their starts, and which column a slot belongs to."""

    starts: tuple[int, ...]
    slices: tuple[Slice, ...]
    by_slot: bool

    def place(self, slot: int) -> int:
        """-1: outside."""
        if self.by_slot:
            place = (slot - self.starts[0]) // SLOT
            return place if 0 <= place < len(self.starts) else -1
        return sum(start <= slot for start in self.starts) - 1


def cut(period: Period, f: Formats) -> Cut:
    if period.days <= MOST_SLOT_DAYS:
        starts = tuple(range(slot_start(period.since), period.until, SLOT))
        return Cut(starts, tuple(_slot(s, period, f) for s in starts), by_slot=True)
    days = [period.first + timedelta(days=n) for n in range(period.days)]
    slices = [Slice(f.date_name(d), *day_label(n, d, len(days), f)) for n, d in enumerate(days)]
    return Cut(tuple(f.start_of(day) for day in days), tuple(slices), by_slot=False)


def day_label(number: int, day: date, count: int, f: Formats) -> tuple[str, bool]:
    """Below the column of the day with this number, of so many; and whether there is no room for
    it on a phone. Beside few days stands that of the week, beside many the month."""
    if count <= MOST_SLOT_DAYS:
        return f.weekday(day), number % 2 == 1
    every = -(-count // 12)
    if number % every:
        return "", True
    return f.short_date(day), number // every % 3 > 0


def _slot(start: int, period: Period, f: Formats) -> Slice:
    moment = f.moment(start)
    name = f"{f.day(start)}, {f.clock(start)} \N{EN DASH} {f.clock(start + SLOT)}"
    if moment.minute:
        return Slice(name)
    if period.days == 1:
        label = f.clock(start) if moment.hour % 3 == 0 else ""
        return Slice(name, label, minor=moment.hour % 6 != 0)
    number = (moment.date() - period.first).days
    label, minor = day_label(number, moment.date(), period.days, f)
    return Slice(name, label if moment.hour == 12 else "", minor)


def energy_chart(sums: Sequence[SlotSum], period: Period, f: Formats, _: Text, title: str) -> Chart:
    """What was taken above the line, what was fed back below it."""
    found = cut(period, f)
    taken, fed = spread(sums, found, lambda s: (s.import_wh, s.export_wh))
    summary = _("{taken} taken, {fed} fed back.").format(
        taken=f.energy(sum(taken)), fed=f.energy(sum(fed))
    )
    series = [Series("c-taken", _("Taken from the grid"), taken)]
    series.append(Series("c-fed", _("Fed back"), fed, down=True))
    heading = _("Quarter hour") if found.by_slot else _("Day")
    return columns(title, summary, heading, found.slices, series, show=f.kwh, axis=f.axis)


def stacked_chart(
    sums: Mapping[str, Sequence[SlotSum]], period: Period, f: Formats, _: Text, title: str
) -> Chart:
    """By name, up and down."""
    found = cut(period, f)
    parts = {
        name: spread(values, found, lambda s: (s.import_wh, s.export_wh))
        for name, values in sums.items()
    }
    up = [
        Series(f"c-s{n % 6 + 1}", _("{name}, taken").format(name=name), taken)
        for n, (name, (taken, _fed)) in enumerate(parts.items())
    ]
    down = [
        Series(f"c-s{n % 6 + 1} soft", _("{name}, fed back").format(name=name), fed, down=True)
        for n, (name, (_taken, fed)) in enumerate(parts.items())
        if any(fed)
    ]
    heading = _("Quarter hour") if found.by_slot else _("Day")
    return columns(title, "", heading, found.slices, [*up, *down], show=f.kwh, axis=f.axis)


def spread(
    sums: Iterable[SlotSum], found: Cut, read: Callable[[SlotSum], tuple[int, int]]
) -> tuple[list[int], list[int]]:
    first, second = [0] * len(found.starts), [0] * len(found.starts)
    for each in sums:
        place = found.place(each.time)
        if place >= 0:
            a, b = read(each)
            first[place] += a
            second[place] += b
    return first, second


def add_up(sums: Iterable[SlotSum]) -> list[SlotSum]:
    """Sums of the same slot as one, in order of time."""
    names = [field.name for field in fields(SlotSum) if field.name != "time"]
    found: defaultdict[int, list[int]] = defaultdict(lambda: [0] * len(names))
    for each in sums:
        for n, name in enumerate(names):
            found[each.time][n] += getattr(each, name)
    return [SlotSum(time, *values) for time, values in sorted(found.items())]
