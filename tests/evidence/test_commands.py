"""The commands, on a real chain."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from eth_account import Account
from meters import record_of
from typer.testing import CliRunner

from gridroam.cli import app
from gridroam.devnet.members import MarketParticipant
from gridroam.errors import BrokenFileError, InvalidInputError
from gridroam.evidence.record import Evidence, read

CONTRACT = "0x" + "cc" * 20
AGREES_TO_ALL = "0x631626ba7e60e01b60005260206000f3"
"""Returns 0x1626ba7e, the magic value of ERC-1271, whatever is asked: push4, shl 224, mstore,
return."""
DATA = Path(__file__).parent.parent / "data/ocmf"


@pytest.fixture
def run(player, ledger, tmp_path):
    """Runs a command on the player's station; the account's key is in a file."""

    def run(
        *words: str,
        key: bytes | None = None,
        code: int = 0,
        lines: bool = False,
        of_session: bool = True,
    ):
        options = ["--rpc", ledger.w3.provider.endpoint_uri, "--ledger", ledger.address]
        if of_session:
            options += ["--station", str(player.station.number), "--session", "1"]
        if key is not None:
            file = tmp_path / "key"
            file.write_text(key.hex())
            options += ["--account", str(file)]
        result = CliRunner().invoke(app, [*words, *options], standalone_mode=False)
        if code == 0 and result.exception:
            raise result.exception
        if lines:
            return [json.loads(line) for line in result.stdout.splitlines()]
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
    with pytest.raises(InvalidInputError, match="'0xzz' is no hash"):
        run("corrections", "consent", "--content", "0xzz", key=grid.key)
    with pytest.raises(InvalidInputError, match="--last-import"):
        run("corrections", "propose", key=grid.key)
    run("corrections", "consent", "--content", proposed, key=grid.key)


# -------------------------------------------------------------------------------- signed consents


@dataclass
class Agreement:
    """A proposal of the supplier that waits for two others, and their keys in keystores."""

    run: Callable[..., Any]
    folder: Path
    proposed: str
    needs: list[int]
    people: dict[int, MarketParticipant]
    brings: bytes
    """The key of somebody who is no party."""
    shown: str = ""
    """What the last signer saw."""

    def ask(self) -> Path:
        asked = self.run("corrections", "ask", "--content", self.proposed)
        return self.put("request.json", asked)

    def put(self, name: str, content: object) -> Path:
        file = self.folder / name
        file.write_text(json.dumps(content))
        return file

    def sign(self, asked: Path, by: int, *more: str) -> Path:
        """As whoever has the key does it, without a node."""
        keystore = self.put("keystore", Account.encrypt(self.people[by].key, "word", iterations=2))
        password = self.folder / "password"
        password.write_text("word\n")
        words = ["corrections", "sign", str(asked), "--keystore", str(keystore)]
        words += ["--password-file", str(password), *more]
        result = CliRunner().invoke(app, words, standalone_mode=False)
        if result.exception:
            raise result.exception
        self.shown = result.stderr
        return self.put(f"consent-{by}.json", json.loads(result.stdout))

    def submit(self, *consents: Path) -> list[dict[str, Any]]:
        words = ["corrections", "submit", *map(str, consents)]
        return self.run(*words, key=self.brings, lines=True, of_session=False)


@pytest.fixture
def agreement(player, traffic, run, tmp_path, anvil) -> Agreement:
    player.session(6_000)
    shown = run("corrections", "show")
    people = {p.number: p for p in traffic.market.participants.values()}
    last = shown["readings"][-1]["import_wh"] - 500
    words = "corrections", "propose", "--last-import", str(last)
    made = run(*words, key=people[shown["shares"][0]["supplier"]].key)
    return Agreement(run, tmp_path, made["proposed"], made["needs"], people, anvil.keys[2])


def test_consents__signed_offline_and_brought_by_a_stranger__in_force(agreement, run, ledger):
    asked = agreement.ask()
    consents = [agreement.sign(asked, by) for by in agreement.needs]

    brought = agreement.submit(*consents)

    assert [one["participant"] for one in brought] == agreement.needs
    assert [(one["sent"], one["version"]) for one in brought] == [(True, 1), (True, 2)]
    assert brought[-1]["content"] == agreement.proposed
    assert run("corrections", "show")["shares"][0]["import_wh"] == 5_500
    again = agreement.submit(*consents)
    assert [(one["sent"], one["version"]) for one in again] == [(False, 2), (False, 2)]


def test_sign__shows_what_it_would_be_to(agreement, player):
    agreement.sign(agreement.ask(), agreement.needs[0], "--until", "2100-01-01")

    where = player.traffic.ledger.corrections_address
    assert agreement.shown.startswith(f"At the corrections {where} on chain 31337\n")
    assert f"session 1 of station {player.station.number}, version 2:" in agreement.shown
    assert "taken: 5500 Wh, before 6000 Wh" in agreement.shown
    assert "fed back: 0 Wh\n" in agreement.shown
    assert "2100-01-01T00:00:00+00:00" in agreement.shown


def test_ask__one_has_consented__asks_the_others_only(agreement, run):
    first, second = agreement.needs
    run("corrections", "consent", "--content", agreement.proposed, key=agreement.people[first].key)

    asked = json.loads(agreement.ask().read_text())

    assert asked["needs"] == {str(second): agreement.people[second].address}


def test_sign__account_that_nobody_asks__says_whose_is_missing(agreement):
    stranger = next(n for n in agreement.people if n not in agreement.needs)
    with pytest.raises(InvalidInputError, match="is not needed") as caught:
        agreement.sign(agreement.ask(), stranger)
    assert all(agreement.people[one].address in str(caught.value) for one in agreement.needs)


def test_sign__request_that_was_changed__is_none(agreement):
    asked = json.loads(agreement.ask().read_text())
    asked["present"] = asked["proposed"]
    with pytest.raises(BrokenFileError, match="does not follow"):
        agreement.sign(agreement.put("changed.json", asked), agreement.needs[0])
    asked["proposed"] = "0x1234"
    with pytest.raises(BrokenFileError, match="no version"):
        agreement.sign(agreement.put("changed.json", asked), agreement.needs[0])


@pytest.mark.parametrize(
    ("until", "why"), [("2020-01-01", "good for nothing"), (str(1 << 40), "no time of a ledger")]
)
def test_sign__time_that_is_past_or_beyond__is_refused(agreement, until, why):
    with pytest.raises(InvalidInputError, match=why):
        agreement.sign(agreement.ask(), agreement.needs[0], "--until", until)


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("until", 1_999_999_999, "is signed by 0x"),
        ("signature", "0x1234", "is signed by nobody"),
        ("participant", 1, "is signed by 0x"),
        ("content", "0x" + "11" * 32, "is signed by 0x"),
        ("chain_id", 1, "on chain 1; here"),
        ("corrections", "0x" + "22" * 20, "for the corrections 0x2222"),
    ],
)
def test_submit__consent_that_was_changed__is_not_sent(agreement, ledger, field, value, said):
    asked, (first, second) = agreement.ask(), agreement.needs
    good, other = agreement.sign(asked, first), agreement.sign(asked, second)
    changed = json.loads(other.read_text()) | {field: value}
    before = ledger.w3.eth.block_number

    with pytest.raises(InvalidInputError, match=said):
        agreement.submit(good, agreement.put("changed.json", changed))

    assert ledger.w3.eth.block_number == before, "nor is the good one"


def test_submit__account_that_is_a_contract__its_own_signature_counts(
    agreement, player, ledger, run
):
    """An account that takes any signature for its own (ERC-1271), as a multisig would some."""
    by = agreement.needs[0]
    asked = agreement.ask()
    consent = json.loads(agreement.sign(asked, by).read_text()) | {"signature": "0x1234"}
    file = agreement.put("of-a-contract.json", consent)
    with pytest.raises(InvalidInputError, match="signed by nobody"):
        agreement.submit(file)
    player.traffic.anvil.rpc("anvil_setCode", CONTRACT, AGREES_TO_ALL)
    assert player.traffic.act(agreement.people[by].key, "Registry", "moveAccount", CONTRACT)

    (brought,) = agreement.submit(file)

    assert (brought["participant"], brought["sent"]) == (by, True)


def test_submit__consent_that_has_expired__says_since_when(agreement, traffic):
    consent = agreement.sign(agreement.ask(), agreement.needs[0])
    traffic.wait(json.loads(consent.read_text())["until"] - traffic.now + 1)

    with pytest.raises(InvalidInputError, match="was good until 20"):
        agreement.submit(consent)


def test_submit__another_version_came_first__says_so(agreement, run, traffic):
    asked = agreement.ask()
    consent = agreement.sign(asked, agreement.needs[0])
    shown = run("corrections", "show")
    less = str(shown["readings"][-1]["import_wh"] - 100)
    supplier = agreement.people[shown["shares"][0]["supplier"]]
    traffic.wait(1)
    words = "corrections", "propose", "--last-import", less
    other = run(*words, key=supplier.key)["proposed"]
    for one in agreement.needs:
        key = agreement.people[one].key
        run("corrections", "consent", "--content", other, key=key)

    with pytest.raises(InvalidInputError, match="made for another version"):
        agreement.submit(consent)
