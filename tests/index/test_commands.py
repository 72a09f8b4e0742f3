"""What people type: index, statement, receipt, verify."""

import json
from pathlib import Path

import pytest
from lively import Lively
from sqlalchemy import text
from typer.testing import CliRunner

from gridroam.cli import app
from gridroam.index.queries import Index
from gridroam.settings import ConsoleSettings


def run(*words: object) -> tuple[int, str]:
    result = CliRunner().invoke(app, [str(word) for word in words], catch_exceptions=True)
    return result.exit_code, result.output + str(result.exception or "")


@pytest.fixture
def home(lively: Lively, tmp_path: Path) -> list[object]:
    """Where node, ledger and index are."""
    return [
        *("--rpc", lively.anvil.url, "--ledger", lively.ledger.address),
        *("--db", tmp_path / "index.db"),
    ]


def test_index__follow_status_rebuild__at_the_head(
    lively: Lively, home: list[object], tmp_path: Path
) -> None:
    head = lively.ledger.w3.eth.block_number
    assert "Nothing" in run("index", "status", "--db", tmp_path / "index.db")[1]

    assert run("index", "follow", *home, "--once") == (
        0,
        f"Indexed up to block {head} of {head}.\n",
    )
    assert f"Block {head} of {head}" in run("index", "status", "--db", tmp_path / "index.db")[1]
    assert run("index", "rebuild", *home)[0] == 0


def test_index__check__says_what_contradicts_the_chain(
    lively: Lively, home: list[object], tmp_path: Path
) -> None:
    run("index", "follow", *home, "--once")
    assert run("index", "check", *home) == (0, "Every account and journal is as on chain.\n")

    index = Index.open(str(tmp_path / "index.db"))
    with index.store.write() as connection:
        connection.execute(text("UPDATE chain_participants SET balance = '7' WHERE number = 2"))
    index.close()

    code, said = run("index", "check", *home)
    assert code == 1
    assert "account of participant 2" in said
    assert "participant 1" not in said


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_statement_and_verify__ok_and_then_not(
    lively: Lively, home: list[object], tmp_path: Path, suffix: str
) -> None:
    file = tmp_path / f"statement.{suffix}"
    assert run("statement", file, "--participant", 1, "--until", "2080-01-01", *home)[0] == 0

    code, said = run("verify", file, "--rpc", lively.anvil.url)
    assert code == 0, said
    assert "OK: complete, in order and unaltered." in said

    if suffix == "csv":
        lines = file.read_text().splitlines(keepends=True)
        file.write_text("".join(lines[:9] + lines[10:]))
        code, said = run("verify", file, "--rpc", lively.anvil.url)
        assert code == 1
        assert "line 10" in said


def test_receipt_and_verify__real_and_then_not(
    lively: Lively, home: list[object], tmp_path: Path
) -> None:
    file, station = tmp_path / "receipt.json", lively.market.stations["both-ways"].number
    written = run("statement", file, "--station", station, "--session", 1, *home)
    assert written[0] == 0, written

    verdict = run("verify", file, "--rpc", lively.anvil.url, "--json")
    assert json.loads(verdict[1])["verdict"] == "ok"

    row = json.loads(file.read_text())
    row["lines"][2]["export_wh"] += 1
    file.write_text(json.dumps(row))
    code, said = run("verify", file, "--rpc", lively.anvil.url)
    assert code == 1
    assert "WRONG" in said


def test_verify__no_statement__not_done(lively: Lively, tmp_path: Path) -> None:
    nothing = tmp_path / "nothing.csv"
    nothing.write_text("a,b\n1,2\n")

    assert run("verify", nothing, "--rpc", lively.anvil.url)[0] == 2
    assert run("verify", tmp_path / "none.csv", "--rpc", lively.anvil.url)[0] == 2
    broken = tmp_path / "receipt.json"
    broken.write_bytes(b'{"format": "gridroam-receipt-1", \xff')
    assert run("verify", broken, "--rpc", lively.anvil.url)[0] == 2


@pytest.mark.parametrize(
    ("meter", "content", "says"),
    [
        ("0x12", b"", "is no meter"),
        ("0x" + "11" * 32, b"\xff", "cannot be read"),
        ("0x" + "11" * 32, None, "cannot be read"),
    ],
)
def test_meter_series__what_is_none__says_what_to_give(
    tmp_path: Path, meter: str, content: bytes | None, says: str
) -> None:
    file = tmp_path / "series.csv"
    if content is not None:
        file.write_bytes(content)

    assert says in run("index", "meter-series", meter, file, "--db", tmp_path / "index.db")[1]


def test_settings__of_the_console__environment_wins_over_its_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "console.toml"
    file.write_text("port = 1\nidle_minutes = 2\n")
    monkeypatch.setenv("GRIDROAM_CONSOLE_PORT", "3")
    monkeypatch.setenv("GRIDROAM_IDLE_MINUTES", "4")

    settings = ConsoleSettings.read(file)

    assert (settings.port, settings.idle_minutes) == (3, 2)
