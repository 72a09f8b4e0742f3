"""Signing in by OpenID Connect, against a provider that is a process of its own."""

import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from playwright.sync_api import Browser, expect
from scene import NORTH, Scene, listening_socket, served, settings_for, wait_until
from visiting import client, csrf_of, visitor

from gridroam.access.oidc import Provider, read_rules
from gridroam.access.problems import SignInError
from gridroam.console.context import Console
from gridroam.errors import BrokenFileError, InvalidInputError

CLIENT, SECRET = "gridroam console", "secret: with/odd characters"


@pytest.fixture(scope="module")
def issuer() -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    script = str(Path(__file__).with_name("provider.py"))
    # the client's name and secret reach the provider form-encoded (RFC 6749, section 2.3.1)
    arguments = [str(port), CLIENT, SECRET]
    process = subprocess.Popen([sys.executable, script, *arguments])
    try:
        address = f"http://127.0.0.1:{port}"
        wait_until(lambda: _answers(address))
        yield address
    finally:
        process.terminate()
        process.wait(10)


def _answers(address: str) -> bool:
    try:
        return httpx.get(address + "/keys").status_code == 200
    except httpx.HTTPError:
        return False


@pytest.fixture(scope="module")
def url(shop: Scene, issuer: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A console on the same index, for clerks of a company with that provider."""
    folder = tmp_path_factory.mktemp("openid")
    rules = [
        {
            "claim": "groups",
            "value": "north-clerks",
            "participant": shop.number(NORTH),
            "role": "clerk",
        },
        {
            "claim": "email",
            "value": "auditor@example.org",
            "participant": shop.number(NORTH),
            "role": "auditor",
        },
    ]
    (folder / "rules.json").write_text(json.dumps(rules))
    chosen = settings_for(
        folder,
        shop.stage.scenario.market.participants,
        devnet_sign_in=False,
        key_file=shop.folder / "console.key",
        oidc_issuer=issuer,
        oidc_client_id=CLIENT,
        oidc_client_secret=SECRET,
        oidc_rules=folder / "rules.json",
    )
    listening = listening_socket()
    address = f"http://127.0.0.1:{listening.getsockname()[1]}"
    console = Console.open(
        chosen, shop.stage.anvil.url, shop.stage.ledger, shop.console.index, address
    )
    with served(console, listening):
        yield address
    console.close()


def test_browser__clerk__comes_back_signed_in(browser: Browser, url: str) -> None:
    with visitor(browser, url) as page:
        page.goto("/console/sessions")
        page.click("form[action='/console/sign-in/openid'] button")
        expect(page.locator("h1")).to_have_text("Who are you?")
        page.click("a:text-is('clerk')")
        expect(page.locator("h1")).to_have_text("Overview")
        assert NORTH in page.inner_text(".company")
        assert "Clerk" in page.inner_text(".foot")
        page.goto("/console/access-log")
        expect(page.locator("h1")).to_have_text("This did not work")


def answer_of(http: httpx.Client, who: str) -> str:
    """The address to which the provider sends the browser back."""
    token = csrf_of(http.get("/console/sign-in").text)
    there = http.post("/console/sign-in/openid", data={"csrf": token}).headers["location"]
    query = urlsplit(there)
    approve = f"{query.scheme}://{query.netloc}/approve?{query.query}&who={who}"
    return httpx.get(approve).headers["location"]


def test_callback__auditor__is_let_in_as_such(url: str) -> None:
    with client(url) as http:
        before = None
        answer = http.get(answer_of(http, "auditor"))
        assert answer.status_code == 303
        assert http.cookies["gr_session"] != before
        html = http.get("/console/access-log").text
        assert "openid" in html
        assert "id-of-auditor" in html


@pytest.mark.parametrize(
    ("who", "says"),
    [
        ("nobody", "for which company"),
        ("impostor", "for which company"),
        ("namesake", "for which company"),
        ("refused", "did not sign you in"),
        ("replayed", "does not hold"),
        ("elsewhere", "does not hold"),
        ("late", "does not hold"),
        ("stranger", "does not hold"),
        ("forged", "does not hold"),
        ("unsigned", "does not hold"),
    ],
)
def test_callback__of_whom_it_must_not_take__says_why(url: str, who: str, says: str) -> None:
    with client(url) as http:
        answer = http.get(answer_of(http, who))
        assert answer.status_code == 400
        assert says in answer.text
        assert http.get("/console").status_code == 303


def test_callback__anothers_answer__is_refused(url: str) -> None:
    """An attacker's code in the victim's browser would sign the victim in as the attacker."""
    with client(url) as attacker, client(url) as victim:
        theirs = answer_of(attacker, "clerk")
        answer_of(victim, "clerk")
        assert victim.get(theirs).status_code == 400
        assert victim.get("/console").status_code == 303


def test_callback__twice__is_refused(url: str) -> None:
    with client(url) as http:
        answer = answer_of(http, "clerk")
        assert http.get(answer).status_code == 303
        again = http.get(answer)
        assert again.status_code == 400


def test_request__carries_a_challenge__and_no_secret(url: str) -> None:
    with client(url) as http:
        token = csrf_of(http.get("/console/sign-in").text)
        there = http.post("/console/sign-in/openid", data={"csrf": token}).headers["location"]
    asked = parse_qs(urlsplit(there).query)
    assert asked["code_challenge_method"] == ["S256"]
    assert len(asked["code_challenge"][0]) == 43
    assert SECRET not in there


def test_devnet_button__without_the_flag__is_not_there(shop: Scene, url: str) -> None:
    with client(url) as http:
        html = http.get("/console/sign-in").text
        assert "/console/sign-in/devnet" not in html
        form = {"csrf": csrf_of(html), "participant": str(shop.number(NORTH))}
        assert http.post("/console/sign-in/devnet", data=form).status_code == 403


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        '[{"claim": "a"}]',
        '[{"claim": "a", "value": "b", "participant": 1, "role": "king"}]',
    ],
)
def test_rules__broken__say_so(tmp_path: Path, text: str) -> None:
    path = tmp_path / "rules.json"
    path.write_text(text)
    with pytest.raises(BrokenFileError):
        read_rules(path)


def test_provider__not_by_tls__is_refused(shop: Scene, tmp_path: Path) -> None:
    (tmp_path / "rules.json").write_text("[]")
    chosen = settings_for(
        tmp_path,
        devnet_sign_in=False,
        key_file=None,
        oidc_issuer="http://sign-in.example",
        oidc_client_id=CLIENT,
        oidc_rules=tmp_path / "rules.json",
    )
    with pytest.raises(InvalidInputError, match="https"):
        Console.open(chosen, shop.url, shop.stage.ledger, shop.console.index, shop.url)


def test_provider__says_to_send_the_secret_in_the_clear__is_refused(issuer: str) -> None:
    provider = Provider(issuer, CLIENT, SECRET, "http://127.0.0.1/callback", ())
    for unsafe in ({}, {"token_endpoint": "http://id.example/token"}):
        with pytest.raises(SignInError, match="token_endpoint"):
            provider._endpoint(unsafe, "token_endpoint")
    provider.close()
