"""Somebody who visits the console: with a browser, or quickly with plain requests."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright

CHROMIUM = os.environ.get("GRIDROAM_CHROMIUM") or "/usr/bin/chromium"
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
SHOTS = Path(__file__).parents[2] / ".local" / "screenshots"
_TOKEN = re.compile(r'name="csrf" value="([0-9a-f]{64})"')


def csrf_of(html: str) -> str:
    found = _TOKEN.search(html)
    assert found, html[:2000]
    return found[1]


@contextmanager
def client(url: str, language: str = "en-GB") -> Iterator[httpx.Client]:
    headers = {"accept-language": language}
    with httpx.Client(base_url=url, headers=headers, timeout=30) as made:
        yield made


def enter(http: httpx.Client, participant: int, role: str = "admin") -> None:
    """By the devnet's button."""
    token = csrf_of(http.get("/console/sign-in").text)
    form = {"csrf": token, "participant": participant, "role": role}
    answer = http.post("/console/sign-in/devnet", data=form)
    assert answer.status_code == 303, answer.text


@contextmanager
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def visitor(browser: Browser, url: str, **options: Any) -> Iterator[Page]:
    """Fails if the page ever breaks its own policy, or a script fails."""
    chosen = {"viewport": {"width": 1360, "height": 900}, "locale": "en-GB", **options}
    context = browser.new_context(base_url=url, timezone_id="Europe/Berlin", **chosen)
    page = context.new_page()
    troubles: list[str] = []

    def hear(message: ConsoleMessage) -> None:
        # that the page itself is refused or missing is no trouble
        is_page = message.location.get("url") == page.url and "Failed to load" in message.text
        if message.type == "error" and not is_page:
            troubles.append(message.text)

    page.on("console", hear)
    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.set_default_timeout(10_000)
    try:
        yield page
        assert troubles == []
    finally:
        context.close()


def sign_in(page: Page, participant: int, role: str = "admin") -> None:
    page.goto("/console/sign-in")
    page.select_option("select[name=participant]", str(participant))
    page.select_option("select[name=role]", role)
    page.locator("form[action='/console/sign-in/devnet'] button").click()
    page.wait_for_url("**/console")


def shoot(page: Page, name: str) -> None:
    """Kept to be looked at."""
    SHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=str(SHOTS / f"{name}.png"), full_page=True)
