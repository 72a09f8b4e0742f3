"""Many requests at once, whether or not the node takes them at once."""

from typing import Any

import pytest
from web3 import Web3
from web3.types import RPCEndpoint, RPCResponse

from gridroam.chain import bulk, records
from gridroam.chain.anvil import Anvil
from gridroam.chain.bulk import Read
from gridroam.chain.ledger import Ledger
from gridroam.chain.node import connect
from gridroam.errors import ChainError


@pytest.fixture
def w3_without_batches(anvil: Anvil, monkeypatch: pytest.MonkeyPatch) -> Web3:
    """Of a node that answers a batch as such nodes do: with one error."""
    w3 = connect(anvil.url)

    def refuse(_: list[tuple[RPCEndpoint, Any]]) -> RPCResponse:
        return {"jsonrpc": "2.0", "id": 1, "error": {"code": -32600, "message": "no batches"}}

    monkeypatch.setattr(w3.provider, "make_batch_request", refuse)
    return w3


def test_ask__more_than_fit_into_one_batch__are_answered_in_order(anvil: Anvil) -> None:
    anvil.mine(250)
    numbers = [[hex(n), False] for n in range(250)]
    found = bulk.ask(anvil.w3, "eth_getBlockByNumber", numbers)
    assert [int(block["number"], 16) for block in found] == list(range(250))


def test_ask__node_without_batches__is_asked_one_by_one(w3_without_batches: Web3) -> None:
    found = bulk.ask(w3_without_batches, "eth_getBlockByNumber", [["0x0", False], ["0x1", False]])
    assert [int(block["number"], 16) for block in found] == [0, 1]


def test_ask__what_the_node_does_not_have__raises(anvil: Anvil) -> None:
    with pytest.raises(ChainError, match="nothing found"):
        bulk.ask(anvil.w3, "eth_getTransactionByHash", [["0x" + "00" * 32]])


def test_read__records_and_values__as_the_ledger_reads_them(anvil: Anvil, ledger: Ledger) -> None:
    block = anvil.w3.eth.block_number
    reads = [Read("stations", (1,), records.Station), Read("stationCount"), Read("totalBalance")]
    assert bulk.read(ledger, reads, block) == [
        ledger.station(1, block),
        ledger.station_count(block),
        ledger.total_balance(block),
    ]
