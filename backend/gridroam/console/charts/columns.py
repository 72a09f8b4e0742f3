"""Columns over time: what was taken stands up, what was fed back hangs down, series stacked."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from gridroam.console.charts.drawing import (
    Chart,
    Label,
    Legend,
    Point,
    Scale,
    Shape,
    Tick,
    rectangles,
)

UNIT = 10
"""Of the plot's width, for a column."""
HEIGHT = 240


@dataclass(frozen=True, slots=True)
class Series:
    """`values` are integers of one unit, a column each; `down`: hangs from the line."""

    css: str
    name: str
    values: Sequence[int]
    down: bool = False


@dataclass(frozen=True, slots=True)
class Slice:
    """A column's name, as tooltips say it, and its label below the axis if it has one."""

    name: str
    label: str = ""
    minor: bool = False


def columns(
    title: str,
    summary: str,
    heading: str,
    slices: Sequence[Slice],
    series: Sequence[Series],
    *,
    show: Callable[[int], str],
    axis: Callable[[int], str] | None = None,
    height: int = HEIGHT,
) -> Chart:
    """`show` writes a value down exactly, `axis` shortly."""
    count = len(slices)
    rising = [s for s in series if not s.down]
    hanging = [s for s in series if s.down]
    highest = max((sum(s.values[i] for s in rising) for i in range(count)), default=0)
    lowest = max((sum(s.values[i] for s in hanging) for i in range(count)), default=0)
    scale = Scale.over(highest, lowest, height)
    shapes = [*_stack(rising, scale, count, 1), *_stack(hanging, scale, count, -1)]
    width = max(1, count) * UNIT
    return Chart(
        title=title,
        summary=summary,
        width=width,
        height=height,
        columns=tuple(s.name for s in series),
        heading=heading,
        shapes=tuple(shapes),
        ticks=tuple(Tick(scale.y(v), (axis or show)(abs(v)), zero=v == 0) for v in scale.lines()),
        labels=tuple(_labels(slices)),
        legend=tuple(Legend(s.css, s.name) for s in series),
        points=tuple(
            Point(i * UNIT, UNIT, s.name, tuple(show(each.values[i]) for each in series))
            for i, s in enumerate(slices)
        ),
    )


def _stack(series: Sequence[Series], scale: Scale, count: int, sign: int) -> list[Shape]:
    gap = 1 if count <= 100 else 0
    base = [0] * count
    shapes = []
    for each in series:
        boxes = []
        for i, value in enumerate(each.values):
            there, here = scale.y(sign * (base[i] + value)), scale.y(sign * base[i])
            tall = max(abs(here - there), 1 if value else 0)
            boxes.append((i * UNIT + gap, min(there, here), UNIT - 2 * gap, tall))
            base[i] += value
        shapes.append(Shape(each.css, rectangles(boxes)))
    return shapes


def _labels(slices: Sequence[Slice]) -> list[Label]:
    return [
        Label(f"{(2 * i + 1) * 50 / len(slices):.2f}%", s.label, s.minor)
        for i, s in enumerate(slices)
        if s.label
    ]
