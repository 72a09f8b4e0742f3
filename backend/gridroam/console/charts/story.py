"""One session over its time: registers as they grew, and quarter hours with their price levels."""

from collections.abc import Callable, Sequence

from gridroam.console.charts.drawing import (
    Chart,
    Label,
    Legend,
    Point,
    Scale,
    Shape,
    Tick,
    polyline,
    rectangles,
)
from gridroam.console.formats import Formats
from gridroam.index.records import Reading, Slot

_HEIGHT = 190
_LEVELS = {1: "band-high", 2: "band-low"}
_LABELS = 6
Text = Callable[[str], str]


def registers(readings: Sequence[Reading], f: Formats, _: Text) -> Chart | None:
    """Both registers since the session began; `None` with fewer than two readings."""
    if len(readings) < 2 or readings[-1].time == readings[0].time:
        return None
    first, last = readings[0], readings[-1]
    taken = [r.import_register - first.import_register for r in readings]
    fed = [r.export_register - first.export_register for r in readings]
    scale = Scale.over(max(taken), max(fed) if fed[-1] else 0, _HEIGHT)
    places = [r.time - first.time for r in readings]
    shapes = [
        Shape(
            "line c-taken", polyline([(x, scale.y(v)) for x, v in zip(places, taken, strict=True)])
        )
    ]
    legend = [Legend("c-taken", _("Taken from the grid"))]
    if fed[-1]:
        down = [(x, scale.y(-v)) for x, v in zip(places, fed, strict=True)]
        shapes.append(Shape("line c-fed", polyline(down)))
        legend.append(Legend("c-fed", _("Fed back")))
    return Chart(
        title=_("Registers over time"),
        summary=_("What the meter counted since the session began, as the station signed it."),
        width=last.time - first.time,
        height=_HEIGHT,
        heading=_("Time"),
        columns=(_("Import register"), _("Export register"), _("Taken"), _("Fed back")),
        shapes=tuple(shapes),
        ticks=tuple(Tick(scale.y(v), f.axis(abs(v)), zero=v == 0) for v in scale.lines()),
        labels=_times(first.time, last.time, f),
        legend=tuple(legend),
        points=tuple(
            Point(
                max(0, place - 1),
                2,
                f.exact_time(r.time),
                (f.wh(r.import_register), f.wh(r.export_register), f.kwh(t), f.kwh(e)),
            )
            for place, r, t, e in zip(places, readings, taken, fed, strict=True)
        ),
    )


def slots(found: Sequence[Slot], f: Formats, _: Text, levels: Sequence[str]) -> Chart | None:
    """Energy by quarter hour; behind it the grid operator's price level. `levels` are its names."""
    if not found:
        return None
    start, end = found[0].time, found[-1].time + found[-1].seconds
    highest, lowest = max(s.import_wh for s in found), max(s.export_wh for s in found)
    scale = Scale.over(highest, lowest, _HEIGHT)
    up, down, bands, points = [], [], [], []
    for s in found:
        x, gap = s.time - start, min(30, s.seconds // 10)
        up.append(
            (x + gap, scale.y(s.import_wh), s.seconds - 2 * gap, scale.y(0) - scale.y(s.import_wh))
        )
        down.append((x + gap, scale.y(0), s.seconds - 2 * gap, scale.y(-s.export_wh) - scale.y(0)))
        if s.grid_level in _LEVELS:
            bands.append(Shape(_LEVELS[s.grid_level], rectangles([(x, 0, s.seconds, _HEIGHT)])))
        values = (
            levels[s.grid_level],
            f.wh(s.import_wh),
            f.wh(s.export_wh),
            f.price(s.import_price + s.operator_price),
            f.exact_money(s.network_charge + s.service_fee - s.feed_in),
        )
        points.append(
            Point(
                x, s.seconds, f"{f.time(s.time)} \N{EN DASH} {f.clock(s.time + s.seconds)}", values
            )
        )
    legend = [Legend("c-taken", _("Taken from the grid"))]
    if lowest:
        legend.append(Legend("c-fed", _("Fed back")))
    present = {s.grid_level for s in found}
    legend += [
        Legend(css, _("{level} network price").format(level=levels[level]))
        for level, css in ((1, "c-high"), (2, "c-low"))
        if level in present
    ]
    return Chart(
        title=_("Quarter hours"),
        summary=_("Energy in each quarter hour, with the price level that holds in it."),
        width=end - start,
        height=_HEIGHT,
        heading=_("Quarter hour"),
        columns=(_("Network price level"), _("Taken"), _("Fed back"), _("Price"), _("Cost")),
        bands=tuple(bands),
        shapes=(Shape("c-taken", rectangles(up)), Shape("c-fed", rectangles(down))),
        ticks=tuple(Tick(scale.y(v), f.axis(abs(v)), zero=v == 0) for v in scale.lines()),
        labels=_times(start, end, f),
        legend=tuple(legend),
        points=tuple(points),
    )


def _times(start: int, end: int, f: Formats) -> tuple[Label, ...]:
    span = end - start
    step = next(
        (s for s in (60, 300, 900, 1800, 3600, 7200, 14400, 21600, 43200) if span // s <= _LABELS),
        86400,
    )
    first = -(-start // step) * step
    labels = []
    for number, time in enumerate(range(first, end + 1, step)):
        percent = (time - start) * 100 / span
        if 2 <= percent <= 98:
            labels.append(Label(f"{percent:.2f}%", f.clock(time), minor=bool(number % 2)))
    return tuple(labels) or (Label("0%", f.clock(start), anchor="start"),)
