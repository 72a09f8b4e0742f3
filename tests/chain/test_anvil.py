"""Starting and stopping a local chain."""

import socket

import pytest

from gridroam.chain.anvil import Anvil
from gridroam.errors import BrokenFileError, ChainError


def test_start__port_taken__says_so():
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]

        with pytest.raises(ChainError, match=f"Port {port} is taken"):
            Anvil(port).start()


@pytest.mark.parametrize("content", ["", "{}", "no json", '{"block": 1}'])
def test_start__broken_state(tmp_path, content):
    state = tmp_path / "chain.json"
    state.write_text(content)

    with pytest.raises(BrokenFileError, match=r"chain\.json"):
        Anvil(state=state).start()


def test_init__no_program__says_what_to_do(tmp_path):
    with pytest.raises(ChainError, match="scripts/setup"):
        Anvil(binary=str(tmp_path / "anvil"))


def test_stop__the_process_is_gone():
    anvil = Anvil().start()
    url = anvil.url

    anvil.stop()

    assert not anvil.is_running
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2])), 1)


def test_save__a_second_chain_goes_on_from_it(tmp_path):
    state = tmp_path / "chain.json"
    with Anvil(state=state) as first:
        first.mine(3)
        transfer = {"from": first.admin.address, "to": "0x" + 40 * "1", "value": hex(7)}
        sent = first.rpc("eth_sendTransaction", transfer)
        first.w3.eth.wait_for_transaction_receipt(sent, poll_latency=0.01)
        first.save()

    with Anvil(state=state) as second:
        assert second.w3.eth.block_number == 4
        assert second.w3.eth.get_transaction_receipt(sent)["blockNumber"] == 4
        assert second.w3.eth.get_balance(second.w3.to_checksum_address("0x" + 40 * "1")) == 7
    assert list(tmp_path.iterdir()) == [state]


def test_set_next_time__the_block_has_it_and_time_goes_on():
    with Anvil(timestamp=1_700_000_000) as anvil:
        anvil.set_next_time(1_700_000_900)
        anvil.mine()

        assert anvil.w3.eth.get_block("latest")["timestamp"] == 1_700_000_900
        assert 0 <= anvil.w3.eth.get_block("pending")["timestamp"] - 1_700_000_900 < 60


def test_rpc__unknown_method__says_so():
    with Anvil() as anvil, pytest.raises(ChainError, match="no_such"):
        anvil.rpc("no_such")


def test_init__program_from_the_environment(monkeypatch, tmp_path):
    monkeypatch.setenv("GRIDROAM_ANVIL", str(tmp_path / "anvil"))

    with pytest.raises(ChainError, match="GRIDROAM_ANVIL"):
        Anvil()
