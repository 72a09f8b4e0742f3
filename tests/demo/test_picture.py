"""The picture is a page of its own, and says the same as the figures."""

import re
from html.parser import HTMLParser

from gridroam.demo.picture import Band, page

MONDAY = 1_794_438_000


class Outline(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.paths, self.words, self.links = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        self.links += [found[name] for name in ("src", "href") if name in found]
        if tag == "path":
            self.paths.append(found)

    def handle_data(self, data):
        self.words.append(data)


def test_page__two_suppliers__both_directions_and_sums():
    bands = [
        Band("North & Co", {MONDAY: 2_500, MONDAY + 900: 1_250}, {MONDAY + 1800: 1_999}),
        Band("South", {MONDAY: 4_000}, {}),
    ]
    text = page(bands, MONDAY, 1, 3600)
    outline = Outline(text)
    words = "".join(outline.words)
    assert "7.7 kWh" in words
    assert "1.9 kWh" in words
    assert "North & Co: took 2,500 Wh" in words
    assert "North & Co: fed back 1,999 Wh" in words
    assert not outline.links
    assert "prefers-color-scheme: dark" in text
    bars = [path["d"] for path in outline.paths if path["class"].startswith("b")]
    assert [d.count("Z") for d in bars] == [1, 1, 1, 0]


def test_page__stacked__heights_are_in_proportion():
    bands = [Band("A", {MONDAY: 1_000}, {MONDAY: 1_000}), Band("B", {MONDAY: 2_000}, {})]
    drawn = [p["d"] for p in Outline(page(bands, MONDAY, 1, 0)).paths if p["class"] != "grid"]
    heights = [
        abs(float(m[1]) - float(m[2]))
        for d in drawn
        if (m := re.match(r"M\d+ ([\d.]+)V([\d.]+)H", d))
    ]
    lower, upper, below = heights
    assert abs(upper - 2 * lower) <= 0.2
    assert abs(below - lower) <= 0.2


def test_page__nothing_happened__is_still_a_page():
    assert "0.0 kWh" in page([Band("A", {}, {})], MONDAY, 7, 0)
