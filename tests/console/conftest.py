"""The console on an excerpt of the demo's week, once for all tests here; a browser where there is
one. Under CI=true a browser has to be there."""

import os
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser
from scene import NORTH, Scene, scene
from visiting import CHROMIUM, chromium, client, enter


@pytest.fixture(scope="session")
def shop() -> Iterator[Scene]:
    with scene() as made:
        yield made


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """While it runs, so does a loop of asyncio in this thread: other modules have none."""
    if not Path(CHROMIUM).exists():
        if os.environ.get("CI") == "true":
            pytest.fail(f"There is no browser at {CHROMIUM}; under CI one has to be.")
        pytest.skip(f"no browser at {CHROMIUM}: apt-get install chromium, or GRIDROAM_CHROMIUM")
    with chromium() as found:
        yield found


@pytest.fixture
def stranger(shop: Scene) -> Iterator[httpx.Client]:
    """Not signed in."""
    with client(shop.url) as made:
        yield made


@pytest.fixture
def supplier(shop: Scene) -> Iterator[httpx.Client]:
    """An administrator of Supplier North."""
    with client(shop.url) as made:
        enter(made, shop.number(NORTH))
        yield made
