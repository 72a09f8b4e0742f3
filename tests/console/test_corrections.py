"""Disputes and corrections: on the session's page, in the list of what waits for one's consent, and
with the commands that the pages give."""

import html
import json
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from corrected import Corrector
from eth_account import Account
from playwright.sync_api import Browser, Page, expect
from scene import GRID, NORTH, SMALL, SOUTH, Scene, wait_until
from test_pages import LOOKS, serious
from traffic import Traffic
from typer.testing import CliRunner
from visiting import client, enter, shoot, sign_in, visitor

from gridroam.cli import app
from gridroam.domain.session import State
from gridroam.index.queries import Wanted
from gridroam.index.records import Session

COMMAND = '<pre tabindex="0"><code>'


@pytest.fixture(scope="module")
def disputed(shop: Scene) -> Session:
    """By its supplier, which proposes less energy; grid and station operator have to agree."""
    wanted = Wanted(supplier=shop.number(NORTH), state=State.CLOSED)
    with shop.console.index.snapshot() as now:
        found = next(
            s for s in now.sessions(wanted).items if s.import_wh > 2_000 and not s.verified
        )
    corrector = Corrector(Traffic(shop.stage.anvil, shop.stage.ledger, shop.stage.market))
    corrector.dispute(shop.number(NORTH), found.station, found.session)
    present = corrector.present(found.station, found.session)
    change = corrector.change(present, imported=-1_500)
    corrector.propose(shop.number(NORTH), present, change)
    shop.wait_for_index()
    return found


@pytest.fixture(params=LOOKS)
def looked_at(
    shop: Scene, browser: Browser, request: pytest.FixtureRequest
) -> Iterator[tuple[str, Page]]:
    with visitor(browser, shop.url, **LOOKS[request.param]) as page:
        yield request.param, page


def where(session: Session) -> str:
    return f"/console/sessions/{session.station}/{session.session}"


def test_pages__disputed_and_proposed__in_order(
    shop: Scene, disputed: Session, looked_at: tuple[str, Page]
) -> None:
    look, page = looked_at
    sign_in(page, disputed.grid_operator)
    for name, path in (("corrections", "/console/corrections"), ("disputed", where(disputed))):
        page.goto(path)
        shoot(page, f"{name}-{look}")
        assert serious(page, look) == [], name
        width = page.evaluate("document.documentElement.scrollWidth")
        assert width <= page.viewport_size["width"], f"{name} is too wide"  # type: ignore[index]


def test_consent__by_the_command_of_the_page__in_force_when_all_have_agreed(
    shop: Scene, disputed: Session, browser: Browser, tmp_path: Path
) -> None:
    for party in (disputed.grid_operator, disputed.station_operator):
        with visitor(browser, shop.url) as page:
            sign_in(page, party)
            page.goto("/console/corrections")
            link = page.locator(f"a[href='{where(disputed)}#corrections']")
            mine = page.locator("#waiting tr", has=link)
            expect(mine).to_have_count(1)
            expect(mine.locator("td[data-label=Supplier]")).to_contain_text(f"now {NORTH}")
            run(shop, party, consent_to(page, disputed), tmp_path)
            shop.wait_for_index()
            page.goto("/console/corrections")
            expect(mine).to_have_count(0)

    with visitor(browser, shop.url) as page:
        sign_in(page, shop.number(NORTH))
        page.goto(where(disputed))
        shoot(page, "corrected")
        assert serious(page, "light") == []
        versions = page.locator("#corrections table")
        expect(versions.locator("thead th")).to_have_count(3)
        expect(page.locator("#verdict")).to_contain_text("everything is so")
        expect(page.locator(".top")).not_to_contain_text("Disputed")
        acts = page.locator("main section").last
        expect(acts).to_contain_text(f"Correction agreed to {GRID}")
        expect(versions.locator("tfoot tr").last).to_contain_text("Of it ours")
    with shop.console.index.snapshot() as now:
        found = now.session(disputed.station, disputed.session)
    assert found is not None
    assert (found.version, found.import_wh) == (2, disputed.import_wh - 1_500)


def test_consent__signed_away_from_the_chain__by_the_commands_of_the_page(
    shop: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Asked for and submitted by the grid operator; either signs in its own page's words."""
    wanted = Wanted(supplier=shop.number(SOUTH), state=State.CLOSED)
    with shop.console.index.snapshot() as now:
        sessions = now.sessions(wanted, descending=False).items
    found = next(s for s in sessions if s.import_wh > 1_000 and s.version == 1 and not s.verified)
    corrector = Corrector(Traffic(shop.stage.anvil, shop.stage.ledger, shop.stage.market))
    present = corrector.present(found.station, found.session)
    corrector.propose(shop.number(SOUTH), present, corrector.change(present, imported=-300))
    shop.wait_for_index()
    monkeypatch.chdir(tmp_path)
    (tmp_path / "word").write_text("word")
    lines = {p: offline(shop, p, found) for p in (found.grid_operator, found.station_operator)}
    ask, _, submit = lines[found.grid_operator]

    in_shell(ask)
    for party, (_, sign, _) in lines.items():
        Path("keystore.json").write_text(json.dumps(keystore_of(shop, party)))
        in_shell(sign, "--password-file", "word")
    run(shop, found.grid_operator, submit, tmp_path)
    shop.wait_for_index()
    with shop.console.index.snapshot() as now:
        after = now.session(found.station, found.session)
    assert after is not None
    assert (after.version, after.import_wh) == (2, found.import_wh - 300)


def offline(shop: Scene, party: int, session: Session) -> list[str]:
    """The three commands of a session's page, beginning with `ask`."""
    with client(shop.url) as http:
        enter(http, party)
        page = http.get(where(session)).text
    parts = page.split(COMMAND)[1:]
    lines = [html.unescape(part.split("</code>")[0]) for part in parts]
    at = next(n for n, line in enumerate(lines) if " corrections ask " in line)
    return lines[at : at + 3]


def keystore_of(shop: Scene, party: int) -> Any:
    people = shop.stage.market.participants.values()
    key = next(one.key for one in people if one.number == party)
    return Account.encrypt(key, "word", iterations=2)


def in_shell(line: str, *more: str) -> None:
    """With its output in the file that the line names."""
    command, _, file = line.rpartition(" > ")
    program, *words = shlex.split(command)
    assert program == "gridroam"
    result = CliRunner().invoke(app, [*words, *more], standalone_mode=False)
    if result.exception:
        raise result.exception
    Path(file).write_text(result.stdout)


def consent_to(page: Page, session: Session) -> str:
    """The command for it, of all that wait."""
    place = f"--station {session.station} --session {session.session} "
    lines = page.locator("#waiting code").all_inner_texts()
    return next(line for line in lines if " consent " in line and place in line)


def run(shop: Scene, party: int, command: str, folder: Path) -> None:
    """As somebody would who has the company's key."""
    people = shop.stage.market.participants.values()
    key = next(one.key for one in people if one.number == party)
    file = folder / f"{party}.key"
    file.write_text(key.hex())
    program, *words = shlex.split(command)
    assert program == "gridroam"
    words[words.index("account.key")] = str(file)
    result = CliRunner().invoke(app, words, standalone_mode=False)
    if result.exception:
        raise result.exception


@pytest.mark.parametrize("place", [0, 1, 2])
def test_commands__of_a_session__are_what_the_program_takes(
    shop: Scene, place: int, tmp_path: Path
) -> None:
    """To see it, to dispute it, to propose another end: each is run as it stands."""
    wanted = Wanted(supplier=shop.number(NORTH), state=State.CLOSED)
    with shop.console.index.snapshot() as now:
        found = now.sessions(wanted).items
    one = [s for s in found if s.version == 1 and not s.disputed and not s.verified][place]
    with client(shop.url) as http:
        enter(http, shop.number(NORTH))
        html = http.get(where(one)).text
    lines = [part.split("</code>")[0] for part in html.split(COMMAND)[1:]]

    run_any = lines[place].replace("&#39;", "'")
    if "account.key" in run_any:
        run(shop, shop.number(NORTH), run_any, tmp_path)
        wait_until(lambda: _acted_on(shop, one))
    else:
        words = shlex.split(run_any)[1:]
        assert CliRunner().invoke(app, words).exit_code == 0


def _acted_on(shop: Scene, session: Session) -> bool:
    with shop.console.index.snapshot() as now:
        return bool(now.versions(session.station, session.session))


def test_live__disputed_and_corrected_meanwhile__pages_show_it(
    shop: Scene, browser: Browser
) -> None:
    """Of another supplier, so that the other tests keep their sessions."""
    wanted = Wanted(supplier=shop.number(SOUTH), state=State.CLOSED)
    with shop.console.index.snapshot() as now:
        found = next(
            s for s in now.sessions(wanted).items if s.import_wh > 1_000 and not s.verified
        )
    corrector = Corrector(Traffic(shop.stage.anvil, shop.stage.ledger, shop.stage.market))
    present = corrector.present(found.station, found.session)
    change = corrector.change(present, imported=-400)
    with visitor(browser, shop.url) as page:
        sign_in(page, found.grid_operator)
        page.goto("/console/corrections")
        page.wait_for_timeout(300)  # until it listens
        corrector.dispute(shop.number(SOUTH), found.station, found.session)
        expect(page.locator(f"#disputed a[href='{where(found)}']")).to_be_visible()
        corrector.propose(shop.number(SOUTH), present, change)
        expect(page.locator(f"#waiting a[href='{where(found)}#corrections']")).to_be_visible()

        page.goto(where(found))
        expect(page.locator("#marks")).to_contain_text("Disputed")
        page.wait_for_timeout(300)
        for party in (found.grid_operator, found.station_operator):
            corrector.consent(party, present, change)
        expect(page.locator("#corrections thead th")).to_have_count(3)
        expect(page.locator("#marks")).not_to_contain_text("Disputed")
        expect(page.locator("#verdict.good")).to_contain_text("everything is so")


def test_refused_record__on_the_pages_of_the_station_operator__with_why(
    shop: Scene, disputed: Session, browser: Browser
) -> None:
    corrector = Corrector(Traffic(shop.stage.anvil, shop.stage.ledger, shop.stage.market))
    with visitor(browser, shop.url) as page:
        sign_in(page, disputed.station_operator)
        page.goto("/console/corrections")
        page.wait_for_timeout(300)
        corrector.bring(corrector.false_proof(disputed.station, disputed.session))
        row = page.locator("#refused tbody tr", has_text=f"Session {disputed.session}")
        expect(row).to_contain_text("The session stood otherwise by then")
        expect(row).to_contain_text("OnFile")
        shoot(page, "refused-record")
        assert serious(page, "light") == []
        row.locator("a").click()
        expect(page.locator("#corrections")).to_contain_text("brought and refused")


def test_statement__by_the_command_of_its_page__is_complete(
    shop: Scene, supplier: httpx.Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = supplier.get("/console/statements?period=7-days").text
    (line,) = (html.unescape(part.split("</code>")[0]) for part in page.split(COMMAND)[1:])
    program, verb, file, *words = shlex.split(line)
    answer = supplier.get("/console/statements/csv?period=7-days")
    assert f'filename="{file}"' in answer.headers["content-disposition"]
    (tmp_path / file).write_bytes(answer.content)
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(app, [verb, file, *words])

    assert program == "gridroam"
    assert result.exit_code == 0, result.output
    assert "OK: complete, in order and unaltered." in result.output


def test_corrections__of_others__not_shown(shop: Scene, disputed: Session) -> None:
    with client(shop.url) as http:
        enter(http, shop.number(SMALL))
        html = http.get("/console/corrections").text
        answer = http.get(where(disputed))

    assert where(disputed) not in html
    assert answer.status_code == 404


def test_payments__correction__names_session_and_version(shop: Scene, disputed: Session) -> None:
    with client(shop.url) as http:
        enter(http, disputed.grid_operator)
        html = http.get("/console/payments").text

    assert f"{where(disputed)}#corrections" in html
