"""Whoever lies, it comes out: a node that leaves out a log or changes one, a changed database."""

from pathlib import Path
from typing import Any

import pytest
from lively import Lively
from lying_node import Lie, node_before
from sqlalchemy import text

from gridroam.audit.source import NodeSource
from gridroam.chain import abi
from gridroam.errors import ChainError, StoreError
from gridroam.index.follower import open_follower
from gridroam.index.queries import Index
from gridroam.statements.anchors import Anchors, open_anchors
from gridroam.statements.make import statement
from gridroam.statements.receipt import receipt
from gridroam.statements.verify import Verdict, verify
from gridroam.statements.verify_receipt import verify_receipt

RICH = 1
EVER = 1 << 39


def topic(name: str) -> str:
    known = (*abi.events("Ledger"), *abi.events("Registry"))
    return next("0x" + event.topic.hex() for event in known if event.name == name)


def without(name: str) -> Lie:
    """Leaves out the third such log of an answer, from logs and receipts alike."""

    def lie(method: str, _: list[Any], result: Any) -> Any:
        if method == "eth_getLogs":
            return _less(result, topic(name))
        if method == "eth_getBlockReceipts":
            return [one | {"logs": _less(one["logs"], topic(name), 1)} for one in result]
        return result

    return lie


def _less(logs: list[Any], wanted: str, which: int = 3) -> list[Any]:
    places = [i for i, log in enumerate(logs) if log["topics"][0] == wanted]
    gone = places[which - 1] if len(places) >= which else -1
    return [log for i, log in enumerate(logs) if i != gone]


def changed(name: str) -> Lie:
    """Changes the last byte of the third such log's data."""

    def lie(method: str, _: list[Any], result: Any) -> Any:
        if method != "eth_getLogs":
            return result
        places = [i for i, log in enumerate(result) if log["topics"][0] == topic(name)][2:3]
        return [
            log | {"data": _flipped(log["data"])} if i in places else log
            for i, log in enumerate(result)
        ]

    return lie


def _flipped(data: str) -> str:
    """Of the feed-in's word, or the only one; bits that leave it a right value of its type."""
    return data[:-66] + f"{int(data[-66:-64], 16) ^ 1:02x}" + data[-64:]


@pytest.mark.parametrize("name", ["ReportSettled", "SessionCleared", "MessageRejected"])
def test_follow__node_leaves_out_what_a_message_did__stops_there(
    lively: Lively, tmp_path: Path, name: str
) -> None:
    index = Index.open(str(tmp_path / "index.db"))
    with node_before(lively.anvil.url, lie=without(name)) as node:
        follower = open_follower(index, node.url, lively.ledger.address, trust_node=True)
        with pytest.raises(ChainError):
            follower.catch_up()
    with index.snapshot() as now:
        head = now.head()
        assert head is not None
        assert head.block < head.head

    # an honest node brings it on
    open_follower(index, lively.anvil.url, lively.ledger.address).catch_up()
    assert verify(lines_of(index), anchors(lively)).ok


def test_follow__node_changes_what_a_report_cost__stops_there(
    lively: Lively, tmp_path: Path
) -> None:
    index = Index.open(str(tmp_path / "index.db"))
    with node_before(lively.anvil.url, lie=changed("ReportSettled")) as node:
        follower = open_follower(index, node.url, lively.ledger.address, trust_node=True)
        with pytest.raises(ChainError, match="fit"):
            follower.catch_up()


@pytest.mark.parametrize("name", ["Deposited", "Collected", "VehicleRegistered"])
def test_follow__node_leaves_out_what_stands_outside_batches__stops_there(
    lively: Lively, tmp_path: Path, name: str
) -> None:
    index = Index.open(str(tmp_path / "index.db"))
    with node_before(lively.anvil.url, lie=without(name)) as node:
        follower = open_follower(index, node.url, lively.ledger.address)
        with pytest.raises(ChainError, match="receipts"):
            follower.catch_up()


def test_verify__statement_of_an_index_that_was_lied_to__a_line_is_missing(
    lively: Lively, tmp_path: Path
) -> None:
    index = Index.open(str(tmp_path / "index.db"))
    lie = _without_deposits_of(lively, RICH)
    with node_before(lively.anvil.url, lie=lie) as node:
        open_follower(index, node.url, lively.ledger.address, trust_node=True).catch_up()

    verdict = verify(lines_of(index), anchors(lively))

    assert not verdict.ok
    assert any("a line is missing here: a deposit" in fault for fault in told(verdict))
    assert any("the journal on chain" in fault for fault in told(verdict))


def _without_deposits_of(lively: Lively, participant: int) -> Lie:
    key = f"0x{participant:064x}"

    def lie(method: str, _: list[Any], result: Any) -> Any:
        if method != "eth_getLogs":
            return result
        wanted = topic("Deposited"), key
        return [log for log in result if tuple(log["topics"][:2]) != wanted]

    return lie


@pytest.mark.parametrize(
    ("lie", "what"),
    [
        (without("ReportSettled"), "the node leaves a log out"),
        (without("SessionCleared"), "the node leaves a log out"),
        (changed("ReportSettled"), "the chain's log says"),
    ],
    ids=["report-left-out", "opening-left-out", "report-changed"],
)
def test_verify__the_node_lies_about_logs__named(
    lively: Lively, tmp_path: Path, lie: Lie, what: str
) -> None:
    lines = lines_of(lively.index(tmp_path / "index.db"))
    with node_before(lively.anvil.url, lie=lie) as node:
        verdict = verify(lines, open_anchors(node.url, lively.ledger.address))

    assert not verdict.ok
    assert any(what in fault for fault in told(verdict)), told(verdict)


TAMPERED: dict[str, str] = {
    "a charge": "UPDATE chain_settlements SET network_charge = network_charge + 1000",
    "a reading": "UPDATE chain_settlements SET import_wh = import_wh + 1",
    "a balance": "UPDATE chain_account_days SET balance = '5'",
    "a vehicle": f"UPDATE chain_messages SET vehicle = x'{'11' * 32}'",
    "a tariff": "UPDATE chain_tariffs SET import_standard = import_standard + 1",
    "a name": "UPDATE chain_stations SET evse_id = 'DE*OTHER'",
    "a root": f"UPDATE chain_messages SET leaf = x'{'22' * 32}'",
    "a deleted payment": "DELETE FROM chain_payments WHERE kind = 1",
}


@pytest.mark.parametrize("what", TAMPERED)
def test_verify__statement_of_a_changed_database__wrong(
    lively: Lively, tmp_path: Path, what: str
) -> None:
    index = lively.index(tmp_path / "index.db")
    with index.store.write() as connection:
        connection.execute(text(TAMPERED[what]))

    verdict = verify(lines_of(index), anchors(lively))

    assert not verdict.ok


def test_statement__of_a_database_with_a_row_deleted__told(lively: Lively, tmp_path: Path) -> None:
    index = lively.index(tmp_path / "index.db")
    with index.store.write() as connection:
        connection.execute(text("DELETE FROM chain_settlements WHERE supplier = 1 AND report = 2"))

    with pytest.raises(StoreError, match="contradicts itself"):
        lines_of(index)


@pytest.mark.parametrize("what", ["a charge", "a vehicle", "a tariff", "a name", "a root"])
def test_verify_receipt__of_a_changed_database__not_real(
    lively: Lively, tmp_path: Path, what: str
) -> None:
    index = lively.index(tmp_path / "index.db")
    with index.store.write() as connection:
        connection.execute(text(TAMPERED[what]))
    with index.snapshot() as now:
        one = next(s for s in now.sessions().items if s.reports and s.import_wh)
        made = receipt(now, one.station, one.session)

    assert not verify_receipt(made, anchors(lively)).ok


def anchors(lively: Lively) -> Anchors:
    return Anchors(NodeSource(lively.ledger), lively.anvil.url)


def lines_of(index: Index) -> list[Any]:
    with index.snapshot() as now:
        return list(statement(now, RICH, 0, EVER).lines)


def told(verdict: Verdict) -> list[str]:
    return [str(fault) for fault in verdict.faults]
