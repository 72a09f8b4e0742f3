"""ABI and creation code of the contracts, as scripts/artifacts compiled them into the package."""

import json
from functools import cache
from importlib.resources import files
from typing import Any, cast

NAMES = (
    "AccessManager",
    "Corrections",
    "Ledger",
    "MeterReader",
    "Registry",
    "TestEuro",
    "Vault",
)


def abi(name: str) -> list[dict[str, Any]]:
    """The ABI as Solidity's JSON. Shared: do not change it."""
    return cast("list[dict[str, Any]]", _artifact(name)["abi"])


def bytecode(name: str) -> str:
    """The creation code, 0x and hexadecimal, without constructor arguments."""
    return cast("str", _artifact(name)["bytecode"])


@cache
def _artifact(name: str) -> dict[str, Any]:
    text = (files("gridroam.chain") / "artifacts" / f"{name}.json").read_text(encoding="utf-8")
    return cast("dict[str, Any]", json.loads(text))
