"""A meter's own series against what the sessions explain: the delta, and an over-claim."""

import httpx
from scene import GRID, NORTH, OPERATOR, Scene
from visiting import client, csrf_of, enter

from gridroam.allocation.identity import claims, identity
from gridroam.domain.slots import SLOT

PERIOD = "?period=7-days"


def test_meter__series_given__delta_and_over_claim_are_shown(shop: Scene) -> None:
    start = shop.stage.scenario.start // SLOT * SLOT
    with shop.console.index.snapshot() as now:
        meter = max(now.meters(shop.number(GRID)).items, key=lambda m: len(m.stations))
        slots = [s for s in identity(now, meter.id, start, start + 86_400).slots if s.import_wh]
    assert len(slots) > 20
    # 100 Wh more than explained everywhere, but 50 Wh less in one
    values = [(s.time, s.import_wh + 100, s.export_wh) for s in slots[1:]]
    values.append((slots[0].time, slots[0].import_wh - 50, slots[0].export_wh))
    raw = "start;import_wh;export_wh\n" + "".join(f"{t};{i};{e}\n" for t, i, e in values)
    path = f"/console/meters/0x{meter.id.hex()}"
    files = {"file": ("series.csv", raw.encode(), "text/csv")}
    with client(shop.url) as http:
        enter(http, shop.number(GRID))
        assert "no series given yet" in http.get("/console/allocation" + PERIOD).text
        token = csrf_of(http.get(path).text)
        broken = {"file": ("series.csv", b"start;import_wh\n", "text/csv")}
        answer = http.post(path + "/series", data={"csrf": token}, files=broken)
        assert answer.status_code == 400
        assert "Nothing was imported." in answer.text
        answer = http.post(path + "/series", data={"csrf": token}, files=files)
        assert answer.status_code == 303
        assert "1 quarter hour is over-claimed." in http.get(answer.headers["location"]).text
        html = http.get(path + PERIOD).text
        assert "1 quarter hour is over-claimed." in html
        assert_leads_to_its_sessions(shop, http, meter.id, slots[0].time, html)
        delta = 100 * (len(slots) - 1) - 50
        assert f"{delta / 1000:,.3f}\N{NO-BREAK SPACE}kWh" in html
        assert "-50\N{NO-BREAK SPACE}Wh" in html
        assert "The delta belongs to Station Operator." in html
        assert "1 quarter hour is over-claimed." in http.get("/console/allocation" + PERIOD).text
        rows = http.get(path + "/identity.csv" + PERIOD).text.splitlines()
        assert sum(int(row.endswith(",1")) for row in rows) == 1
    with client(shop.url) as http:
        enter(http, shop.number(OPERATOR))
        assert "over-claimed" in http.get(path + PERIOD).text
        token = csrf_of(http.get(path).text)
        assert http.post(path + "/series", data={"csrf": token}, files=files).status_code == 404
    with client(shop.url) as http:
        enter(http, shop.number(NORTH))
        assert http.get(path).status_code == 404
        assert http.get(f"{path}/slots/{slots[0].time}").status_code == 404


def assert_leads_to_its_sessions(
    shop: Scene, http: httpx.Client, meter: bytes, slot: int, html: str
) -> None:
    path = f"/console/meters/0x{meter.hex()}/slots/{slot}"
    assert f'href="{path}"' in html
    with shop.console.index.snapshot() as now:
        claimed = claims(now, meter, slot)
    page = http.get(path).text
    assert claimed
    for claim in claimed:
        assert f"/console/sessions/{claim.session.station}/{claim.session.session}" in page
    assert f"{-50}\N{NO-BREAK SPACE}Wh" in page
    assert http.get(path.replace(str(slot), str(slot + 1))).status_code == 404


def test_meter__clerk__gives_no_series(shop: Scene) -> None:
    with shop.console.index.snapshot() as now:
        meter = max(now.meters(shop.number(GRID)).items, key=lambda m: len(m.stations))
    path = f"/console/meters/0x{meter.id.hex()}"
    with client(shop.url) as http:
        enter(http, shop.number(GRID), "clerk")
        token = csrf_of(http.get(path).text)
        files = {"file": ("series.csv", b"start;import_wh;export_wh\n", "text/csv")}
        answer = http.post(path + "/series", data={"csrf": token}, files=files)
        assert answer.status_code == 403
