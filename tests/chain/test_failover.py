"""Several nodes behind one client: who fails or lies behind is asked last."""

import time
from collections.abc import Iterator

import pytest
from faults import Faults

from gridroam.chain.anvil import Anvil
from gridroam.chain.failover import Failover
from gridroam.chain.heads import Heads
from gridroam.chain.node import Node, connect
from gridroam.errors import InvalidInputError, NodeUnreachableError, WrongChainError

pytestmark = pytest.mark.chain


@pytest.fixture
def first(anvil: Anvil) -> Iterator[Faults]:
    with Faults(anvil.url) as proxy:
        yield proxy


@pytest.fixture
def second(anvil: Anvil) -> Iterator[Faults]:
    with Faults(anvil.url) as proxy:
        yield proxy


def test_first_address_is_asked_while_it_is_well(first: Faults, second: Faults) -> None:
    w3 = connect(f"{first.url}, {second.url}")
    second.asked.clear()
    assert w3.eth.block_number >= 0
    assert "eth_getBalance" not in second.asked


def test_other_address_answers_when_the_first_is_cut(first: Faults, second: Faults) -> None:
    w3 = connect(f"{first.url},{second.url}")
    first.down = True
    assert w3.eth.chain_id == 31337
    assert isinstance(w3.provider, Failover)
    assert w3.provider.preferred == second.url


def test_relay_starts_though_the_first_address_is_gone(first: Faults, second: Faults) -> None:
    first.down = True
    assert connect(f"{first.url},{second.url}").eth.chain_id == 31337


def test_nobody_answers(first: Faults, second: Faults) -> None:
    w3 = connect(f"{first.url},{second.url}")
    first.down = second.down = True
    with pytest.raises(NodeUnreachableError):
        w3.eth.chain_id  # noqa: B018


def test_slow_node_is_left_for_the_other(first: Faults, second: Faults) -> None:
    w3 = connect(f"{first.url},{second.url}", timeout=0.5)
    first.delay = 10.0
    start = time.monotonic()
    assert [w3.eth.chain_id for _ in range(5)] == [31337] * 5
    assert time.monotonic() - start < 2


def test_node_that_lies_behind_is_asked_last(first: Faults, second: Faults) -> None:
    first.lie = lambda request: (
        {"result": "0x0"} if request["method"] == "eth_blockNumber" else None
    )
    failover = Failover([Node(first.url, 5), Node(second.url, 5)])
    failover.compare()
    assert failover.preferred == second.url
    first.heal()


def test_address_on_another_chain_is_refused(first: Faults, second: Faults) -> None:
    second.lie = lambda request: {"result": "0x1"} if request["method"] == "eth_chainId" else None
    with pytest.raises(WrongChainError, match=second.url):
        connect(f"{first.url},{second.url}")


def test_address_that_comes_back_on_another_chain_is_not_asked(
    first: Faults, second: Faults
) -> None:
    """It did not answer at the start, so that nobody knew."""
    second.down = True
    w3 = connect(f"{first.url},{second.url}")
    second.lie = lambda request: {"result": "0x1"} if request["method"] == "eth_chainId" else None
    second.down, first.down = False, True
    with pytest.raises(NodeUnreachableError, match="on chain 1, not on 31337"):
        w3.eth.block_number  # noqa: B018
    second.heal()
    assert w3.eth.block_number >= 0


def test_node_that_answers_nonsense_is_asked_last(first: Faults, second: Faults) -> None:
    first.lie = lambda request: (
        {"result": "soon"} if request["method"] == "eth_blockNumber" else None
    )
    failover = Failover([Node(first.url, 5), Node(second.url, 5)])
    failover.compare()
    assert failover.preferred == second.url


def test_websocket_alone_is_no_rpc_address() -> None:
    with pytest.raises(InvalidInputError):
        connect("ws://127.0.0.1:1,wss://127.0.0.1:2")


def test_websocket_tells_of_new_blocks(anvil: Anvil) -> None:
    told: list[float] = []
    heads = Heads(anvil.url.replace("http", "ws"), lambda: told.append(time.monotonic()))
    heads.start()
    try:
        deadline = time.monotonic() + 10
        while not heads.is_connected:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        anvil.mine()
        while not told:
            assert time.monotonic() < deadline
            time.sleep(0.01)
    finally:
        heads.stop()
