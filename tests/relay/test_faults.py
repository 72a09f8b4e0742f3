"""Nodes, chains, disks and databases on bad days, with real parts. What was answered settles, once;
what cannot be taken is refused with 503; it goes on by itself.
"""

import contextlib
import os
import random
import shutil
import sqlite3
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from agreement import contents
from databases import Server
from faults import Faults
from load import Load, check_exactly_once, plan
from plug import Plug, plugs
from serving import a_relay, http, mine_until_decided, served, settings, wait_until

from gridroam.audit.source import NodeSource
from gridroam.chain.anvil import Anvil
from gridroam.chain.deploy import DEVNET_LIMITS, deploy
from gridroam.chain.ledger import Ledger
from gridroam.chain.outgoing import Outgoing
from gridroam.chain.signer import Nobody
from gridroam.devnet.market import build
from gridroam.domain.delivery import Status
from gridroam.errors import RelayError, RelayProblemError
from gridroam.index.follower import Follower
from gridroam.index.queries import Index
from gridroam.relay.client import RelayClient
from gridroam.relay.client.retries import NO_RETRIES
from gridroam.store.engine import Store
from gridroam.store.search import Position, Search

pytestmark = [pytest.mark.chain, pytest.mark.slow]

GWEI = 10**9
REORGS = int(os.environ.get("GRIDROAM_REORGS", "6"))
"""A hundred and more are a campaign."""


@pytest.fixture
def crowd() -> Iterator[tuple[Anvil, Ledger, list[Plug]]]:
    with Anvil() as anvil:
        deployment = deploy(anvil.w3, anvil.admin, DEVNET_LIMITS, None)
        ledger = Ledger.connect(anvil.w3, deployment.ledger)
        yield anvil, ledger, plugs(ledger, build(ledger, plan(12), anvil.admin))


# -------------------------------------------------------------------------------------- The node


def test_node_that_fails_in_every_way_under_load(
    crowd: tuple[Anvil, Ledger, list[Plug]], tmp_path: Path
) -> None:
    """Connections cut, answers lost, 10 s answers, errors, a pool that is forgotten: in turn, at
    random, while stations charge."""
    anvil, ledger, all_plugs = crowd
    seed = time.time_ns()
    chance = random.Random(seed)
    with Faults(anvil.url) as faults:

        def cut() -> None:
            faults.down = True

        def lose_answers() -> None:
            faults.cut_answers = 5

        def dawdle() -> None:
            faults.delay = 10.0

        def fail() -> None:
            faults.status = 500

        def forget() -> None:
            anvil.rpc("anvil_dropAllTransactions")

        bad_days = [cut, lose_answers, dawdle, fail, forget]
        chosen = settings(
            anvil, ledger.address, tmp_path / "relay.db", rpc=faults.url, rpc_seconds=0.5
        )
        with served(chosen) as url:
            with Load(all_plugs, [url]) as load:
                for _ in range(2):
                    chance.shuffle(bad_days)
                    for bad_day in bad_days:
                        bad_day()
                        time.sleep(chance.uniform(0.1, 0.6))
                        faults.heal()
                        time.sleep(chance.uniform(0.1, 0.4))
            check_exactly_once(load, ledger, url)
            assert len(load.answered) >= 12, f"seed {seed}"


def test_reorgs_of_any_depth_under_load(
    crowd: tuple[Anvil, Ledger, list[Plug]], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """1 to 20 blocks vanish with all that was in them, at random. In the end every message's state
    is what a fresh reading of the chain says, the feed has each message once, and an index that
    followed all the while has the rows of one that is made afterwards."""
    anvil, ledger, all_plugs = crowd
    seed = time.time_ns()
    chance = random.Random(seed)
    bottom = anvil.w3.eth.block_number
    anvil.mine(20)
    database = str(tmp_path / "relay.db")
    chosen = settings(anvil, ledger.address, database, confirmations=20)
    with served(chosen) as url, following(ledger, tmp_path / "index.db") as follower:
        with Load(all_plugs, [url]) as load:
            depths = []
            for _ in range(REORGS):
                time.sleep(chance.uniform(0.3, 0.9))
                depth = min(chance.randint(1, 20), anvil.w3.eth.block_number - bottom)
                if depth:
                    reorganise(anvil, depth)
                    depths.append(depth)
        # it looks once a second whether its blocks still stand, and knows when they are deep
        deadline = time.monotonic() + 60
        while under_way(database):
            assert time.monotonic() < deadline, "messages are still under way"
            anvil.mine(20)
            time.sleep(1)
        check_exactly_once(load, ledger, url)
        with RelayClient(url) as client:
            answers = {digest: client.status(digest) for digest in load.answered}
    assert "The database failed" not in caplog.text, f"seed {seed}"
    blocks = f"{len(depths)} reorgs, of {min(depths)} to {max(depths)} blocks"
    print(f"\nseed {seed}, {blocks}, {len(answers)} messages")
    for answer in answers.values():
        receipt = anvil.w3.eth.get_transaction_receipt(answer.transaction)  # type: ignore[arg-type]
        assert receipt["blockNumber"] == answer.block
    store = Store.open(database)
    found = Search(store).feed(Position(0, 0), limit=1_000_000)
    store.close()
    assert {one.digest for one in found} == set(answers)
    assert len(found) == len(answers)
    follower.catch_up()
    fresh = Follower(Index.open(str(tmp_path / "fresh.db")), NodeSource(ledger))
    fresh.catch_up()
    assert contents(follower.index) == contents(fresh.index)
    follower.index.close()
    fresh.index.close()


def under_way(database: str) -> int:
    """Batches that are not final, and messages that are in none."""
    counts = (
        "SELECT count(*) FROM batches WHERE state IN ('sent', 'mined')",
        "SELECT count(*) FROM messages WHERE status IN ('stored', 'sent')",
    )
    with contextlib.closing(sqlite3.connect(database)) as reader:
        return sum(int(reader.execute(query).fetchone()[0]) for query in counts)


def reorganise(anvil: Anvil, depth: int) -> None:
    """Takes the last blocks away with all that was in them. anvil must not mine at that moment: it
    would lose blocks and logs of the chain that it goes on with."""
    anvil.rpc("evm_setAutomine", False)
    height = -1
    while height != (height := anvil.w3.eth.block_number):
        time.sleep(0.5)
    anvil.rpc("anvil_reorg", depth, [])
    anvil.rpc("evm_setTime", int(time.time() * 1000))
    anvil.rpc("evm_setAutomine", True)
    anvil.mine()


@contextlib.contextmanager
def following(ledger: Ledger, database: Path) -> Iterator[Follower]:
    """An index that keeps at the chain's head, in a thread of its own; not closed afterwards."""
    follower = Follower(Index.open(str(database)), NodeSource(ledger))
    stopped = threading.Event()
    thread = threading.Thread(target=follower.run, args=(stopped, 0.1))
    thread.start()
    try:
        yield follower
    finally:
        stopped.set()
        thread.join()


# ------------------------------------------------------------------------------------------- Fees


@pytest.fixture
def cheap_afterwards(anvil: Anvil) -> Iterator[None]:
    """A node that is taken back to an earlier block still asks for the fee of the later one."""
    yield
    anvil.rpc("anvil_setNextBlockBaseFeePerGas", hex(GWEI))
    anvil.mine()


def test_fee_above_the_cap__waits_warns_and_goes_on(
    anvil: Anvil,
    ledger: Ledger,
    plug: Plug,
    other_plug: Plug,
    database: str,
    cheap_afterwards: None,
) -> None:
    with a_relay(anvil, ledger, database, max_fee_gwei=20) as relay:
        assert relay.send([plug.opening()], wait=10)[0].accepted
        anvil.rpc("anvil_setNextBlockBaseFeePerGas", hex(100 * GWEI))
        anvil.mine()
        time.sleep(2.1)  # it asks for fees every two seconds
        answer = relay.send([other_plug.opening()])[0]
        assert relay.status(answer.digest, wait=1.5).status is Status.STORED
        while anvil.w3.eth.get_block("latest")["baseFeePerGas"] > 15 * GWEI:
            anvil.mine()
        assert relay.status(answer.digest, wait=10).accepted


def test_fee_that_rises_above_the_cap_while_a_batch_is_under_way(
    anvil: Anvil,
    ledger: Ledger,
    plug: Plug,
    database: str,
    no_mining: None,
    cheap_afterwards: None,
) -> None:
    with a_relay(anvil, ledger, database, max_fee_gwei=20, replace_seconds=0.3) as relay:
        answer = relay.send([plug.opening()])[0]
        wait_until(lambda: relay.relay().sent == 1)
        anvil.rpc("anvil_setNextBlockBaseFeePerGas", hex(100 * GWEI))
        anvil.mine()
        assert relay.status(answer.digest, wait=2).status is Status.SENT
        while anvil.w3.eth.get_block("latest")["baseFeePerGas"] > 15 * GWEI:
            anvil.mine()
        mine_until_decided(anvil, relay, answer.digest)
        assert relay.status(answer.digest).accepted


# ------------------------------------------------------------------------------------------ Money


def test_account_without_money__is_refused_before_it_hurts(
    anvil: Anvil, ledger: Ledger, plug: Plug, database: str, sender: Any
) -> None:
    balance = anvil.w3.eth.get_balance(sender.address)
    with a_relay(anvil, ledger, database) as relay:
        anvil.rpc("anvil_setBalance", sender.address, hex(10**12))
        wait_until(lambda: "sender" in _unready(relay))
        time.sleep(1.1)  # the door looks once a second
        opening = plug.opening()
        with pytest.raises(RelayProblemError) as raised:
            relay.send([opening])
        assert (raised.value.code, raised.value.status) == ("no-funds", 503)
        anvil.rpc("anvil_setBalance", sender.address, hex(balance))
        wait_until(lambda: not _unready(relay))
        time.sleep(1.1)
        assert relay.send([opening], wait=10)[0].accepted


def test_account_that_cannot_cover_the_gas_of_a_batch_is_empty(
    anvil: Anvil, ledger: Ledger, plug: Plug, database: str, sender: Any
) -> None:
    """A node takes no transaction whose whole gas limit the account could not pay."""
    balance = anvil.w3.eth.get_balance(sender.address)
    offer = Outgoing(anvil.w3, Nobody(), ledger.address, 31337).usual_fees().offer
    anvil.rpc("anvil_setBalance", sender.address, hex(14_000_000 * offer.max_fee))
    try:
        with a_relay(anvil, ledger, database) as relay:
            wait_until(lambda: "sender" in _unready(relay))
    finally:
        anvil.rpc("anvil_setBalance", sender.address, hex(balance))


def _unready(relay: RelayClient) -> str:
    reply = http.get(f"{relay.url}/readyz")
    return "" if reply.is_success else reply.text


# -------------------------------------------------------------------------- A message that poisons


def test_message_that_no_batch_can_hold_is_isolated(
    anvil: Anvil,
    ledger: Ledger,
    all_plugs: list[Plug],
    database: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As if a transaction could have 190,000 gas: the first report of the market does not fit, even
    alone, and takes every batch with it that it is in."""
    for module in ("pace", "flights"):
        monkeypatch.setattr(f"gridroam.relay.{module}.TX_GAS_LIMIT", 190_000)
    poison, *others = all_plugs[:4]
    with a_relay(anvil, ledger, database, batch_seconds=0.5) as relay:
        assert relay.send([poison.opening()], wait=10)[0].accepted
        sent = relay.send([poison.report(), *(plug.opening() for plug in others)])
        known = [relay.status(answer.digest, wait=20) for answer in sent]
    assert known[0].status is Status.REFUSED
    assert [answer.status for answer in known[1:]] == [Status.CLEARED] * 3


# ---------------------------------------------------------------------------------- The database


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(folder)]
    mounted = shutil.which("mount") and subprocess.run(command, check=False, capture_output=True)
    if not mounted or mounted.returncode:
        pytest.skip("only root may make a small disk")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_disk_full__refuses_loses_nothing_recovers(
    anvil: Anvil, ledger: Ledger, plug: Plug, other_plug: Plug, small_disk: Path
) -> None:
    with a_relay(anvil, ledger, str(small_disk / "relay.db")) as relay:
        opened = relay.send([plug.opening()], wait=10)[0]
        ballast = small_disk / "ballast"
        _fill(ballast)
        refused, reports = None, []
        for _ in range(100):
            reports.append(plug.report())
            try:
                relay.send([reports[-1]])
            except RelayProblemError as error:
                refused = error
                break
        assert refused is not None
        assert (refused.code, refused.status) == ("store-failing", 503)
        ballast.unlink()
        wait_until(lambda: _is_taken(relay, reports[-1]))
        answers = relay.send(reports, wait=20)
        assert all(answer.accepted for answer in answers)
        assert relay.status(opened.digest).accepted
        assert relay.send([other_plug.opening()], wait=10)[0].accepted


def _fill(ballast: Path) -> None:
    with ballast.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while file.write(bytes(4096)):
            pass


def _is_taken(relay: RelayClient, signed: Any) -> bool:
    try:
        return relay.send([signed])[0].status is not Status.REFUSED
    except RelayError:
        return False


def test_database_locked__is_503_until_it_is_free(
    anvil: Anvil, ledger: Ledger, plug: Plug, postgresql: Server, tmp_path: Path
) -> None:
    database = postgresql.database()
    with a_relay(anvil, ledger, database) as relay:
        with psycopg.connect(database) as other:
            other.execute("LOCK TABLE messages IN ACCESS EXCLUSIVE MODE")
            with pytest.raises(RelayProblemError) as raised:
                relay.send([plug.opening()])
            assert (raised.value.code, raised.value.status) == ("store-failing", 503)
        plug.session -= 1
        wait_until(lambda: _is_taken(relay, plug.opening()))
        assert relay.send([plug.last()], wait=10)[0].accepted


def test_database_killed_and_restarted_under_load(
    crowd: tuple[Anvil, Ledger, list[Plug]], tmp_path: Path
) -> None:
    anvil, ledger, all_plugs = crowd
    with Server(tmp_path) as server:
        database = server.database()
        with served(settings(anvil, ledger.address, database, lease_seconds=2)) as url:
            with Load(all_plugs, [url]) as load:
                for _ in range(2):
                    time.sleep(1.0)
                    server.kill()
                    time.sleep(0.5)
                    server.restart()
                time.sleep(1.0)
            check_exactly_once(load, ledger, url)
            assert len(load.answered) > 20


def test_block_vanishes_while_the_past_is_searched__nothing_is_said_before_it_is_known(
    anvil: Anvil, ledger: Ledger, plug: Plug, tmp_path: Path
) -> None:
    """What another relay has settled is recognised all the same."""
    messages = [plug.opening(), plug.last()]
    with a_relay(anvil, ledger, str(tmp_path / "other.db")) as other:
        assert all(answer.accepted for answer in other.send(messages, wait=10))
    gone = {"error": {"code": -32602, "message": "block height is 256 but requested was 266"}}
    answers = iter([gone])
    with Faults(anvil.url) as faults:
        faults.lie = lambda asked: next(answers, None) if asked["method"] == "eth_getLogs" else None
        with a_relay(anvil, ledger, str(tmp_path / "relay.db"), rpc=faults.url) as relay:
            first, last = relay.send(messages)
            assert first.trouble is not None
            assert first.trouble.code == "node-unreachable"
            assert last.status is Status.SETTLED
            assert relay.send(messages)[0].status is Status.CLEARED


def test_node_that_answers_errors_only_is_503(
    anvil: Anvil, ledger: Ledger, plug: Plug, tmp_path: Path
) -> None:
    """As one whose provider's quota is used up."""
    spent = {"error": {"code": -32005, "message": "daily request count exceeded"}}
    with (
        Faults(anvil.url) as faults,
        a_relay(anvil, ledger, str(tmp_path / "relay.db"), rpc=faults.url) as relay,
        RelayClient(relay.url, retries=NO_RETRIES) as client,
    ):
        faults.lie = lambda _: spent
        with pytest.raises(RelayProblemError) as raised:
            client.send([plug.opening()])
        faults.heal()
    assert (raised.value.code, raised.value.status) == ("node-unreachable", 503)


def test_past_that_could_not_be_searched_long_ago_is_searched_again(
    anvil: Anvil, ledger: Ledger, plug: Plug, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A failure now and then is not one for so long that the node is taken to have no past."""
    monkeypatch.setattr("gridroam.relay.outcomes._SEARCH_SECONDS", 0.5)
    messages = [plug.opening(), plug.last()]
    with a_relay(anvil, ledger, str(tmp_path / "other.db")) as other:
        assert all(answer.accepted for answer in other.send(messages, wait=10))
    gone = {"error": {"code": -32602, "message": "block height is 256 but requested was 266"}}
    with Faults(anvil.url) as faults:
        faults.lie = lambda asked: gone if asked["method"] == "eth_getLogs" else None
        with (
            a_relay(anvil, ledger, str(tmp_path / "relay.db"), rpc=faults.url) as relay,
            RelayClient(relay.url, retries=NO_RETRIES) as client,
        ):
            for _ in range(2):
                with pytest.raises(RelayProblemError) as raised:
                    client.send(messages[:1])
                assert raised.value.code == "node-unreachable"
                time.sleep(0.6)
