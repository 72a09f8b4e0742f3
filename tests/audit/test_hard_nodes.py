"""Nodes with limits of every kind: the audit adapts to each and finds the same."""

import time
from collections.abc import Iterator
from typing import Any

import pytest
from lying_node import Node, node_before
from traffic import Traffic

from gridroam import audit
from gridroam.chain import limits
from gridroam.chain.ledger import Ledger
from gridroam.chain.logs import Logs
from gridroam.chain.rpc import RefusedError, Rpc
from gridroam.errors import ChainError, NodeUnreachableError

TOO_MANY_BLOCKS = [
    (-32005, "query returned more than 10000 results"),
    (-32602, "query exceeds max block range 100000"),
    (-32602, "Log response size exceeded. You can make eth_getLogs requests with up to a 2K range"),
    (-32614, "eth_getLogs is limited to a 10,000 range"),
    (-32600, "block range is too wide"),
    (-32000, "exceed maximum block range: 5000"),
    (-32003, "response too large"),
    (-32005, "Requested range exceeds maximum RPC range limit"),
    (-32000, "query timeout exceeded"),
    (-32602, "Max range: 800"),
    (-32005, "anything else"),
]


@pytest.fixture
def node(traffic: Traffic, one_session: list[str]) -> Iterator[Node]:
    with node_before(traffic.anvil.url) as running:
        yield running


def run(node: Node, ledger: Ledger, **options: Any) -> audit.Report:
    return audit.run(audit.open_source(node.url, ledger.address, processes=1, **options))


@pytest.mark.parametrize("most", [0, 3])
def test_audit__node_with_small_batches_or_none__finds_the_same(
    node: Node, ledger: Ledger, most: int
) -> None:
    node.batch_limit = most
    report = run(node, ledger)
    assert report.ok
    assert report.counts["messages"] == 6


def test_audit__node_without_block_receipts__asks_for_each(node: Node, ledger: Ledger) -> None:
    def refuse(method: str, params: list[Any]) -> dict[str, Any] | None:
        unknown = method == "eth_getBlockReceipts"
        return {"code": -32601, "message": "the method does not exist"} if unknown else None

    node.refuse = refuse
    assert run(node, ledger).ok
    assert node.asked["eth_getTransactionReceipt"] > 0


def test_audit__busy_node__is_asked_again(
    node: Node, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gridroam.chain.rpc._PAUSE", 0.001)
    source = audit.open_source(node.url, ledger.address, processes=1)
    page = source.pages(0, 5)
    node.statuses = [429, 503]
    assert next(page).last == 5


@pytest.mark.parametrize(("code", "message"), TOO_MANY_BLOCKS)
def test_logs__node_with_a_limit__are_all_there(
    node: Node, ledger: Ledger, code: int, message: str
) -> None:
    """The limit is 7 blocks, whatever the node calls it."""

    def refuse(method: str, params: list[Any]) -> dict[str, Any] | None:
        span = int(params[0]["toBlock"], 16) - int(params[0]["fromBlock"], 16) + 1
        return {"code": code, "message": message} if span > 7 else None

    last = ledger.w3.eth.block_number
    everything = next(Logs(Rpc(node.url), ledger.addresses).between(0, last))
    node.refuse = refuse
    logs = Logs(Rpc(node.url), ledger.addresses)
    found = [log for some in logs.between(0, last) for log in some]
    assert found == everything
    assert logs.blocks <= 7


def test_logs__one_block_is_too_much__says_so(node: Node, ledger: Ledger) -> None:
    node.refuse = lambda *_: {"code": -32005, "message": "query returned more than 1 results"}
    with pytest.raises(ChainError, match="no logs from block 0 on"):
        list(Logs(Rpc(node.url), ledger.addresses).between(0, 9))


def test_logs__too_slow_an_answer__is_asked_in_halves(node: Node, ledger: Ledger) -> None:
    def lie(method: str, params: list[Any], result: Any) -> Any:
        if int(params[0]["toBlock"], 16) - int(params[0]["fromBlock"], 16) > 20:
            time.sleep(0.4)
        return result

    last = ledger.w3.eth.block_number
    node.lie = lie
    logs = Logs(Rpc(node.url, timeout=0.2), ledger.addresses)
    assert sum(len(some) for some in logs.between(0, last)) > 30
    assert logs.blocks <= 21


def test_rpc__refusal_of_something_else__is_told(node: Node) -> None:
    node.refuse = lambda *_: {"code": -32000, "message": "missing trie node"}
    with pytest.raises(RefusedError, match="missing trie node") as error:
        Rpc(node.url).one("eth_getBalance", "0x0", "0x1")
    assert not error.value.too_much


def test_rpc__one_refused_in_a_batch__is_told(node: Node) -> None:
    def refuse(method: str, params: list[Any]) -> dict[str, Any] | None:
        return {"code": -32000, "message": "no"} if params[0] == "0x3" else None

    node.refuse = refuse
    calls: list[Any] = [("eth_getBlockByNumber", [hex(i), False]) for i in range(5)]
    with pytest.raises(RefusedError):
        Rpc(node.url).many(calls)
    found = Rpc(node.url).many(calls[:3])
    assert [int(block["number"], 16) for block in found] == [0, 1, 2]


def test_rpc__node_that_is_never_free__gives_up(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gridroam.chain.rpc._PAUSE", 0.001)
    node.refuse = lambda *_: {"code": -32005, "message": "daily request count exceeded"}
    with pytest.raises(NodeUnreachableError, match="does not answer eth_chainId in time"):
        Rpc(node.url).one("eth_chainId")
    assert node.asked["eth_chainId"] == 6


def test_rpc__no_node__is_told_without_the_addresses_secret() -> None:
    with pytest.raises(NodeUnreachableError) as error:
        Rpc("http://key@127.0.0.1:9/secret").one("eth_chainId")
    assert "secret" not in str(error.value)
    assert "key" not in str(error.value)


@pytest.mark.parametrize(
    "message", ["invalid argument 0", "execution reverted", "header not found"]
)
def test_too_much__other_errors__are_not_limits(message: str) -> None:
    assert not limits.too_much({"code": -32000, "message": message})
