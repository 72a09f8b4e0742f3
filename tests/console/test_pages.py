"""Every page in a real browser: in order, accessible, within its own strict policy, in both
languages, light and dark, on a desk and on a phone. Screenshots are kept in .local/screenshots."""

import html
import re
from collections.abc import Iterator

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect
from scene import GRID, NORTH, OPERATOR, SMALL, Scene
from test_language import GB
from visiting import client, enter, shoot, sign_in, visitor

from gridroam.domain.participants import Role
from gridroam.domain.session import State
from gridroam.index.queries import Refused, Wanted

PERIOD = "?period=7-days"
BY_COMPANY = {
    NORTH: [
        ("overview", "/console" + PERIOD),
        ("sessions", "/console/sessions" + PERIOD),
        ("story", "/console/sessions/{station}/{session}"),
        ("energy", "/console/energy" + PERIOD),
        ("energy-month", "/console/energy?period=month"),
        ("payments", "/console/payments" + PERIOD),
        ("partner", "/console/payments/{partner}" + PERIOD),
        ("rejections", "/console/rejections" + PERIOD),
        ("vehicles", "/console/vehicles"),
        ("vehicle", "/console/vehicles/{vehicle}"),
        ("statements", "/console/statements" + PERIOD),
        ("receipt", "/console/receipt"),
        ("access-log", "/console/access-log"),
        ("missing", "/console/nothing-here"),
    ],
    GRID: [
        ("grid-overview", "/console" + PERIOD),
        ("allocation", "/console/allocation" + PERIOD),
        ("grid-sessions", "/console/sessions" + PERIOD),
        ("grid-stations", "/console/stations"),
        ("meter", "/console/meters/{meter}" + PERIOD),
        ("grid-payments", "/console/payments" + PERIOD),
    ],
    OPERATOR: [
        ("operator-overview", "/console" + PERIOD),
        ("stations", "/console/stations"),
        ("station", "/console/stations/{station}"),
        ("fees", "/console/payments" + PERIOD),
    ],
}
IN_EVERY_LOOK = {"overview", "sessions", "story", "payments", "vehicles", "allocation", "meter"}
"""The others are made of the same parts."""
LOOKS = {
    "light": {"color_scheme": "light"},
    "dark-german": {"color_scheme": "dark", "locale": "de-DE"},
    "phone": {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True},
}


@pytest.fixture(scope="module")
def places(shop: Scene) -> dict[str, str]:
    """A session of Supplier North that fed back."""
    with shop.console.index.snapshot() as now:
        wanted = Wanted(supplier=shop.number(NORTH), fed_back=True, grid_operator=shop.number(GRID))
        (session,) = now.sessions(wanted, limit=1).items
    return {
        "station": str(session.station),
        "session": str(session.session),
        "vehicle": "0x" + session.vehicle.hex(),
        "partner": str(session.grid_operator),
        "meter": "0x" + shop.stage.ledger.meter_of(session.station).hex(),
    }


@pytest.fixture(params=LOOKS)
def look(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=BY_COMPANY)
def visit(
    shop: Scene, browser: Browser, request: pytest.FixtureRequest, look: str
) -> Iterator[tuple[str, Page]]:
    with visitor(browser, shop.url, **LOOKS[look]) as page:
        sign_in(page, shop.number(request.param))
        yield request.param, page


RULES = {
    "light": {"runOnly": ["wcag2a", "wcag2aa", "wcag21aa", "best-practice"]},
    "dark-german": {"runOnly": {"type": "rule", "values": ["color-contrast", "html-has-lang"]}},
    "phone": {
        "runOnly": {"type": "rule", "values": ["target-size", "scrollable-region-focusable"]}
    },
}
"""The structure is the same in all looks; what differs is checked in each."""


def serious(page: Page, look: str) -> list[str]:
    # a chart's table has hundreds of equal rows: looked at once, with the story's
    spared = [] if "/sessions/" in page.url else [[".chart-table .scroll"]]
    found = Axe().run(page, {"exclude": spared}, RULES[look]).response["violations"]
    return [
        f"{v['id']} ({v['impact']}): {v['nodes'][0]['html'][:200]}"
        for v in found
        if v["impact"] in ("serious", "critical")
    ]


def test_pages__of_every_company__are_in_order(
    visit: tuple[str, Page], look: str, places: dict[str, str]
) -> None:
    company, page = visit
    for name, path in BY_COMPANY[company]:
        if look != "light" and name not in IN_EVERY_LOOK:
            continue
        page.goto(path.format(**places))
        shoot(page, f"{name}-{look}")
        expect(page.locator("h1")).to_have_count(1)
        assert serious(page, look) == [], name
        width = page.evaluate("document.documentElement.scrollWidth")
        assert width <= page.viewport_size["width"], f"{name} is too wide"  # type: ignore[index]
        if name == "missing":
            page.goto("/console")


def test_sign_in__page__is_in_order(shop: Scene, browser: Browser, look: str) -> None:
    with visitor(browser, shop.url, **LOOKS[look]) as page:
        page.goto("/console/sign-in")
        shoot(page, f"sign-in-{look}")
        assert serious(page, look) == []


# -------------------------------------------------------------------------------------- in use


@pytest.fixture
def page(shop: Scene, browser: Browser) -> Iterator[Page]:
    with visitor(browser, shop.url) as made:
        sign_in(made, shop.number(NORTH))
        yield made


def test_filters__of_sessions__each_narrows(page: Page, shop: Scene) -> None:
    rows = page.locator("#list tbody tr")
    page.goto("/console/sessions" + PERIOD)
    everything = rows.count()
    assert everything > 10
    page.check("input[name=fed_back]")
    page.wait_for_url("**fed_back=1**")
    assert 0 < rows.count() < everything
    page.uncheck("input[name=fed_back]")
    page.wait_for_url(lambda url: "fed_back" not in url)
    page.select_option("select[name=partner]", str(shop.number("Grid North")))
    page.wait_for_url("**partner=**")
    north = rows.count()
    assert 0 < north < everything
    assert all("Caen" in text for text in rows.all_inner_texts())
    page.fill("input[name=q]", "Caen-03")
    page.click("form.filters button")
    assert 0 < rows.count() < north
    page.goto("/console/sessions?state=open&period=7-days")
    assert rows.count() < north
    assert all("Open" in text for text in rows.locator("td:nth-child(4)").all_inner_texts())
    page.goto("/console/sessions?disputed=1&period=7-days")
    assert 0 < rows.count() < north
    assert all("Disputed" in text for text in rows.all_inner_texts())
    page.goto("/console/sessions?period=last-month")
    expect(page.locator("#list .empty")).to_be_visible()


@pytest.mark.parametrize("order", ["Taken", "Fed back", "Cost"])
def test_sorting__sessions__both_ways(page: Page, order: str) -> None:
    page.goto("/console/sessions" + PERIOD)
    cell = {"Taken": 5, "Fed back": 6, "Cost": 7}[order]

    def values() -> list[float]:
        texts = page.locator(f"#list tbody tr > :nth-child({cell})").all_inner_texts()
        plain = ["".join(c for c in text if c in "-.0123456789") for text in texts]
        return [float(text) if text else 0.0 for text in plain]

    page.click(f"thead th a:text-is('{order}')")
    page.wait_for_url("**sort=**")
    assert values() == sorted(values(), reverse=True)
    page.click(f"thead th a:text-is('{order}')")
    page.wait_for_url("**order=asc**")
    assert values() == sorted(values())


def test_table__payments__is_sorted_here(page: Page) -> None:
    page.goto("/console/payments" + PERIOD)
    names = page.locator("#partners tbody th a")
    page.click("#partners thead button:text-is('Company')")
    down = names.all_inner_texts()
    page.click("#partners thead button:text-is('Company')")
    assert names.all_inner_texts() == sorted(down) == down[::-1]


def test_chart__keyboard__says_each_value(page: Page) -> None:
    page.goto("/console/energy" + PERIOD)
    chart = page.locator(".chart").first
    chart.locator("svg.drawing").focus()
    page.keyboard.press("Home")
    first = chart.locator(".tip").inner_text()
    page.keyboard.press("ArrowRight")
    assert chart.locator(".tip").inner_text() != first
    assert "kWh" in chart.locator("[data-said]").inner_text()
    page.keyboard.press("Escape")
    expect(chart.locator(".tip")).to_be_hidden()
    chart.locator("svg.drawing").hover(position={"x": 400, "y": 50})
    expect(chart.locator(".tip")).to_be_visible()


def test_live__opening__shows_within_a_block(page: Page, shop: Scene) -> None:
    page.goto("/console" + PERIOD)
    page.wait_for_timeout(300)  # until it listens
    station, session = shop.open_somewhere(NORTH)
    link = page.locator(f"#open a[href='/console/sessions/{station}/{session}']")
    expect(link).to_be_visible(timeout=5_000)
    shoot(page, "live")
    page.click(f"#open a[href='/console/sessions/{station}/{session}']")
    expect(page.locator("#verdict.good")).to_be_visible()


def test_preferences__language_theme_and_zone__stay(page: Page) -> None:
    page.goto("/console/sessions")
    page.click("summary:text-is('Settings')")
    page.select_option("select[name=language]", "de")
    expect(page.locator("h1")).to_have_text("Vorgänge")
    page.click("summary:text-is('Einstellungen')")
    page.select_option("select[name=theme]", "dark")
    page.wait_for_selector("html[data-theme=dark]")
    page.click("summary:text-is('Einstellungen')")
    with page.expect_navigation():
        page.select_option("select[name=zone]", "UTC")
    page.goto("/console/energy")
    expect(page.locator("h1")).to_have_text("Viertelstunden")
    assert "(UTC)" in page.locator(".top").inner_text()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(19, 21, 23)"


def test_no_script__everything_still_works(shop: Scene, browser: Browser) -> None:
    with visitor(browser, shop.url, java_script_enabled=False) as page:
        sign_in(page, shop.number(NORTH))
        page.goto("/console/sessions" + PERIOD)
        page.check("input[name=fed_back]")
        page.click("form.filters button")
        assert page.locator("#list tbody tr").count() > 0
        page.locator("#list tbody th a").first.click()
        expect(page.locator("#verdict.good")).to_be_visible()


# ------------------------------------------------------------------------ questions of a newcomer


def test_newcomer__what_did_we_pay_whom_and_why(page: Page, shop: Scene) -> None:
    page.click("nav >> text=Payments")
    page.click(".chips >> text=Last 7 days")
    row = page.locator("#partners tbody tr", has_text="Grid South")
    paid = row.locator("td").first.inner_text()
    assert paid.startswith("€")
    row.locator("a").click()
    expect(page.locator("h1")).to_have_text("Grid South")
    assert "8.50\N{NO-BREAK SPACE}ct/kWh" in page.inner_text("main")
    page.click("text=The sessions behind it")
    assert page.locator("#list tbody tr").count() > 0


def test_newcomer__why_was_this_car_refused(shop: Scene, browser: Browser) -> None:
    with visitor(browser, shop.url) as page:
        sign_in(page, shop.number(SMALL))
        page.click("nav >> text=Rejected")
        page.click(".chips >> text=Last 7 days")
        row = page.locator("#list tbody tr", has_text="Not enough cover")
        assert "Pay in" in row.inner_text()
        row.locator("td a[href*='/sessions/']").click()
        assert "Why it was refused: Not enough cover" in page.inner_text("main")
        expect(page.locator("#verdict.good")).to_be_visible()
        shoot(page, "refused")


def test_newcomer__which_sessions_of_this_vehicle_fed_back(
    page: Page, places: dict[str, str]
) -> None:
    page.goto(f"/console/vehicles/{places['vehicle']}")
    page.click("text=Only those that fed back")
    rows = page.locator("#list tbody tr")
    assert rows.count() > 0
    assert all("kWh" in text for text in rows.locator("td:nth-child(6)").all_inner_texts())
    page.click("text=All sessions")
    expect(page.locator("#list header")).to_contain_text("Only those that fed back")


def test_csv__longer_than_a_page__has_all(shop: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    number = shop.number(OPERATOR)
    with shop.console.index.snapshot() as now:
        counts = {
            "sessions": len(now.sessions(Wanted(station_operator=number), limit=1_000).items),
            "rejections": len(now.rejections(Refused(station_operator=number), limit=1_000).items),
            "stations": len(now.stations(operator=number).items),
        }
    with client(shop.url) as http:
        enter(http, number)
        for name, count in counts.items():
            monkeypatch.setattr(f"gridroam.console.pages.{name}._EXPORT_PAGE", count // 2)
            lines = http.get(f"/console/{name}.csv?period=month").text.splitlines()
            assert len(lines) == 1 + count > 2, name


@pytest.mark.parametrize(("company", "shown"), [(NORTH, False), (GRID, True), (OPERATOR, True)])
def test_payments__own_prices__of_who_has_some(shop: Scene, company: str, shown: bool) -> None:
    with client(shop.url) as http:
        enter(http, shop.number(company))
        html = http.get("/console/payments" + PERIOD).text

    assert ("At which prices" in html) == shown


@pytest.mark.parametrize("company", [NORTH, GRID, OPERATOR])
def test_payments__fees_per_session__only_what_the_company_pays_or_gets(
    shop: Scene, company: str
) -> None:
    """By the tariffs of the sessions that ended: the two operators' fees are never mixed."""
    number = shop.number(company)
    with client(shop.url) as http, shop.console.index.snapshot() as now:
        enter(http, number)
        html = http.get("/console/payments" + PERIOD).text
        ended = now.sessions(Wanted(state=State.CLOSED), limit=1_000).items

        def fee(participant: int, role: Role) -> int:
            tariff = now.tariff(participant, role, 1)
            assert tariff is not None
            return tariff.fee

        due = sum(
            fee(s.grid_operator, Role.GRID_OPERATOR) * (number in {s.supplier, s.grid_operator})
            + fee(s.station_operator, Role.STATION_OPERATOR)
            * (number in {s.supplier, s.station_operator})
            for s in ended
        )
    assert due
    row = re.search(r"fees per session</th><td[^>]*>([^<]+)<", html)
    assert row is not None
    assert row[1] == GB.exact_money(due)


def test_payments__of_another_month__no_movements_of_this_one(shop: Scene) -> None:
    with client(shop.url) as http:
        enter(http, shop.number(NORTH))
        assert "Paid in" in http.get("/console/payments?period=month").text
        html = http.get("/console/payments?period=last-month").text

    assert "Paid in" not in html
    assert "There were none." in html


def test_overview__nothing_in_the_period__leads_to_the_last_day_with_sessions(
    shop: Scene, supplier: httpx.Client
) -> None:
    empty = supplier.get("/console?from=2025-01-01&to=2025-01-01").text
    (link,) = re.findall(r'<a href="([^"]+)">The last session with energy began on ', empty)
    day = supplier.get(html.unescape(link)).text

    assert "Nothing in this period." in empty
    assert "Nothing in this period." not in day
    assert "The last session with energy" not in day
