"""Who may see what: every route there is, as everybody there is."""

import re
from collections.abc import Iterator

import httpx
import pytest
from fastapi.routing import APIRoute
from scene import GRID, NORTH, OPERATOR, SOUTH, Scene
from visiting import client, csrf_of, enter

from gridroam.console.app import PAGES, PREFIX
from gridroam.domain.slots import slot_start
from gridroam.index.queries import Wanted

SECRET = "Harbour fleet no. 7"
PUBLIC = {"/sign-in", "/sign-in/openid/callback", "/receipt"}


def routes(method: str) -> list[str]:
    found = [route for page in PAGES for route in page.router.routes]
    return [r.path for r in found if isinstance(r, APIRoute) and method in r.methods]


@pytest.fixture(scope="module")
def known(shop: Scene) -> Iterator[dict[str, str]]:
    """Supplier North has imported all its customers; what to put for each route's parameters."""
    market = shop.stage.market
    number = shop.number(NORTH)
    mine = [v for v in market.vehicles.values() if v.supplier == number]
    lines = [f"{shop.contract_of(v.id)},0x{v.id.hex()},{SECRET}" for v in mine]
    raw = "\n".join(["contract_id,vehicle,name", *lines]).encode()
    with client(shop.url) as http:
        enter(http, number)
        token = csrf_of(http.get("/console/vehicles").text)
        answer = http.post(
            "/console/vehicles", data={"csrf": token}, files={"file": ("a.csv", raw, "text/csv")}
        )
        assert answer.status_code == 303, answer.text
    with shop.console.index.snapshot() as now:
        (session,) = now.sessions(Wanted(supplier=number), limit=1).items
    return {
        "station": str(session.station),
        "session": str(session.session),
        "number": str(session.station),
        "vehicle": "0x" + session.vehicle.hex(),
        "partner": str(session.grid_operator),
        "path": "nothing",
        "kind": "csv",
        "meter": "0x" + shop.stage.ledger.meter_of(session.station).hex(),
        "slot": str(slot_start(session.opened)),
        "contract": shop.contract_of(session.vehicle),
    }


def filled(path: str, known: dict[str, str]) -> str:
    return PREFIX + re.sub(r"{(\w+)(:\w+)?}", lambda m: known[m[1]], path)


def asked(http: httpx.Client, path: str) -> httpx.Response:
    """Without waiting for what never ends."""
    with http.stream("GET", path) as response:
        if "event-stream" not in response.headers.get("content-type", ""):
            response.read()
        return response


def test_routes__are_many() -> None:
    assert len(routes("GET")) > 20


@pytest.mark.parametrize("path", sorted(set(routes("GET")) - PUBLIC))
def test_get__nobody_signed_in__shows_nothing(
    shop: Scene, known: dict[str, str], stranger: httpx.Client, path: str
) -> None:
    answer = asked(stranger, filled(path, known))
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/console/sign-in")


@pytest.mark.parametrize("path", sorted(set(routes("POST")) - {"/preferences", "/receipt"}))
def test_post__no_session__does_nothing(
    shop: Scene, known: dict[str, str], stranger: httpx.Client, path: str
) -> None:
    fields = {"csrf": "0" * 64, "account": "0x", "signature": "0x", "participant": "1"}
    files = {"file": ("a.csv", b"x", "text/csv")}
    answer = stranger.post(filled(path, known), data=fields, files=files)
    assert answer.status_code in (303, 403)
    assert answer.headers.get("location", "/console/sign-in").startswith("/console/sign-in")


@pytest.fixture(scope="module", params=[SOUTH, GRID, OPERATOR])
def other(shop: Scene, request: pytest.FixtureRequest) -> Iterator[httpx.Client]:
    with client(shop.url) as http:
        enter(http, shop.number(request.param))
        yield http


@pytest.mark.parametrize("path", sorted(set(routes("GET")) - PUBLIC))
def test_get__another_company__never_sees_a_customer(
    known: dict[str, str], other: httpx.Client, path: str
) -> None:
    for query in ("", "?period=month&q=Harbour", "?as=supplier", f"?q={known['vehicle']}"):
        answer = asked(other, filled(path, known) + query)
        if answer.is_stream_consumed:
            assert SECRET not in answer.text
            assert known["contract"] not in answer.text
        assert answer.status_code < 500


def test_get__own_company__does_see_them(shop: Scene, known: dict[str, str]) -> None:
    """Or the tests above would find nothing to hide."""
    with client(shop.url) as http:
        enter(http, shop.number(NORTH), "clerk")
        for path in (
            f"/console/sessions/{known['station']}/{known['session']}",
            f"/console/vehicles/{known['vehicle']}",
            "/console/sessions?period=month",
            "/console/vehicles?q=Harbour",
        ):
            assert SECRET in http.get(path).text, path


def test_session__of_other_suppliers__is_not_found(shop: Scene, known: dict[str, str]) -> None:
    with client(shop.url) as http:
        enter(http, shop.number(SOUTH))
        mine = f"/console/sessions/{known['station']}/{known['session']}"
        assert http.get(mine).status_code == 404
        assert http.get(f"/console/vehicles/{known['vehicle']}").status_code == 404


@pytest.mark.parametrize(
    ("role", "may_log", "may_change"),
    [("clerk", False, False), ("auditor", True, False), ("admin", True, True)],
)
def test_role__may_do__what_is_its(
    shop: Scene, known: dict[str, str], role: str, may_log: bool, may_change: bool
) -> None:
    with client(shop.url) as http:
        enter(http, shop.number(NORTH), role)
        assert http.get("/console/access-log").status_code == (200 if may_log else 403)
        assert http.get("/console/vehicles.csv").status_code == (200 if may_change else 403)
        token = csrf_of(http.get("/console/vehicles").text)
        raw = f"contract_id,vehicle,name\nDE-GRM-C99999999,0x{'77' * 32},Probe\n".encode()
        files = {"file": ("a.csv", raw, "text/csv")}
        answer = http.post("/console/vehicles", data={"csrf": token}, files=files)
        assert answer.status_code == (303 if may_change else 403)
        gone = http.post(f"/console/vehicles/0x{'77' * 32}/forget", data={"csrf": token})
        assert gone.status_code == (303 if may_change else 403)


def test_access_log__says_who_saw_whom__and_nothing_of_others(
    shop: Scene, known: dict[str, str]
) -> None:
    with client(shop.url) as http:
        enter(http, shop.number(NORTH), "auditor")
        http.get(f"/console/vehicles/{known['vehicle']}")
        html = http.get("/console/access-log").text
        assert "devnet:auditor" in html
        assert "Saw a customer" in html
        assert known["vehicle"] in html
        assert SECRET not in html
    with client(shop.url) as http:
        enter(http, shop.number(SOUTH))
        assert known["vehicle"] not in http.get("/console/access-log").text


def test_headers__every_page__is_strict(supplier: httpx.Client, known: dict[str, str]) -> None:
    for path in ("/console", "/console/sign-in", "/console/nothing", "/console/sessions.csv"):
        headers = supplier.get(path).headers
        assert headers["cache-control"] == "no-store"
        assert headers["x-content-type-options"] == "nosniff"
        if "text/html" in headers.get("content-type", ""):
            policy = headers["content-security-policy"]
            assert "default-src 'none'" in policy
            assert "unsafe" not in policy
            assert "http" not in policy


def test_pages__ask_for_nothing__from_other_hosts(supplier: httpx.Client) -> None:
    for path in ("/console", "/console/sessions", "/console/energy", "/console/sign-in"):
        html = supplier.get(path, follow_redirects=True).text
        assert not re.findall(r'(?:src|href|action)="(?:https?:)?//', html)
        assert " style=" not in html
        assert not re.findall(r"<script(?![^>]* src=)", html)
