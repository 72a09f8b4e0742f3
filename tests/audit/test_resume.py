"""An audit goes on where it was stopped, however that was, but never across a reorganisation."""

import json
import os
import pickle
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from traffic import Traffic

from gridroam import audit
from gridroam.audit import Scope, StateFile, Step, auditor, reader
from gridroam.audit.difference import Findings
from gridroam.audit.replay import Replay
from gridroam.audit.report import euro
from gridroam.audit.state import APART, Saved
from gridroam.chain.ledger import Ledger
from gridroam.errors import InvalidInputError

DIES = """
import multiprocessing, os, signal, sys
from pathlib import Path
from gridroam import audit
from gridroam.audit import auditor, reader, source

def progress(step):
    if step.read > int(sys.argv[4]):
        print(*(child.pid for child in multiprocessing.active_children()), flush=True)
        os.kill(os.getpid(), signal.SIGKILL)

auditor.SAVE_EVERY, reader.FIRST_PAGE, reader.PAGE_SIZE, source.FEW = 0, 3, 1, 0
node = audit.open_source(sys.argv[1], sys.argv[2], processes=2)
audit.run(node, state=audit.StateFile(Path(sys.argv[3])), progress=progress)
"""


@pytest.fixture
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small pages, each saved."""
    monkeypatch.setattr(auditor, "SAVE_EVERY", 0)
    monkeypatch.setattr(reader, "FIRST_PAGE", 3)
    monkeypatch.setattr(reader, "PAGE_SIZE", 1)


@pytest.fixture
def run(traffic: Traffic) -> Callable[..., audit.Report]:
    def again(state: StateFile | None = None, **scope: int) -> audit.Report:
        source = audit.open_source(traffic.anvil.url, traffic.ledger.address, processes=1)
        return audit.run(source, scope=Scope(**scope), state=state, progress=steps.append)

    steps.clear()
    return again


steps: list[Step] = []


def reorganise(traffic: Traffic, depth: int) -> None:
    """The newest blocks are gone, with what was in them; as many others are there, and one more."""
    later = traffic.now + 1_000
    traffic.anvil.rpc("anvil_rollback", depth)
    traffic.anvil.set_next_time(later)
    traffic.anvil.mine(depth + 1)


def is_gone(pid: int) -> bool:
    """Within some seconds."""
    for _ in range(100):
        try:
            status = Path(f"/proc/{pid}/stat").read_text()
        except FileNotFoundError:
            return True
        if status.rpartition(")")[2].split()[0] == "Z":
            return True
        time.sleep(0.1)
    return False


def test_resume__after_kill_9__comes_to_the_same(
    one_session: list[str], traffic: Traffic, run: Callable[..., audit.Report], tmp_path: Path
) -> None:
    whole = run()
    file, middle = tmp_path / "state", whole.first_block + 12
    arguments = [traffic.anvil.url, traffic.ledger.address, str(file), str(middle)]
    command = [sys.executable, "-c", DIES, *arguments]
    killed = subprocess.run(command, check=False, stdout=subprocess.PIPE)
    assert killed.returncode == -9
    workers = [int(pid) for pid in killed.stdout.split()]
    assert len(workers) == 2
    assert all(is_gone(pid) for pid in workers)
    reached = json.loads(file.read_bytes().partition(b"\n")[0])["block"]
    assert whole.first_block < reached < whole.last_block.number

    steps.clear()
    report = run(StateFile(file))
    assert report == whole
    assert steps[0].read > reached


def test_resume__nothing_new__reads_no_block_and_says_the_same(
    one_session: list[str], run: Callable[..., audit.Report], tmp_path: Path
) -> None:
    first = run(StateFile(tmp_path / "state"))
    steps.clear()
    assert run(StateFile(tmp_path / "state")) == first
    assert steps == []


def test_resume__new_blocks__only_those_are_read(
    one_session: list[str], traffic: Traffic, run: Callable[..., audit.Report], tmp_path: Path
) -> None:
    before = run(StateFile(tmp_path / "state"))
    vehicle = next(iter(traffic.market.vehicles.values()))
    station = traffic.market.stations["DE*GRM*E0002"]
    traffic.submit(traffic.sign(station, traffic.opening(station, vehicle.id)))
    steps.clear()
    report = run(StateFile(tmp_path / "state"))
    assert report.counts["messages"] == before.counts["messages"] + 1
    assert report == run()
    assert steps[0].read > before.last_block.number


@pytest.mark.usefixtures("often")
def test_resume__reorganised_since__goes_back_to_an_older_state(
    one_session: list[str], traffic: Traffic, run: Callable[..., audit.Report], tmp_path: Path
) -> None:
    traffic.anvil.mine(APART + 5)
    run(StateFile(tmp_path / "state"))
    older = json.loads((tmp_path / "state.1").read_bytes().partition(b"\n")[0])["block"]
    reorganise(traffic, 3)

    steps.clear()
    state = StateFile(tmp_path / "state")
    report = run(state)
    assert report.ok
    assert steps[0].read > older
    (note,) = state.notes
    assert "the chain has another block" in note
    assert report == run()


def test_resume__reorganised_beyond_every_state__starts_over(
    one_session: list[str], traffic: Traffic, run: Callable[..., audit.Report], tmp_path: Path
) -> None:
    """The last batch is gone with the reorganisation, and so is what it settled."""
    before = run(StateFile(tmp_path / "state"))
    depth = (
        before.last_block.number
        - traffic.ledger.w3.eth.get_transaction(one_session[2])["blockNumber"]
    )
    reorganise(traffic, depth + 1)
    report = run(StateFile(tmp_path / "state"))
    assert report.ok
    assert report.counts["messages"] == before.counts["messages"] - 1
    assert report == run()


@pytest.mark.usefixtures("often")
def test_audit__reorganised_while_it_reads__goes_on_from_what_is_still_there(
    one_session: list[str], traffic: Traffic, tmp_path: Path
) -> None:
    """The chain changes after the first pages were applied."""
    source = audit.open_source(traffic.anvil.url, traffic.ledger.address, processes=1)
    last = traffic.ledger.w3.eth.block_number - 1
    changed: list[int] = []

    def change(step: Step) -> None:
        if not changed:
            changed.append(step.read)
            reorganise(traffic, 4)

    state = StateFile(tmp_path / "state")
    scope = Scope(last=last)
    try:
        report = audit.run(source, scope=scope, state=state, progress=change)
    finally:
        assert changed
    assert report == audit.run(source, scope=scope)


def test_range__figures_from_a_block_on__are_the_difference(
    one_session: list[str], traffic: Traffic, run: Callable[..., audit.Report], tmp_path: Path
) -> None:
    numbers = [traffic.ledger.w3.eth.get_transaction(tx)["blockNumber"] for tx in one_session]
    whole, upto = run(), run(last=numbers[1])
    rest = run(StateFile(tmp_path / "state"), since=numbers[1] + 1)
    assert rest.ok
    assert rest.counts["messages"] == 1
    assert rest.counts["messages"] + upto.counts["messages"] == whole.counts["messages"]
    posted = zip(upto.pairs, rest.pairs, whole.pairs, strict=True)
    assert all(a.amount + b.amount == c.amount for a, b, c in posted)
    assert [a.opening for a in rest.accounts] == [a.closing for a in upto.accounts]
    assert [a.closing for a in rest.accounts] == [a.closing for a in whole.accounts]
    assert run(StateFile(tmp_path / "state"), since=numbers[1] + 1) == rest


def test_report__of_one_participant__has_its_figures_only(
    one_session: list[str], traffic: Traffic, run: Callable[..., audit.Report]
) -> None:
    grid = traffic.market.stations["DE*GRM*E0002"].grid_operator
    whole = run()
    report = whole.of(grid)
    assert {a.participant for a in report.accounts} == {grid}
    assert report.pairs
    assert all(grid in (p.payer, p.payee) for p in report.pairs)
    assert len(report.pairs) < len(whole.pairs)
    assert report.counts == whole.counts
    said = "\n".join(report.lines())
    assert said.count(f"(participant {grid})") == 3, "it is told whose figures these are"
    assert f"Account   {euro(report.accounts[0].opening)} before" in said


def test_report__of_nobody__refused(
    one_session: list[str], run: Callable[..., audit.Report]
) -> None:
    with pytest.raises(InvalidInputError, match="no participant 99"):
        run().of(99)


# ----------------------------------------------------------------------------------------- the file


@pytest.fixture
def saved(ledger: Ledger, tmp_path: Path) -> Path:
    file = tmp_path / "state"
    block = audit.source.Block(7, bytes(32), 1)
    StateFile(file).save(Saved(block, Replay(ledger.domain, Findings())))
    return file


def load(file: Path, ledger: Ledger) -> tuple[list[Saved], list[str]]:
    state = StateFile(file)
    return list(state.load(Replay(ledger.domain, Findings()))), state.notes


def test_state__as_written__is_read(saved: Path, ledger: Ledger) -> None:
    (found,), notes = load(saved, ledger)
    assert found.block.number == 7
    assert notes == []


@pytest.mark.parametrize("cut", [1, 10, 200])
def test_state__damaged__is_not_taken(saved: Path, ledger: Ledger, cut: int) -> None:
    saved.write_bytes(saved.read_bytes()[:-cut])
    found, notes = load(saved, ledger)
    assert found == []
    assert len(notes) == 1


def test_state__of_other_rules_or_ledger__is_not_taken(saved: Path, ledger: Ledger) -> None:
    head, _, body = saved.read_bytes().partition(b"\n")
    for name in ("rules", "ledger", "chain", "format"):
        saved.write_bytes(json.dumps(json.loads(head) | {name: "other"}).encode() + b"\n" + body)
        found, notes = load(saved, ledger)
        assert found == []
        assert notes[0].endswith(f"it is of another {name}")


class Payload:
    def __reduce__(self) -> tuple[object, ...]:
        return os.system, ("touch ran",)


def test_state__with_code_in_it__runs_nothing(
    saved: Path, ledger: Ledger, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(pickle, "dumps", lambda *_, **__: evil)
    evil = pickle._dumps(Payload())  # type: ignore[attr-defined]
    block = audit.source.Block(8, bytes(32), 1)
    StateFile(saved).save(Saved(block, Replay(ledger.domain, Findings())))
    found, notes = load(saved, ledger)
    assert [one.block.number for one in found] == [7]  # the older file
    assert "system does not belong into it" in notes[0]
    assert not (tmp_path / "ran").exists()
