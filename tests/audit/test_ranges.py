"""`gridroam audit` over a range, by blocks or by times: what is told, and which ranges there are
not."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from lying_node import node_before
from traffic import Traffic
from typer.testing import CliRunner, Result

from gridroam.chain import abi
from gridroam.cli import app

SETTLED = next(e for e in abi.events("Ledger") if e.name == "ReportSettled").topic.hex()


def audit(*options: object) -> Result:
    return CliRunner().invoke(app, ["audit", *map(str, options)])


def told(*options: object) -> dict[str, Any]:
    result = audit(*options, "--json")
    found: dict[str, Any] = json.loads(result.stdout)
    return found


@pytest.fixture
def at(traffic: Traffic) -> list[str]:
    return ["--rpc", traffic.anvil.url, "--ledger", traffic.ledger.address]


@pytest.fixture
def blocks(traffic: Traffic, one_session: list[str]) -> list[int]:
    """Of the opening, the first report, and the last one."""
    eth = traffic.ledger.w3.eth
    return [eth.get_transaction(tx)["blockNumber"] for tx in one_session]


@pytest.fixture
def lied_to(traffic: Traffic, blocks: list[int]) -> Iterator[list[str]]:
    """By a node that is trusted, of the energy in both reports."""

    def lie(method: str, _: list[Any], result: Any) -> Any:
        for log in result if method == "eth_getLogs" else ():
            if log["topics"][0] == f"0x{SETTLED}":
                digits = list(log["data"])
                digits[2 + 4 * 64 - 1] = "1" if digits[2 + 4 * 64 - 1] == "0" else "0"
                log["data"] = "".join(digits)
        return result

    with node_before(traffic.anvil.url, lie=lie) as node:
        yield ["--rpc", node.url, "--ledger", traffic.ledger.address, "--trust-node"]


def shown(time: int) -> str:
    return datetime.fromtimestamp(time, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def test_range__by_time__is_that_by_block(
    traffic: Traffic, at: list[str], blocks: list[int]
) -> None:
    """What happened at the time itself belongs to what begins then."""
    eth = traffic.ledger.w3.eth
    times = [eth.get_block(number)["timestamp"] for number in range(eth.block_number + 1)]
    since, end = (times.index(times[number]) for number in blocks[1:])
    by_block = told(*at, "--from-block", since, "--to-block", end - 1)
    by_time = told(*at, "--from", shown(times[since]), "--to", times[end])

    assert by_time == by_block
    assert (by_block["since"], by_block["last_block"]["number"]) == (since, end - 1)
    assert (by_block["counts"]["batches"], by_block["counts"]["messages"]) == (1, 4)


def test_range__in_words__says_from_where_to_where(at: list[str], blocks: list[int]) -> None:
    said = audit(*at, "--from-block", blocks[1], "--to-block", blocks[2] - 1).stdout

    assert f" to {blocks[2] - 1}, figures from {blocks[1]} on" in said
    assert "Energy    3,000 Wh from the grid, 100 Wh into it" in said


def test_range__differences__are_those_up_to_its_end(lied_to: list[str], blocks: list[int]) -> None:
    whole = told(*lied_to)["differences"]
    until = told(*lied_to, "--to-block", blocks[1])["differences"]
    since = told(*lied_to, "--from-block", blocks[1] + 1)["differences"]

    assert {one["block"] for one in whole} == {blocks[1], blocks[2]}
    assert until == [one for one in whole if one["block"] == blocks[1]]
    assert since == whole, "the figures rest on what was before"


def test_range__differences_before_it__are_told_apart(
    lied_to: list[str], blocks: list[int]
) -> None:
    result = audit(*lied_to, "--from-block", blocks[1] + 1)
    before = sum(line.startswith(f"block {blocks[1]},") for line in result.stdout.splitlines())

    assert result.exit_code == 1
    assert before
    assert f", of those above {before} before block {blocks[1] + 1}." in result.stdout
    assert "before block" not in audit(*lied_to).stdout


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--from-block", 4_000], "newest"),
        (["--from", "2100-01-01"], "newest"),
        (["--to-block", 4_000], "newest"),
        (["--to", "2001-01-01"], "no block before"),
        (["--from-block", 5, "--to-block", 3], "no blocks from 5 to 3"),
        (["--from-block", 5, "--from", "2020-01-01"], "by blocks or by times"),
        (["--to-block", 5, "--to", "2020-01-01"], "by blocks or by times"),
        (["--to-block", 0], "later block"),
        (["--from", "yesterday"], "Write 2026-11-01"),
    ],
)
def test_range__that_there_is_not__one_line_says_why(
    at: list[str], blocks: list[int], options: list[object], says: str
) -> None:
    result = audit(*at, *options)

    assert (result.exit_code, result.stdout) == (2, "")
    assert len(result.stderr.splitlines()) == 1
    assert says in result.stderr
