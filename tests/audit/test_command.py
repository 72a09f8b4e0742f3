"""`gridroam audit` as people and machines use it."""

import json

import pytest
from traffic import Traffic
from typer.testing import CliRunner, Result

from gridroam.cli import app


def audit(*options: str) -> Result:
    return CliRunner().invoke(app, ["audit", *options])


@pytest.fixture
def at(traffic: Traffic) -> list[str]:
    return ["--rpc", traffic.anvil.url, "--ledger", traffic.ledger.address]


def test_audit__honest_chain__exits_with_0(one_session: list[str], at: list[str]) -> None:
    result = audit(*at)
    assert result.exit_code == 0
    assert result.stdout.splitlines()[-1].startswith("OK")
    assert "Rejected  3: 1 malformed, 1 report-used, 1 session-used" in result.stdout


def test_audit__json__is_one_object(
    one_session: list[str], at: list[str], traffic: Traffic
) -> None:
    report = json.loads(audit(*at, "--json").stdout)
    assert report["verdict"] == "ok"
    assert report["counts"]["messages"] == 6
    supplier = next(iter(traffic.market.vehicles.values())).supplier
    station = traffic.market.stations["DE*GRM*E0002"]
    assert report["energy"] == [
        {
            "supplier": supplier,
            "grid_operator": station.grid_operator,
            "import_wh": 3_500,
            "export_wh": 100,
        }
    ]
    service = next(p for p in report["pairs"] if p["payee"] == station.operator)
    assert service["amount"] == 3_500 * 50_000 + 350_000_000


def test_audit__changed_total__exits_with_1_and_names_it(at: list[str], traffic: Traffic) -> None:
    total = traffic.ledger.total_balance()
    word = f"0x{total:064x}"
    for slot in range(16):
        where = traffic.ledger.address, hex(slot)
        if traffic.ledger.w3.eth.get_storage_at(*where).to_0x_hex() == word:
            traffic.anvil.rpc("anvil_setStorageAt", *where[:1], where[1], f"0x{total + 1:064x}")
    result = audit(*at)
    assert result.exit_code == 1
    assert f"total balance: derived {total}, on chain {total + 1}" in result.stdout
    assert result.stdout.splitlines()[-1] == "DIFFERS: 1 difference."


@pytest.mark.parametrize(
    ("rpc", "ledger", "says"),
    [
        ("http://127.0.0.1:9", "0x" + "1" * 40, "does not answer"),
        ("", "0x" + "1" * 40, "no contract"),
        ("", "nowhere", "no address"),
    ],
)
def test_audit__nothing_to_audit__exits_with_2_and_one_line(
    traffic: Traffic, rpc: str, ledger: str, says: str
) -> None:
    result = audit("--rpc", rpc or traffic.anvil.url, "--ledger", ledger)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert says in result.stderr
    assert len(result.stderr.splitlines()) == 1
