"""The command `gridroam devnet`, as a program of its own."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import pytest
from serving import wait_until

from gridroam.chain import events
from gridroam.chain.ledger import Ledger
from gridroam.chain.node import connect
from gridroam.chain.wallet import Wallet
from gridroam.cli import main
from gridroam.devnet.devnet import Devnet
from gridroam.devnet.market import Market
from gridroam.messages import OpenSession, sign

GRIDROAM = [sys.executable, "-c", "from gridroam.cli import main; main()", "devnet", "--port=0"]


class Running:
    """A devnet and what it printed as JSON."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.printed = json.loads(_document(process))
        self.market = Market.from_dict(self.printed["market"])
        w3 = connect(self.printed["rpc_url"])
        self.ledger = Ledger.connect(w3, self.printed["deployment"]["ledger"])

    def history(self) -> list[events.Event]:
        w3 = self.ledger.w3
        return events.fetch(w3, self.ledger.addresses, 0, w3.eth.block_number)


def _document(process: subprocess.Popen[str]) -> str:
    """Up to the line that closes the outermost brace."""
    return "".join(_until(process.stdout, "}\n")) or pytest.fail(process.stderr.read())


def _until(lines: Iterable[str], end: str) -> Iterator[str]:
    """As far as the first line that begins with `end`, or all."""
    for line in lines:
        yield line
        if line.startswith(end):
            return


@contextmanager
def devnet(*options: object) -> Iterator[Running]:
    process = subprocess.Popen(
        [*GRIDROAM, "--json", *map(str, options)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            yield Running(process)
        finally:
            process.kill()


def open_session(running: Running) -> None:
    ledger, market = running.ledger, running.market
    station, car = market.stations["DE*GRM*E0001"], market.vehicles["car-1"]
    now = ledger.w3.eth.get_block("pending")["timestamp"]
    message = OpenSession(station.number, 1, car.id, now, 0, 0)
    batch = [sign(ledger.domain, message, station.key).pack()]
    sender = Wallet(ledger.w3, market.participants["Supplier South"].account)
    sender.wait([sender.post(ledger.address, ledger.submit_calldata(batch))])


@pytest.fixture
def refused(monkeypatch, capsys):
    """What the command says when it does not start."""

    def refused(*options: object) -> str:
        monkeypatch.setattr(sys, "argv", ["gridroam", "devnet", "--port=0", *map(str, options)])
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        assert (ended.value.code, said.out) == (1, "")
        return said.err

    return refused


def test_devnet__has_the_market_it_prints():
    with devnet() as running:
        ledger, market = running.ledger, running.market

        roles = [participant.roles for participant in market.participants.values()]
        assert roles == [1, 1, 2, 2, 4]
        for station in market.stations.values():
            assert ledger.station(station.number).grid_operator == station.grid_operator
        for vehicle in market.vehicles.values():
            assert ledger.vehicle(vehicle.id).supplier == vehicle.supplier
        assert ledger.holdings() == ledger.total_balance() > 0
        open_session(running)
        assert isinstance(running.history()[-2], events.SessionCleared)


def test_devnet__for_people__names_what_is_needed():
    with subprocess.Popen(GRIDROAM, stdout=subprocess.PIPE, text=True) as process:
        text = "".join(_until(process.stdout, "Ctrl-C"))
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 0

    assert "never for real money" in text
    assert re.search(r"gridroam relay .*http://127.0.0.1:\d+", text)
    assert re.search(r"Ledger +0x[0-9a-fA-F]{40}", text)


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM])
def test_restart__goes_on_where_it_was(tmp_path, end):
    state = tmp_path / "chain.json"
    with devnet("--state", state) as first:
        open_session(first)
        before = first.history()
        block = first.ledger.w3.eth.block_number
        _wait_for_block(state, block)
        first.process.send_signal(end)
        first.process.wait(10)

    with devnet("--state", state) as second:
        assert second.printed["deployment"] == first.printed["deployment"]
        assert second.market == first.market
        assert second.history() == before
        assert second.ledger.w3.eth.block_number == block


def _wait_for_block(state, block):
    """It saves every second."""
    deadline = time.monotonic() + 10
    while json.loads(state.read_text())["best_block_number"] < block:
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_kill__takes_the_node_with_it():
    with devnet() as running:
        port = int(running.printed["rpc_url"].rpartition(":")[2])
        running.process.kill()
        running.process.wait(10)
        time.sleep(0.2)

    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), 1)


def test_block_time__blocks_come_by_themselves():
    with devnet("--block-time", 1) as running:
        w3 = running.ledger.w3
        before = w3.eth.block_number
        time.sleep(2.2)

        assert w3.eth.block_number - before in (2, 3)


def test_state__of_a_chain_that_is_not_ours(tmp_path, refused):
    state = tmp_path / "chain.json"
    state.write_text("{}")

    assert refused("--state", state).startswith("error: The state file holds no devnet of ours")
    assert state.read_text() == "{}"


def test_state__broken(tmp_path, refused, market, deployment):
    state = tmp_path / "chain.json"
    state.write_text('{"block": {')
    beside = {"deployment": deployment.as_dict(), "market": market.as_dict()}
    (tmp_path / "chain.json.market.json").write_text(json.dumps(beside))

    said = refused("--state", state)

    assert said == (
        f"error: {state} is no state of a local chain. "
        "Choose another file, or remove it to start a new chain.\n"
    )


def test_state__in_no_folder(tmp_path, refused):
    assert "cannot be a file" in refused("--state", tmp_path / "nowhere" / "chain.json")


def test_port__taken(refused):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]

        assert refused("--port", port) == (
            f"error: Port {port} is taken. Choose another one, or 0 for any that is free.\n"
        )


def test_silent_node__is_waited_for_as_long_as_it_runs(caplog):
    stopped = threading.Event()
    with Devnet(0, None, None) as running:
        pid = running._anvil._process.pid
        running._anvil.w3 = connect(running.url, timeout=0.3)
        keeping = threading.Thread(target=running.keep, args=(stopped,))
        keeping.start()
        os.kill(pid, signal.SIGSTOP)
        try:
            wait_until(lambda: "is silent" in caplog.text)
            time.sleep(1.5)
            assert keeping.is_alive()
        finally:
            os.kill(pid, signal.SIGCONT)
        wait_until(lambda: "answers again" in caplog.text)
        stopped.set()
        keeping.join()
    assert caplog.text.count("is silent") == 1
