"""The commands, on a real chain."""

import json
from pathlib import Path

import pytest
from meters import record_of
from typer.testing import CliRunner

from gridroam.cli import app
from gridroam.errors import InvalidInputError
from gridroam.evidence.record import Evidence, read

DATA = Path(__file__).parent.parent / "data/ocmf"


@pytest.fixture
def run(player, ledger, tmp_path):
    """Runs a command on the player's station; the account's key is in a file."""

    def run(*words: str, key: bytes | None = None, code: int = 0):
        options = ["--rpc", ledger.w3.provider.endpoint_uri, "--ledger", ledger.address]
        options += ["--station", str(player.station.number), "--session", "1"]
        if key is not None:
            file = tmp_path / "key"
            file.write_text(key.hex())
            options += ["--account", str(file)]
        result = CliRunner().invoke(app, [*words, *options], standalone_mode=False)
        if code == 0 and result.exception:
            raise result.exception
        return json.loads(result.stdout) if result.stdout.strip() else result

    return run


def test_prove__record_in_a_file__verifies(player, ledger, run, tmp_path, anvil):
    player.put_meter_on_file()
    start = ledger.session(player.station.number).import_register
    text = record_of(start, start + 6_000)
    player.session(6_000, Evidence(tuple(read(text))).digest)
    file = tmp_path / "record.ocmf"
    file.write_text(text + "\n")
    asked = run("evidence", "prove", str(file), "--dry-run", key=anvil.keys[2])
    assert (asked["accepted"], asked["sent"], asked["verified"]) == (True, False, False)
    done = run("evidence", "prove", str(file), key=anvil.keys[2])
    assert (done["sent"], done["verified"], done["version"]) == (True, True, 1)


def test_corrections__dispute_propose_consent__version_2(
    player, traffic, ledger, corrections, run, tmp_path
):
    player.session(6_000)
    by_number = {p.number: p for p in traffic.market.participants.values()}
    shown = run("corrections", "show")
    assert (shown["number"], shown["shares"][0]["import_wh"]) == (1, 6_000)
    supplier = by_number[shown["shares"][0]["supplier"]]
    run("corrections", "dispute", "--reason", "1", key=supplier.key)
    assert run("corrections", "show")["standing"]["disputed"]
    registers = [[r["import_wh"], r["export_wh"]] for r in shown["readings"]]
    most = registers[-1][0] - 500
    registers = [[min(imported, most), exported] for imported, exported in registers]
    assignments = [[s["supplier"], s["until"]] for s in shown["shares"]]
    change = tmp_path / "change.json"
    change.write_text(
        json.dumps({"time": traffic.now, "assignments": assignments, "registers": registers})
    )
    proposed = run("corrections", "propose", "--change", str(change), key=supplier.key)
    assert set(proposed["needs"]) == {shown["grid_operator"], shown["station_operator"]}
    (told,) = run("corrections", "show")["proposals"]
    assert (told["content"], told["needs"]) == (proposed["proposed"], proposed["needs"])
    assert told["version"]["readings"][-1]["import_wh"] == most
    for participant in proposed["needs"]:
        key = by_number[participant].key
        standing = run("corrections", "consent", "--change", str(change), key=key)
    assert (standing["version"], standing["content"]) == (2, proposed["proposed"])
    assert run("corrections", "show")["shares"][0]["import_wh"] == 5_500


def test_check__records_of_the_field__says_which_are_good(tmp_path):
    good = CliRunner().invoke(app, ["evidence", "check", str(DATA / "nistP384_0Wh.xml")])
    assert good.exit_code == 0
    first = json.loads(good.stdout.splitlines()[0])
    assert (first["signature"], first["curve"], first["clock"]) == ("good", "secp384r1", ["S"])
    bad = CliRunner().invoke(
        app, ["evidence", "check", str(DATA / "test_ocmf_keba_kcp30_fail.xml")]
    )
    assert bad.exit_code == 1
    assert json.loads(bad.stdout)["signature"] == "bad"


def test_consent__to_what_nobody_proposed__says_what_was(player, traffic, run):
    player.session(6_000)
    shown = run("corrections", "show")
    by_number = {p.number: p for p in traffic.market.participants.values()}
    supplier = by_number[shown["shares"][0]["supplier"]]
    last = shown["readings"][-1]["import_wh"] - 100
    words = "corrections", "propose", "--last-import", str(last)
    proposed = run(*words, key=supplier.key)["proposed"]
    grid = by_number[shown["grid_operator"]]

    with pytest.raises(InvalidInputError, match=proposed):
        run("corrections", "consent", "--content", "0x" + "00" * 32, key=grid.key)
    with pytest.raises(InvalidInputError, match="--last-import"):
        run("corrections", "propose", key=grid.key)
    run("corrections", "consent", "--content", proposed, key=grid.key)
