"""Every text there is has a German one; numbers, money and times as the reader writes them."""

import re
from importlib.resources import files
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from babel import Locale
from babel.messages.extract import extract_from_dir

from gridroam.console.formats import Formats
from gridroam.console.language import catalogue

ROOT = Path(str(files("gridroam.console")))
DE = Formats(Locale.parse("de_DE"), ZoneInfo("Europe/Berlin"))
GB = Formats(Locale.parse("en_GB"), ZoneInfo("UTC"))
METHODS = [("**.py", "python"), ("**/templates/**.html", "jinja2.ext.babel_extract")]
HOLE = re.compile(r"{\w*}|%\(\w+\)[sd]")


ERRORS = ("NotFoundError", "ForbiddenError", "ForgedFormError", "NotSignedInError", "StoreError")
KEYWORDS = {"_": None, "ngettext": (1, 2), **dict.fromkeys(ERRORS, (1, 2))}
FAULTS = {"add": (2,), "_fault": (2,)}
"""What is wrong in a receipt, in the modules that find it."""


def texts() -> list[str | tuple[str, ...]]:
    """Of templates and code; pairs are a singular with its plural, or a message with its hint."""
    options = {"**/templates/**.html": {"newstyle_gettext": "true", "trimmed": "true"}}
    found = extract_from_dir(ROOT, METHODS, options, keywords=KEYWORDS)
    return [message for _, _, message, _, _ in found]


def test_german__every_text__is_there() -> None:
    german = catalogue("de")
    missing = set()
    for text in texts():
        if isinstance(text, tuple) and text[0] in german.plurals:
            continue
        parts = [text] if isinstance(text, str) else text
        missing |= {part for part in parts if part and part not in german.texts}
    assert missing == set()
    assert len(texts()) > 250


def test_german__every_fault_of_a_receipt__is_there() -> None:
    folder = Path(str(files("gridroam.statements")))
    named: set[str] = set()
    for module in ("checks.py", "compare.py", "verify_receipt.py"):
        methods = [(module, "python")]
        found = extract_from_dir(folder, methods, {}, keywords=FAULTS)
        named |= {str(message) for _, _, message, _, _ in found}
    assert len(named) > 40
    assert named - catalogue("de").texts.keys() == set()


def test_german__places_for_values__are_the_same() -> None:
    german = catalogue("de")
    for english, said in german.texts.items():
        assert sorted(HOLE.findall(english)) == sorted(HOLE.findall(said)), english
    for english, forms in german.plurals.items():
        for form in forms:
            assert set(HOLE.findall(form)) <= set(HOLE.findall(english)), english


@pytest.mark.parametrize(
    ("nano", "british", "german"),
    [
        (0, "£".replace("£", "€") + "0.00", "0,00\u00a0€"),
        (1_234_567_890_123, "€1,234.567890123", "1.234,567890123\u00a0€"),
        (-1, "-€0.000000001", "-0,000000001\u00a0€"),
        (50_000_000, "€0.05", "0,05\u00a0€"),
    ],
)
def test_exact_money__nano_euro__loses_nothing(nano: int, british: str, german: str) -> None:
    assert GB.exact_money(nano) == british
    assert DE.exact_money(nano) == german


def test_money__rounds__to_the_even_cent() -> None:
    assert GB.money(5_000_000) == "€0.00"
    assert GB.money(15_000_000) == "€0.02"
    assert GB.money(-4_000_000) == "€0.00"
    assert DE.money(1_234_565_000_000) == "1.234,56\u00a0€"


def test_energy__watt_hours__are_exact() -> None:
    assert DE.kwh(1_234_567) == "1.234,567\u00a0kWh"
    assert GB.kwh(1) == "0.001\u00a0kWh"
    assert GB.energy(12_345_678) == "12.3\u00a0MWh"


def test_days__clocks_change__are_as_long_as_they_are() -> None:
    spring, autumn = DE.day_of(1_774_800_000), DE.day_of(1_792_900_000)
    assert (spring.isoformat(), autumn.isoformat()) == ("2026-03-29", "2026-10-25")
    assert DE.end_of(spring) - DE.start_of(spring) == 23 * 3600
    assert DE.end_of(autumn) - DE.start_of(autumn) == 25 * 3600


def test_time__in_the_readers_zone__and_way() -> None:
    assert DE.time(1_774_800_000) == "29.03.26, 18:00"
    assert GB.time(1_774_800_000) == "29/03/2026, 16:00"
