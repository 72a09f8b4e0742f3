"""The meter's word on the pages: from a session, from its meter, and what was refused."""

import html
from hashlib import sha256

import httpx
import pytest
from playwright.sync_api import Browser
from scene import GRID, NORTH, OPERATOR, Scene
from test_pages import LOOKS, serious
from visiting import client, enter, shoot, sign_in, visitor

from gridroam.domain.slots import slot_start
from gridroam.index.queries import Wanted
from gridroam.index.records import Act, Session, Story

PERIOD = "?period=7-days"


@pytest.fixture
def operator(shop: Scene):
    with client(shop.url) as made:
        enter(made, shop.number(OPERATOR))
        yield made


def corrected(shop: Scene) -> Story:
    """By its meter."""
    with shop.console.index.snapshot() as now:
        (found,) = now.sessions(Wanted(verified=True, corrected=True)).items
        told = now.story(found.station, found.session)
    assert told is not None
    return told


def refused(shop: Scene) -> tuple[Session, Act]:
    with shop.console.index.snapshot() as now:
        acts = [a for a in now.acts("ProofRefused").items if a.details["reason"] != "OnFile"]
        found = now.session(acts[0].station, acts[0].session)
    assert found is not None
    return found, acts[0]


def where(session: Session) -> str:
    return f"/console/sessions/{session.station}/{session.session}"


def brought(page: str) -> list[bytes]:
    """The records that a page shows, byte for byte."""
    parts = page.split('<pre tabindex="0"><code>')[1:]
    shown = (html.unescape(part.split("</code>")[0]) for part in parts)
    return [text.encode() for text in shown if text.startswith("OCMF|")]


def test_session__corrected_by_its_meter__shows_the_record_that_did_it(
    shop: Scene, supplier: httpx.Client
) -> None:
    told = corrected(shop)
    with client(shop.url) as http:
        enter(http, told.session.supplier)
        page = http.get(where(told.session)).text

    assert told.versions[-1].by_meter
    assert told.versions[-1].draft.import_wh > told.versions[0].draft.import_wh
    assert "signs its records" in page
    (record,) = brought(page)
    assert sha256(record).digest() == told.session.evidence
    assert "Propose other registers" not in page


def test_session__forged_record__is_refused_and_still_as_reported(
    shop: Scene, operator: httpx.Client
) -> None:
    session, act = refused(shop)
    page = operator.get(where(session)).text

    assert act.details["reason"] == "BadMeterSignature"
    assert not session.verified
    assert session.version == 1
    assert "brought and refused" in page
    (record,) = brought(page)
    assert sha256(record).digest() == session.evidence


def test_meter__that_signs__lists_its_sessions_and_what_came_of_their_records(
    shop: Scene, operator: httpx.Client
) -> None:
    told, (forged, _) = corrected(shop), refused(shop)
    with shop.console.index.snapshot() as now:
        station = now.station(forged.station)
    assert station is not None
    path = f"/console/meters/0x{told.station.meter.hex()}"
    assert path in operator.get(where(told.session)).text
    page = operator.get(path + PERIOD).text
    other = operator.get(f"/console/meters/0x{station.meter.hex()}" + PERIOD).text

    assert "key on file" in page
    assert told.station.evse_id in page.split("</h1>")[1].split("</div>")[0]
    records = page.split('id="records"')[1]
    assert records.count("Confirmed by the meter") == 4
    assert where(told.session) in records
    assert "The signature is not the meter&#39;s." in other


@pytest.mark.parametrize("look", ["dark-german", "phone"])
def test_pages__of_a_meter_and_its_slot__are_in_order(
    shop: Scene, browser: Browser, look: str
) -> None:
    told = corrected(shop)
    meter = f"/console/meters/0x{told.station.meter.hex()}"
    with visitor(browser, shop.url, **LOOKS[look]) as page:
        sign_in(page, shop.number(OPERATOR))
        for name, path in (
            ("meter-that-signs", meter + PERIOD),
            ("slot", f"{meter}/slots/{slot_start(told.session.opened)}"),
            ("record", where(told.session)),
        ):
            page.goto(path)
            if name == "record":
                page.locator("#corrections details").first.evaluate("it => it.open = true")
            shoot(page, f"{name}-{look}")
            assert serious(page, look) == [], name
            width = page.evaluate("document.documentElement.scrollWidth")
            assert width <= page.viewport_size["width"], name  # type: ignore[index]


def test_meter__without_a_key__says_so(shop: Scene, operator: httpx.Client) -> None:
    with shop.console.index.snapshot() as now:
        site = max(now.meters(shop.number(GRID)).items, key=lambda m: len(m.stations))
    page = operator.get(f"/console/meters/0x{site.id.hex()}" + PERIOD).text

    assert "no key on file" in page
    assert "No session of this period names a record of this meter." in page


def test_sessions__with_a_record__are_filtered(shop: Scene, operator: httpx.Client) -> None:
    with shop.console.index.snapshot() as now:
        found = now.sessions(Wanted(with_record=True), limit=1_000).items
    page = operator.get("/console/sessions" + PERIOD + "&with_record=1").text

    assert len(found) == 11
    assert all(session.evidence for session in found)
    assert "11 sessions" in page
    assert page.count("Confirmed by the meter</span>") == 10
    with client(shop.url) as http:
        enter(http, shop.number(NORTH))
        mine = http.get("/console/sessions" + PERIOD + "&with_record=1").text
    assert "11 sessions" not in mine
