"""A picture of the week: energy per quarter hour and supplier, what was taken above the axis and
what was fed back below it. One HTML page with the drawing in it, that needs nothing else."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from html import escape
from importlib.resources import files
from itertools import pairwise
from string import Template

from gridroam.domain.slots import SLOT, SLOTS_PER_DAY

_LEFT, _TOP, _STEP, _HEIGHT, _FOOT = 52, 14, 2, 430, 44


@dataclass(frozen=True, slots=True)
class Band:
    """A supplier's Wh by the start of the quarter hour (UTC seconds)."""

    name: str
    taken: Mapping[int, int]
    fed: Mapping[int, int]


def page(bands: Sequence[Band], start: int, days: int, offset: int) -> str:
    """The page. `start` is the first midnight in UTC seconds, of a clock `offset` s before UTC."""
    chart = _Chart(bands, start, days, offset)
    template = Template((files("gridroam.demo") / "picture.html").read_text(encoding="utf-8"))
    first, last = chart.clock(start), chart.clock(start + (days - 1) * 86_400)
    taken, fed = (sum(sum(side(band).values()) for band in bands) for side in (_taken, _fed))
    return template.substitute(
        width=chart.right + 12,
        height=_TOP + _HEIGHT + _FOOT,
        dates=f"{first:%-d %B} to {last:%-d %B %Y}" if days > 1 else f"{first:%-d %B %Y}",
        taken=kwh(taken),
        fed=kwh(fed),
        drawing="\n".join(chart.drawing()),
        legend="\n".join(_legend(bands)),
    )


def kwh(watt_hours: int) -> str:
    """`8,186.1 kWh`, cut and not rounded."""
    return f"{watt_hours // 1000:,}.{watt_hours % 1000 // 100} kWh"


class _Chart:
    def __init__(self, bands: Sequence[Band], start: int, days: int, offset: int) -> None:
        self.bands, self.start, self.days, self.offset = bands, start, days, offset
        self.slots = range(start, start + days * 86_400, SLOT)
        self.right = _LEFT + _STEP * len(self.slots)
        self.tick = _tick(self._highest(_taken) + self._highest(_fed))
        self.up = -(-self._highest(_taken) // self.tick) * self.tick or self.tick
        self.down = -(-self._highest(_fed) // self.tick) * self.tick

    def clock(self, time: int) -> datetime:
        return datetime.fromtimestamp(time, UTC) + timedelta(seconds=self.offset)

    def drawing(self) -> Iterator[str]:
        yield from self._days()
        yield from self._ticks()
        for side, direction in ((_taken, 1), (_fed, -1)):
            base = dict.fromkeys(self.slots, 0)
            for number, band in enumerate(self.bands):
                top = {slot: base[slot] + side(band).get(slot, 0) for slot in self.slots}
                yield f'<path class="b{number}" d="{self._area(base, top, direction)}"/>'
                base = top
        yield f'<path class="axis" d="M{_LEFT} {self.y(0)}H{self.right}"/>'
        yield from self._hovers()

    def x(self, slot: int) -> int:
        return _LEFT + (slot - self.start) // SLOT * _STEP

    def y(self, watt_hours: int) -> float:
        return round(_TOP + (self.up - watt_hours) * _HEIGHT / (self.up + self.down), 1)

    def _highest(self, side: Callable[[Band], Mapping[int, int]]) -> int:
        return max(sum(side(band).get(slot, 0) for band in self.bands) for slot in self.slots)

    def _area(self, base: Mapping[int, int], top: Mapping[int, int], direction: int) -> str:
        """One closed outline for each run of quarter hours with energy."""
        parts: list[str] = []
        for run in _runs([slot for slot in self.slots if top[slot] > base[slot]]):
            there = "".join(f"V{self.y(direction * top[s])}H{self.x(s) + _STEP}" for s in run)
            back = "".join(f"V{self.y(direction * base[s])}H{self.x(s)}" for s in reversed(run))
            parts.append(f"M{self.x(run[0])} {self.y(direction * base[run[0]])}{there}{back}Z")
        return "".join(parts)

    def _days(self) -> Iterator[str]:
        width = SLOTS_PER_DAY * _STEP
        for day in range(self.days):
            midnight = self.start + day * 86_400
            x, label = self.x(midnight), self.clock(midnight)
            if day % 2:
                yield f'<rect class="day" x="{x}" y="{_TOP}" width="{width}" height="{_HEIGHT}"/>'
            for hour in (6, 12, 18):
                place = x + hour * 4 * _STEP
                yield f'<text class="hour" x="{place}" y="{_TOP + _HEIGHT + 15}">{hour:02}</text>'
            middle, below = x + width // 2, _TOP + _HEIGHT + 35
            yield f'<text class="name" x="{middle}" y="{below}">{label:%A %-d}</text>'

    def _ticks(self) -> Iterator[str]:
        for value in range(-self.down, self.up + 1, self.tick):
            y = self.y(value)
            yield f'<path class="grid" d="M{_LEFT} {y}H{self.right}"/>'
            yield f'<text class="tick" x="{_LEFT - 8}" y="{y + 4}">{abs(value) // 1000}</text>'

    def _hovers(self) -> Iterator[str]:
        for slot in self.slots:
            lines = [
                f"{band.name}: {word} {side(band)[slot]:,} Wh"
                for side, word in ((_taken, "took"), (_fed, "fed back"))
                for band in self.bands
                if side(band).get(slot)
            ]
            if lines:
                when = f"{self.clock(slot):%A %H:%M} to {self.clock(slot + SLOT):%H:%M}"
                text = escape("\n".join([when, *lines]))
                yield (
                    f'<rect class="hover" x="{self.x(slot)}" y="{_TOP}" width="{_STEP}" '
                    f'height="{_HEIGHT}"><title>{text}</title></rect>'
                )


def _taken(band: Band) -> Mapping[int, int]:
    return band.taken


def _fed(band: Band) -> Mapping[int, int]:
    return band.fed


def _legend(bands: Sequence[Band]) -> Iterator[str]:
    for number, band in enumerate(bands):
        taken, fed = kwh(sum(band.taken.values())), kwh(sum(band.fed.values()))
        yield (
            f'<tr><th><i class="b{number}"></i>{escape(band.name)}</th>'
            f"<td>{taken}</td><td>{fed}</td></tr>"
        )


def _runs(slots: Sequence[int]) -> Iterator[list[int]]:
    run: list[int] = []
    for slot, following in pairwise([*slots, -1]):
        run.append(slot)
        if following != slot + SLOT:
            yield run
            run = []


def _tick(span: int) -> int:
    """Of 1, 2, 5, 10, ... kWh the first that gives at most eight lines."""
    tick = 1_000
    while span > 8 * tick:
        tick = tick * 5 // 2 if str(tick)[0] == "2" else tick * 2
    return tick
