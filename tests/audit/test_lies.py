"""One test for each kind of lie that a node can tell, over real JSON-RPC: the audit catches each,
and says what."""

from collections.abc import Iterator
from typing import Any

import pytest
from lying_node import Lie, Node, node_before
from traffic import Traffic

from gridroam import audit
from gridroam.audit import Scope
from gridroam.chain import envelopes, trie
from gridroam.chain.header import hash_of
from gridroam.chain.ledger import Ledger
from gridroam.errors import FalseAnswerError

BLOCKS = ("eth_getBlockByNumber", "eth_getBlockByHash")
RECEIPTS = "eth_getBlockReceipts"


@pytest.fixture
def node(traffic: Traffic, one_session: list[str]) -> Iterator[Node]:
    with node_before(traffic.anvil.url) as running:
        yield running


@pytest.fixture
def number(traffic: Traffic, one_session: list[str]) -> int:
    """The block of the second batch, with an opening again, two reports and no message."""
    return traffic.ledger.w3.eth.get_transaction(one_session[1])["blockNumber"]


def run(node: Node, ledger: Ledger, lie: Lie | None, **scope: Any) -> audit.Report:
    node.lie = lie
    source = audit.open_source(node.url, ledger.address, processes=1)
    return audit.run(source, scope=Scope(**scope))


def caught(node: Node, ledger: Ledger, lie: Lie, **scope: Any) -> str:
    with pytest.raises(FalseAnswerError) as error:
        run(node, ledger, lie, **scope)
    return str(error.value)


def of_block(number: int, block: Any) -> bool:
    return bool(block) and int(block["number"], 16) == number


def test_node__tells_the_truth__is_believed(node: Node, ledger: Ledger) -> None:
    report = run(node, ledger, None)
    assert report.ok
    assert report.counts["messages"] == 6
    assert node.asked["eth_getLogs"] == 0


def test_node__omits_a_transaction__is_caught(node: Node, ledger: Ledger, number: int) -> None:
    def lie(method: str, params: list[Any], result: Any) -> Any:
        if method in BLOCKS and of_block(number, result):
            result["transactions"] = []
        return result

    said = caught(node, ledger, lie)
    assert f"block {number}: its transactions do not hash to the root in its header" in said
    assert "one of 0 is missing" in said


def test_node__omits_a_transaction_and_its_receipt__is_caught(
    node: Node, ledger: Ledger, number: int
) -> None:
    def lie(method: str, params: list[Any], result: Any) -> Any:
        if method in BLOCKS and of_block(number, result):
            result["transactions"] = []
        return [] if method == RECEIPTS and params == [hex(number)] else result

    assert f"block {number}: its receipts do not hash" in caught(node, ledger, lie)


def test_node__changes_a_message_in_the_calldata__names_the_transaction(
    node: Node, ledger: Ledger, number: int, one_session: list[str]
) -> None:
    def lie(method: str, params: list[Any], result: Any) -> Any:
        if method in BLOCKS and of_block(number, result) and params[1]:
            tx = result["transactions"][0]
            tx["input"] = tx["input"][:-100] + "0" * 100
        return result

    assert f"transaction {one_session[1]} is changed" in caught(node, ledger, lie)


def test_node__omits_a_log__names_the_transaction(
    node: Node, ledger: Ledger, number: int, one_session: list[str]
) -> None:
    def lie(method: str, params: list[Any], result: Any) -> Any:
        if method == RECEIPTS and params == [hex(number)]:
            logs = result[0]["logs"]
            result[0]["logs"] = [log for log in logs if len(log["topics"]) < 3]
            assert len(result[0]["logs"]) < len(logs)
        return result

    said = caught(node, ledger, lie)
    assert f"block {number}: its receipts do not hash to the root in its header" in said
    assert f"the logs of transaction {one_session[1]}" in said


def test_node__changes_an_amount_in_a_log__is_caught(
    node: Node, ledger: Ledger, number: int
) -> None:
    def lie(method: str, params: list[Any], result: Any) -> Any:
        if method == RECEIPTS and params == [hex(number)]:
            log = result[0]["logs"][0]
            log["data"] = log["data"][:-1] + ("1" if log["data"][-1] != "1" else "2")
        return result

    assert f"block {number}: its receipts do not hash" in caught(node, ledger, lie)


@pytest.mark.parametrize(("field", "value"), [("status", "0x0"), ("cumulativeGasUsed", "0x1")])
def test_node__changes_a_receipt__is_caught(
    node: Node, ledger: Ledger, number: int, field: str, value: str
) -> None:
    def lie(method: str, params: list[Any], result: Any) -> Any:
        if method == RECEIPTS and params == [hex(number)]:
            result[0][field] = value
        return result

    assert f"block {number}: its receipts do not hash" in caught(node, ledger, lie)


def test_node__serves_another_blocks_transactions__is_caught(
    node: Node, traffic: Traffic, number: int, one_session: list[str]
) -> None:
    other = traffic.anvil.rpc("eth_getTransactionByHash", one_session[0])

    def lie(method: str, params: list[Any], result: Any) -> Any:
        if method in BLOCKS and of_block(number, result) and params[1]:
            result["transactions"] = [other]
        return result

    said = caught(node, traffic.ledger, lie)
    assert f"block {number}: its transactions do not hash to the root" in said
    assert "another one" in said


def test_node__serves_another_blocks_receipts__names_that_block(
    node: Node, traffic: Traffic, number: int, one_session: list[str]
) -> None:
    other = traffic.anvil.rpc("eth_getTransactionReceipt", one_session[0])

    def lie(method: str, params: list[Any], result: Any) -> Any:
        return [other] if method == RECEIPTS and params == [hex(number)] else result

    assert f"they are those of block {other['blockHash']}" in caught(node, traffic.ledger, lie)


def test_node__serves_another_block__is_caught(node: Node, traffic: Traffic, number: int) -> None:
    other = traffic.anvil.rpc("eth_getBlockByNumber", hex(number - 1), False)

    def lie(method: str, params: list[Any], result: Any) -> Any:
        return other if method in BLOCKS and of_block(number, result) else result

    said = caught(node, traffic.ledger, lie)
    assert f"block {number}: it is block {number - 1}" in said


def test_node__hides_a_block_behind_an_empty_filter__is_caught_by_its_hash(
    node: Node, ledger: Ledger, number: int
) -> None:
    def lie(method: str, params: list[Any], result: Any) -> Any:
        if method in BLOCKS and of_block(number, result):
            result["logsBloom"] = "0x" + "0" * 512
        return result

    assert f"block {number}: its header has the hash" in caught(node, ledger, lie)


def test_node__forges_a_block_with_its_hash__is_caught_by_the_next_ones_parent(
    node: Node, ledger: Ledger, number: int
) -> None:
    def lie(method: str, params: list[Any], result: Any) -> Any:
        return emptied(result) if method in BLOCKS and of_block(number, result) else result

    assert f"block {number + 1}: its parent is" in caught(node, ledger, lie)


def test_node__forges_the_last_block__is_caught_by_who_knows_its_hash(
    node: Node, traffic: Traffic, one_session: list[str]
) -> None:
    """Nothing follows on the last block; its hash has to come from elsewhere."""
    last = traffic.ledger.w3.eth.get_block("latest")

    def lie(method: str, params: list[Any], result: Any) -> Any:
        hides = method in BLOCKS and of_block(last["number"], result)
        return emptied(result) if hides else result

    said = caught(node, traffic.ledger, lie, last_hash=bytes(last["hash"]))
    assert f"block {last['number']}: its hash is 0x" in said
    assert f"expected was {last['hash'].to_0x_hex()}" in said


def emptied(block: dict[str, Any]) -> dict[str, Any]:
    """As if nothing had happened in it, with a hash that fits."""
    block |= {
        "transactions": [],
        "logsBloom": "0x" + "0" * 512,
        "transactionsRoot": "0x" + trie.EMPTY_ROOT.hex(),
        "receiptsRoot": "0x" + trie.EMPTY_ROOT.hex(),
    }
    return block | {"hash": "0x" + hash_of(block).hex()}


def test_node__forges_logs_with_a_filter_that_fits__is_caught(
    node: Node, traffic: Traffic, number: int
) -> None:
    """Whoever forges the receipts with all that is derived from them needs another block hash."""

    def without_logs(receipts: list[Any]) -> list[Any]:
        receipts[0] |= {"logs": [], "logsBloom": "0x" + "0" * 512}
        return receipts

    def lie(method: str, params: list[Any], result: Any) -> Any:
        if method == RECEIPTS and params == [hex(number)]:
            return without_logs(result)
        if method in BLOCKS and of_block(number, result):
            true = traffic.anvil.rpc(RECEIPTS, hex(number))
            encoded = [envelopes.receipt(one) for one in without_logs(true)]
            result["receiptsRoot"] = "0x" + trie.root_of(encoded).hex()
        return result

    assert f"block {number}: its header has the hash" in caught(node, traffic.ledger, lie)


def test_node__cuts_a_range_of_logs_short__does_not_matter(node: Node, ledger: Ledger) -> None:
    """Logs come from receipts; by `eth_getLogs` it could be half of them."""

    def lie(method: str, params: list[Any], result: Any) -> Any:
        return result[: len(result) // 2] if method == "eth_getLogs" else result

    report = run(node, ledger, lie)
    assert report.ok
    assert report.counts["messages"] == 6


def test_node__trusted_and_cutting_short__shows_in_the_state(node: Node, ledger: Ledger) -> None:
    def lie(method: str, params: list[Any], result: Any) -> Any:
        return result[:-2] if method == "eth_getLogs" else result

    node.lie = lie
    report = audit.run(audit.open_source(node.url, ledger.address, trust_node=True))
    assert not report.ok
    assert any(d.subject.startswith("journal") for d in report.differences)


def test_node__changes_what_a_view_returns__names_what(node: Node, ledger: Ledger) -> None:
    balance = ledger.account(1).balance
    true, false = f"{balance:064x}", f"{balance + 1:064x}"

    def lie(method: str, params: list[Any], result: Any) -> Any:
        return result.replace(true, false, 1) if method == "eth_call" else result

    report = run(node, ledger, lie)
    told = {(d.subject, d.field, d.derived, d.on_chain) for d in report.differences}
    assert ("account 1", "balance", str(balance), str(balance + 1)) in told


def test_node__denies_the_newest_block__is_not_seen(
    node: Node, ledger: Ledger, number: int
) -> None:
    """What docs/audit.md says that it cannot see: a node that stops early. The report names the
    block that it goes up to."""

    def lie(method: str, params: list[Any], result: Any) -> Any:
        return hex(number) if method == "eth_blockNumber" else result

    report = run(node, ledger, lie)
    assert report.ok
    assert report.last_block.number == number
    assert report.counts["messages"] == 5
