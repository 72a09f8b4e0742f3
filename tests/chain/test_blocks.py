"""Blocks of a real node add up; transactions of every kind are encoded as they were signed."""

from typing import Any

import pytest
from eth_account import Account

from gridroam.chain import envelopes, rlp, trie
from gridroam.chain.anvil import Anvil
from gridroam.chain.blocks import Blocks
from gridroam.chain.header import data, header_of
from gridroam.chain.ledger import Ledger
from gridroam.chain.logs import Logs
from gridroam.chain.rpc import Rpc
from gridroam.domain.hashing import keccak
from gridroam.errors import ChainError, FalseAnswerError

TO = "0x00000000000000000000000000000000000000AB"
ACCESS = [{"address": TO, "storageKeys": ["0x" + "01" * 32, "0x" + "02" * 32]}]
FEES = {"maxFeePerGas": 3 * 10**9, "maxPriorityFeePerGas": 10**9}
KINDS: dict[str, dict[str, Any]] = {
    "legacy": {"gasPrice": 2 * 10**9},
    "access list": {"gasPrice": 2 * 10**9, "accessList": ACCESS, "type": 1},
    "dynamic fee": FEES | {"accessList": ACCESS, "type": 2},
    "creation": FEES | {"to": "", "data": "0x600160005260206000f3", "gas": 200_000},
}


@pytest.fixture
def blocks(anvil: Anvil, ledger: Ledger) -> Blocks:
    return Blocks(Rpc(anvil.url), ledger.addresses)


def test_read__a_real_market__has_every_log_that_the_node_gives(
    anvil: Anvil, ledger: Ledger, blocks: Blocks
) -> None:
    last = ledger.w3.eth.block_number
    given = [
        log for some in Logs(Rpc(anvil.url), ledger.addresses).between(0, last) for log in some
    ]
    stretch = blocks.read(0, last)
    some = [tx.logs for block in stretch.blocks for tx in block.transactions]
    encoded = [log for logs in some for log in rlp.items(logs.encoded)]
    places = [place for logs in some for place in logs.places]
    said = [[g["address"], g["topics"], g["data"]] for g in given]
    assert encoded == [[data(a), [data(t) for t in topics], data(d)] for a, topics, d in said]
    assert [log for logs in some for log in logs.found] == given
    assert places == [int(g["logIndex"], 16) for g in given]
    assert len(given) > 30
    assert blocks.read(0, last) == stretch  # now every block is asked for whole
    assert stretch.last.hash == ledger.w3.eth.get_block(last)["hash"]


def test_read__node_without_block_receipts__asks_for_each(
    anvil: Anvil, ledger: Ledger, blocks: Blocks, monkeypatch: pytest.MonkeyPatch
) -> None:
    last = ledger.w3.eth.block_number
    stretch = blocks.read(0, last)
    many = Rpc.many

    def without(rpc: Rpc, calls: Any) -> Any:
        renamed = [(m.replace("eth_getBlockReceipts", "eth_unheard"), p) for m, p in calls]
        return many(rpc, renamed)

    monkeypatch.setattr(Rpc, "many", without)
    assert Blocks(Rpc(anvil.url), ledger.addresses).read(0, last) == stretch


def test_header__block_that_is_not_there__is_told(blocks: Blocks) -> None:
    with pytest.raises(ChainError, match="has no block 999999"):
        blocks.header(999_999)


@pytest.mark.parametrize("kind", KINDS)
def test_envelopes__every_kind_in_one_block__hash_to_its_roots(anvil: Anvil, kind: str) -> None:
    signer = Account.from_key(anvil.keys[1])
    nonce = anvil.w3.eth.get_transaction_count(signer.address)
    anvil.rpc("evm_setAutomine", False)
    try:
        for i in range(3):
            fields = {"to": TO, "value": i, "gas": 100_000, "chainId": 31337} | KINDS[kind]
            signed = signer.sign_transaction(fields | {"nonce": nonce + i})
            anvil.w3.eth.send_raw_transaction(signed.raw_transaction)
        anvil.mine()
    finally:
        anvil.rpc("evm_setAutomine", True)
    number = anvil.w3.eth.block_number
    block = anvil.rpc("eth_getBlockByNumber", hex(number), True)
    header = header_of(block, number)
    encoded = [envelopes.transaction(tx) for tx in block["transactions"]]
    assert len(encoded) == 3
    assert [keccak(one) for one in encoded] == [data(tx["hash"]) for tx in block["transactions"]]
    assert trie.root_of(encoded) == header.transactions_root
    receipts = [envelopes.receipt(r) for r in anvil.rpc("eth_getBlockReceipts", hex(number))]
    assert trie.root_of(receipts) == header.receipts_root


def test_envelopes__authorizations__hash_as_signed() -> None:
    """A kind that anvil does not mine without more ado."""
    key = "0x" + "11" * 32
    authorization = Account.sign_authorization({"chainId": 1, "address": TO, "nonce": 7}, key)
    fields: dict[str, Any] = FEES | {"to": TO, "value": 1, "gas": 10**5, "chainId": 1, "nonce": 0}
    signed = Account.sign_transaction(
        fields | {"authorizationList": [authorization], "data": "0x0102", "type": 4}, key
    )
    tx = {name: hex(value) for name, value in fields.items() if isinstance(value, int)} | {
        "type": "0x4",
        "to": TO,
        "input": "0x0102",
        "accessList": [],
        "authorizationList": [
            {
                "chainId": "0x1",
                "address": TO,
                "nonce": "0x7",
                "yParity": hex(authorization.y_parity),
                "r": hex(authorization.r),
                "s": hex(authorization.s),
            }
        ],
        "yParity": hex(signed.v),
        "r": hex(signed.r),
        "s": hex(signed.s),
    }
    assert keccak(envelopes.transaction(tx)) == signed.hash


def test_envelopes__unknown_kind__is_refused() -> None:
    with pytest.raises(ValueError, match="0x64"):
        envelopes.transaction({"type": "0x64"})


@pytest.mark.parametrize("name", ["parentHash", "logsBloom", "timestamp", "gasUsed", "stateRoot"])
def test_header__any_field_changed__is_caught(anvil: Anvil, name: str) -> None:
    block = anvil.rpc("eth_getBlockByNumber", "0x5", False)
    header_of(block, 5)
    digit = "1" if block[name][-1] != "1" else "2"
    with pytest.raises(FalseAnswerError, match="block 5: its header has the hash"):
        header_of(block | {name: block[name][:-1] + digit}, 5)


def test_header__of_another_block__is_caught(anvil: Anvil) -> None:
    block = anvil.rpc("eth_getBlockByNumber", "0x5", False)
    with pytest.raises(FalseAnswerError, match="block 4: it is block 5"):
        header_of(block, 4)
