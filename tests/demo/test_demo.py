"""The demo as users start it: the figures hold, and nothing is left behind."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gridroam.cli import app

COMMAND = [sys.executable, "-c", "from gridroam.cli import main; main()", "demo", "--days", "1"]
OF_THE_FIRST_DAY = 2_068_982


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """One day, played once."""
    out = tmp_path_factory.mktemp("demo")
    done = subprocess.run(
        [*COMMAND, "--json", "--out", str(out)],
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout), out


@pytest.mark.chain
def test_demo__energy_on_chain__is_the_files(demo):
    energy = demo[0]["energy"]
    assert energy["import_wh"] == energy["file_wh_of_cleared"] == OF_THE_FIRST_DAY
    assert energy["export_wh"] > 10_000
    assert sum(row["import_wh"] for row in energy["allocation"]) == OF_THE_FIRST_DAY


@pytest.mark.chain
def test_demo__change_of_supplier_on_the_road__either_has_its_part(demo):
    (switch,) = demo[0]["switches"]
    assert (switch["from"], switch["to"]) == ("Supplier North", "Supplier South")
    assert min(switch["import_wh_before"], switch["import_wh_after"]) > 500


@pytest.mark.chain
def test_demo__session_of_another_supplier__is_corrected_by_consent_of_all(demo):
    happened = {row["what"]: row["outcome"] for row in demo[0]["incidents"]}
    assert happened["a session billed to the wrong supplier"] == "disputed, proposed, corrected"
    assert happened["another one, without consent yet"] == "disputed, proposed"


@pytest.mark.chain
def test_demo__records_of_meters__confirm_one_corrects_the_forged_one_is_refused(demo):
    figures, out = demo
    evidence = figures["evidence"]
    assert evidence["named"] == 11
    assert (evidence["confirmed"], evidence["corrected"]) == (10, 1)
    assert evidence["refused"] == {"BadMeterSignature": 1}
    checked = [CliRunner().invoke(app, ["evidence", "check", str(f)]) for f in records(out)]
    assert sorted(result.exit_code for result in checked) == [0] * 10 + [1]
    curves = {json.loads(result.stdout)["curve"] for result in checked}
    assert curves == {"secp256k1", "secp256r1"}


def records(out):
    return sorted((out / "records").iterdir())


@pytest.mark.chain
def test_demo__every_opening__was_cleared_or_rejected(demo):
    sessions = demo[0]["sessions"]
    assert sessions["offered"] == sessions["cleared"] + sum(sessions["rejected"].values())
    assert sessions["cleared"] == 73 + 1
    assert set(sessions["rejected"]) == {
        "bad-signature",
        "bad-vehicle-signature",
        "no-supplier",
        "register-backwards",
        "session-used",
        "supplier-not-covered",
    }
    assert sessions["expired"] == 1
    assert demo[0]["reports"]["rejected"] == {"power-exceeded": 1, "session-not-open": 1}


@pytest.mark.chain
def test_demo__money__sums_up_to_what_was_paid_in(demo):
    accounts = demo[0]["accounts"]
    assert accounts["sum_nano_eur"] == accounts["deposited_nano_eur"] > 0
    assert sum(accounts["balances_nano_eur"].values()) == accounts["sum_nano_eur"]
    assert demo[0]["vault"]["balance_matches"]
    posted = {(row["payer"], row["payee"]): row["amount_nano_eur"] for row in demo[0]["postings"]}
    assert posted["Supplier North", "Grid South"] > 0
    assert posted["Grid South", "Supplier North"] > 0
    assert not any(row["open_nano_eur"] for row in demo[0]["postings"])


@pytest.mark.chain
def test_demo__audit__agrees(demo):
    assert demo[0]["audit"] == {"verdict": "ok", "differences": []}
    assert demo[0]["ok"]
    assert demo[0]["gas"]["per_session"] > 100_000


@pytest.mark.chain
def test_demo__picture_and_figures__are_in_the_folder(demo):
    figures, out = demo
    assert json.loads((out / "week.json").read_text()) == figures
    assert "2,068.9 kWh" in (out / "week.html").read_text()


@pytest.mark.chain
def test_demo__asked_to_stop__stops_chain_and_relay(tmp_path):
    running = subprocess.Popen(
        [*COMMAND, "--json", "--out", str(tmp_path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        children = wait_for_children(running, 2)
        running.send_signal(signal.SIGTERM)
        printed, said = running.communicate(timeout=60)
    finally:
        running.kill()
    assert running.returncode == 130
    assert (printed, said) == ("", "stopped\n")
    deadline = time.monotonic() + 5
    while any(map(is_running, children)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(map(is_running, children))


def wait_for_children(process, count):
    path = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        children = [int(number) for number in path.read_text().split()]
        if len(children) >= count:
            return children
        time.sleep(0.1)
    raise AssertionError("chain and relay do not start")


def is_running(pid):
    """One that ended and was not yet waited for does not run."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_demo__folder_that_cannot_be__says_so_in_one_line(tmp_path):
    path = tmp_path / "file"
    path.touch()
    done = subprocess.run(
        [*COMMAND, "--out", str(path)], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 1
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1
