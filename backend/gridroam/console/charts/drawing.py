"""What a chart consists of, in the units of its plot. The template `chart.html` writes it down.

The plot's height is in pixels; its width is in units of the chart's own, stretched to the page.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

TOP = 10
"""Pixels above the plot."""


@dataclass(frozen=True, slots=True)
class Shape:
    """A path with its classes."""

    css: str
    path: str


@dataclass(frozen=True, slots=True)
class Tick:
    """A line across the plot at `y`, with what it stands for."""

    y: int
    text: str
    zero: bool = False


@dataclass(frozen=True, slots=True)
class Label:
    """Below the plot, at so many percent of its width; `minor` goes where there is little room."""

    x: str
    text: str
    minor: bool = False
    anchor: str = "middle"


@dataclass(frozen=True, slots=True)
class Legend:
    css: str
    text: str


@dataclass(frozen=True, slots=True)
class Point:
    """Something to point at, between two places of the plot; texts as they are shown."""

    x: int
    width: int
    name: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Chart:
    title: str
    summary: str
    width: int
    height: int
    columns: tuple[str, ...]
    """Headings of `Point.values`."""
    heading: str
    """Of `Point.name`."""
    bands: tuple[Shape, ...] = ()
    shapes: tuple[Shape, ...] = ()
    ticks: tuple[Tick, ...] = ()
    labels: tuple[Label, ...] = ()
    legend: tuple[Legend, ...] = ()
    points: tuple[Point, ...] = ()
    top: int = field(default=TOP)

    @property
    def full_height(self) -> int:
        return self.top + self.height + 24

    @property
    def is_empty(self) -> bool:
        return not any(shape.path for shape in self.shapes)

    @property
    def data(self) -> str:
        """For the script that shows values where one points."""
        points = [[p.x, p.width, p.name, *p.values] for p in self.points]
        return json.dumps({"width": self.width, "columns": self.columns, "points": points})


def rectangles(boxes: Iterable[tuple[int, int, int, int]]) -> str:
    """A path around boxes (x, y, width, height)."""
    return "".join(f"M{x} {y}h{w}v{h}h-{w}z" for x, y, w, h in boxes if w and h)


def polyline(points: Sequence[tuple[int, int]]) -> str:
    return "M" + "L".join(f"{x} {y}" for x, y in points) if points else ""


@dataclass(frozen=True, slots=True)
class Scale:
    """From values (integers) to pixels, with zero on a line of its own and room both ways."""

    up: int
    down: int
    height: int
    step: int

    @classmethod
    def over(cls, highest: int, lowest: int, height: int, lines: int = 4) -> "Scale":
        """`highest` upwards and `lowest` downwards, both at least 0."""
        step = _round_step(-(-(highest + lowest) // lines) or 1)
        up, down = (-(-value // step) * step for value in (highest, lowest))
        return cls(up or (0 if down else step), down, height, step)

    def y(self, value: int) -> int:
        return (self.up - value) * self.height // (self.up + self.down)

    def lines(self) -> range:
        return range(-self.down, self.up + 1, self.step)


def _round_step(least: int) -> int:
    """1, 2 or 5 times a power of ten, not below `least`."""
    power = 1
    while True:
        for digit in (1, 2, 5):
            if digit * power >= least:
                return digit * power
        power *= 10
