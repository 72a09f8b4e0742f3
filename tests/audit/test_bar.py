"""The bar of `gridroam audit`: on a terminal only, as far as it is, and gone at the end."""

import os
import pty
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from lying_node import Node, node_before
from traffic import Traffic

GRIDROAM = str(Path(sys.executable).with_name("gridroam"))
SHOWN = re.compile(r"block (\d+) of (\d+)")
ERASED = "\x1b[2K"


@pytest.fixture
def node(traffic: Traffic, one_session: list[str]) -> Iterator[Node]:
    with node_before(traffic.anvil.url) as running:
        yield running


@pytest.fixture
def second(traffic: Traffic, one_session: list[str]) -> int:
    """The block of the second batch. Figures from there on make two pages."""
    found: int = traffic.ledger.w3.eth.get_transaction(one_session[1])["blockNumber"]
    return found


@pytest.fixture
def on_terminal(node: Node, traffic: Traffic, second: int) -> Callable[[], tuple[int, str, str]]:
    """Runs the audit with a terminal as stderr: exit code, stdout, and what the terminal got."""

    def run() -> tuple[int, str, str]:
        ours, its = pty.openpty()
        words = [GRIDROAM, "audit", "--rpc", node.url, "--ledger", traffic.ledger.address]
        environment = os.environ | {"TERM": "xterm-256color", "COLUMNS": "100"}
        with subprocess.Popen(
            [*words, "--from-block", str(second)],
            stdout=subprocess.PIPE,
            stderr=its,
            env=environment,
            text=True,
        ) as process:
            os.close(its)
            seen = _all_of(ours)
            assert process.stdout
            return process.wait(), process.stdout.read(), seen

    return run


def _all_of(terminal: int) -> str:
    """Until nobody has its other end open, which Linux tells with an error."""
    parts = []
    with os.fdopen(terminal, "rb", buffering=0) as file:
        try:
            while part := file.read(4_096):
                parts.append(part)
        except OSError:
            pass
    return b"".join(parts).decode()


def slow(second: int) -> Callable[[str, list[Any], Any], Any]:
    """The second page takes long enough for the first to be seen."""

    def lie(method: str, params: list[Any], result: Any) -> Any:
        if method == "eth_getBlockByNumber" and params[0] == hex(second):
            time.sleep(0.7)
        return result

    return lie


def test_bar__on_a_terminal__moves_to_the_end_and_goes(
    node: Node, second: int, on_terminal: Callable[[], tuple[int, str, str]]
) -> None:
    node.lie = slow(second)
    code, out, seen = on_terminal()

    moves = [(int(done), int(total)) for done, total in SHOWN.findall(seen)]
    total = moves[-1][1]
    assert code == 0
    assert out.splitlines()[-1].startswith("OK")
    assert "block" not in out.splitlines()[-1]
    assert 0 < moves[0][0] < total
    assert moves == sorted(moves)
    assert moves[-1] == (total, total)
    assert "6 messages" in seen
    assert ERASED in seen[[m.start() for m in SHOWN.finditer(seen)][-1] :]
    assert seen.count("\x1b[?25l") == seen.count("\x1b[?25h") == 1, "the cursor is back"


def test_bar__audit_fails_midway__goes_and_the_error_stays(
    node: Node, second: int, on_terminal: Callable[[], tuple[int, str, str]]
) -> None:
    def lie(method: str, params: list[Any], result: Any) -> Any:
        slow(second)(method, params, result)
        return [] if method == "eth_getBlockReceipts" and params == [hex(second)] else result

    node.lie = lie
    code, out, seen = on_terminal()

    assert (code, out) == (3, "")
    assert SHOWN.search(seen)
    after = seen.rpartition(ERASED)[2]
    assert f"error: The node does not tell the truth about block {second}" in after
    assert SHOWN.search(after) is None


def test_bar__stderr_is_no_terminal__is_not_there(node: Node, traffic: Traffic) -> None:
    words = [GRIDROAM, "audit", "--rpc", node.url, "--ledger", traffic.ledger.address]
    done = subprocess.run(words, capture_output=True, text=True, check=True)

    assert done.stderr == ""
    assert done.stdout.splitlines()[-1].startswith("OK")
