"""Bringing messages to the ledger when the node, the chain or others do not play along."""

import time
from typing import Any

import pytest
from eth_account.signers.local import LocalAccount
from faults import Faults
from plug import Plug
from serving import a_relay, mine_until_decided, pool, roll_back, sent, wait_until

from gridroam.chain.anvil import Anvil
from gridroam.chain.ledger import Ledger
from gridroam.chain.outgoing import Fees, Outgoing
from gridroam.chain.signer import LocalSigner
from gridroam.chain.wallet import Wallet
from gridroam.domain.delivery import Status
from gridroam.store.batches import Batches, Transaction
from gridroam.store.engine import Store
from gridroam.store.outbox import Addition, Outbox
from gridroam.store.senders import Senders

pytestmark = pytest.mark.chain


def test_stuck_transaction_is_replaced_at_a_higher_fee(
    anvil: Anvil, ledger: Ledger, plug: Plug, database: str, sender: LocalAccount, no_mining: None
) -> None:
    with a_relay(anvil, ledger, database, replace_seconds=0.5) as relay:
        answer = relay.send([plug.opening()])[0]
        wait_until(lambda: pool(anvil, sender))
        ((nonce, first),) = pool(anvil, sender).items()
        wait_until(lambda: pool(anvil, sender)[nonce]["hash"] != first["hash"])
        second = pool(anvil, sender)[nonce]
        assert int(second["maxFeePerGas"], 16) >= int(first["maxFeePerGas"], 16) * 1.125
        assert second["input"] == first["input"]
        mine_until_decided(anvil, relay, answer.digest)
        assert relay.status(answer.digest).status is Status.CLEARED
    assert ledger.batch_count() == 1


def test_former_transaction_that_is_mined_after_all_counts(
    anvil: Anvil, ledger: Ledger, plug: Plug, database: str, sender: LocalAccount, no_mining: None
) -> None:
    with a_relay(anvil, ledger, database, replace_seconds=0.5) as relay:
        answer = relay.send([plug.opening()])[0]
        wait_until(lambda: pool(anvil, sender))
        ((nonce, first),) = pool(anvil, sender).items()
        raw = anvil.rpc("debug_getRawTransaction", first["hash"])
        wait_until(lambda: pool(anvil, sender)[nonce]["hash"] != first["hash"])
        anvil.rpc("anvil_dropTransaction", pool(anvil, sender)[nonce]["hash"])
        anvil.rpc("eth_sendRawTransaction", raw)
        anvil.mine()
        known = relay.status(answer.digest, wait=10)
    assert (known.status, known.transaction) == (Status.CLEARED, first["hash"])


def test_fee_never_exceeds_its_cap(
    anvil: Anvil, ledger: Ledger, plug: Plug, database: str, sender: LocalAccount, no_mining: None
) -> None:
    with a_relay(anvil, ledger, database, replace_seconds=0.1, max_fee_gwei=3) as relay:
        answer = relay.send([plug.opening()])[0]
        for _ in range(3):
            assert not relay.status(answer.digest, wait=1).decided
        (waiting,) = pool(anvil, sender).values()
        assert int(waiting["maxFeePerGas"], 16) <= 3 * 10**9


def test_dropped_transaction_is_sent_again(
    anvil: Anvil, ledger: Ledger, plug: Plug, database: str, sender: LocalAccount, no_mining: None
) -> None:
    with a_relay(anvil, ledger, database) as relay:
        answer = relay.send([plug.opening()])[0]
        wait_until(lambda: pool(anvil, sender))
        anvil.rpc("anvil_dropAllTransactions")
        wait_until(lambda: pool(anvil, sender))
        mine_until_decided(anvil, relay, answer.digest)
        assert relay.status(answer.digest).accepted


def test_nonce_that_another_transaction_took(
    anvil: Anvil, ledger: Ledger, plug: Plug, database: str, sender: LocalAccount, no_mining: None
) -> None:
    with a_relay(anvil, ledger, database) as relay:
        answer = relay.send([plug.opening()])[0]
        wait_until(lambda: pool(anvil, sender))
        anvil.rpc("anvil_dropAllTransactions")
        Wallet(anvil.w3, sender).post(sender.address, gas=21_000)
        anvil.mine()
        mine_until_decided(anvil, relay, answer.digest)
        assert relay.status(answer.digest).accepted
    assert ledger.batch_count() == 1


def test_block_that_vanishes_sends_its_messages_again(
    anvil: Anvil, ledger: Ledger, plug: Plug, database: str, no_mining: None
) -> None:
    with a_relay(anvil, ledger, database, confirmations=3) as relay:
        answer = relay.send([plug.opening()])[0]
        mine_until_decided(anvil, relay, answer.digest)
        mined = relay.status(answer.digest)
        roll_back(anvil)
        wait_until(lambda: not relay.status(answer.digest).decided)
        mine_until_decided(anvil, relay, answer.digest)
        again = relay.status(answer.digest)
    assert (mined.status, again.status) == (Status.CLEARED, Status.CLEARED)
    assert ledger.w3.eth.get_transaction_receipt(again.transaction)["blockNumber"] == again.block


def test_block_that_vanishes_while_the_node_fails_is_not_forgotten(
    anvil: Anvil, ledger: Ledger, plug: Plug, database: str, no_mining: None
) -> None:
    """Its transaction is in another block, which cannot be found out at once."""
    with (
        Faults(anvil.url) as faults,
        a_relay(anvil, ledger, database, rpc=faults.url, confirmations=3) as relay,
    ):
        answer = relay.send([plug.opening()])[0]
        mine_until_decided(anvil, relay, answer.digest)
        mined = relay.status(answer.digest)
        raw = anvil.rpc("debug_getRawTransaction", mined.transaction)
        faults.lie = no_receipts
        faults.asked.clear()
        roll_back(anvil)
        anvil.mine()
        anvil.rpc("eth_sendRawTransaction", raw)
        anvil.mine()
        wait_until(lambda: "eth_getTransactionReceipt" in faults.asked)
        faults.heal()
        anvil.rpc("anvil_mine", 3)
        wait_until(lambda: relay.status(answer.digest).step == "final")
        assert relay.status(answer.digest).block == (mined.block or 0) + 1


def no_receipts(request: dict[str, Any]) -> object:
    failure = {"error": {"code": -32603, "message": "internal error"}}
    return failure if request["method"] == "eth_getTransactionReceipt" else None


def test_what_waits_before_us_in_the_node_is_waited_for(
    anvil: Anvil, ledger: Ledger, plug: Plug, database: str, sender: LocalAccount, no_mining: None
) -> None:
    """Of a stranger, or of batches that went back to the outbox: nothing is sent twice for it."""
    Wallet(anvil.w3, sender).post(sender.address, gas=21_000)
    with a_relay(anvil, ledger, database) as relay:
        answer = relay.send([plug.opening()])[0]
        wait_until(lambda: len(pool(anvil, sender)) == 2)
        assert relay.status(answer.digest, wait=3).status is Status.SENT
        assert len(pool(anvil, sender)) == 2
        mine_until_decided(anvil, relay, answer.digest)
        assert relay.status(answer.digest).accepted
    assert ledger.batch_count() == 1


def test_what_waits_before_us_for_too_long_is_replaced(
    anvil: Anvil, ledger: Ledger, plug: Plug, database: str, sender: LocalAccount, no_mining: None
) -> None:
    nonce = anvil.w3.eth.get_transaction_count(sender.address)
    strange = Wallet(anvil.w3, sender).post(sender.address, gas=21_000)
    with a_relay(anvil, ledger, database, replace_seconds=1) as relay:
        answer = relay.send([plug.opening()])[0]
        wait_until(lambda: pool(anvil, sender)[str(nonce)]["hash"] != strange.to_0x_hex())
        mine_until_decided(anvil, relay, answer.digest)
        assert relay.status(answer.digest).accepted


def test_former_transaction_with_a_message_that_has_moved_on_since_counts(
    anvil: Anvil, ledger: Ledger, plug: Plug, other_plug: Plug, database: str, sender: LocalAccount
) -> None:
    """A replacement was signed after one of the batch's messages had gone to another batch."""
    signed = [plug.opening(), other_plug.opening()]
    outgoing = Outgoing(anvil.w3, LocalSigner(bytes(sender.key)), ledger.address, 31337)
    fees = outgoing.usual_fees().offer
    nonce = outgoing.mined_count()

    def transaction(bodies: list[bytes], fees: Fees) -> Transaction:
        found = outgoing.sign(ledger.submit_calldata(bodies), nonce, 1_000_000, fees)
        return Transaction(found.hash, found.raw, fees.max_fee, fees.tip, 0)

    bodies = [one.pack() for one in signed]
    store = Store.open(database)
    digests = [plug.digest(one) for one in signed]
    Outbox(store).add([Addition(d, 1, True, b, 0) for d, b in zip(digests, bodies, strict=True)])
    lease = Senders(store).acquire(sender.address, "before", 0)
    assert lease is not None
    batches = Batches(store, lease)
    former = transaction(bodies, fees)
    with batches.claim(10) as claim:
        batch = claim.make(claim.waiting[:1], nonce, 1_000_000, former)
    batches.add_transaction(batch, transaction(bodies[:1], fees.raised(fees)))
    store.close()
    outgoing.send(former.raw)
    with a_relay(anvil, ledger, database) as relay:
        known = [relay.status(digest, wait=10) for digest in digests]
    assert [answer.status for answer in known] == [Status.CLEARED] * 2


def test_node_that_fetches_the_chain_is_not_believed_that_it_has_lost_it(
    anvil: Anvil, ledger: Ledger, plug: Plug, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gridroam.relay.sight.PATIENCE", 0.2)
    with (
        Faults(anvil.url) as faults,
        a_relay(anvil, ledger, database, rpc=faults.url) as relay,
    ):
        answer = relay.send([plug.opening()], wait=10)[0]
        faults.lie = beginning
        assert answer.digest
        for _ in range(6):
            time.sleep(0.5)
            assert relay.status(answer.digest).status is Status.CLEARED
        faults.heal()
        assert relay.send([plug.last()], wait=10)[0].accepted
    assert ledger.batch_count() == 2


def beginning(request: dict[str, Any]) -> object:
    """As a node answers that has just begun."""
    block = {"number": "0x0", "timestamp": "0x0", "hash": "0x" + 64 * "0"}
    return {
        "eth_getBlockByNumber": {"result": block},
        "eth_getTransactionCount": {"result": "0x0"},
        "eth_getTransactionReceipt": {"result": None},
        "eth_syncing": {"result": {"currentBlock": "0x0", "highestBlock": "0xfff"}},
    }.get(request["method"])


def test_blocks_become_final_while_batches_follow_each_other_closely(
    anvil: Anvil, ledger: Ledger, plug: Plug, database: str
) -> None:
    with a_relay(anvil, ledger, database, confirmations=1) as relay:
        first = relay.send([plug.opening()], wait=10)[0]
        deadline = time.monotonic() + 10
        while relay.status(first.digest).step != "final":
            assert time.monotonic() < deadline, "nothing becomes final under load"
            assert relay.send([plug.report()], wait=10)[0].accepted


def test_chain_that_lost_final_blocks_gets_them_again(
    anvil: Anvil, ledger: Ledger, plug: Plug, database: str
) -> None:
    with a_relay(anvil, ledger, database) as relay:
        first = relay.send([plug.opening(), plug.report()], wait=10)
        assert all(answer.accepted for answer in first)
        roll_back(anvil)
        assert ledger.session(plug.station.number).number == 0
        wait_until(lambda: ledger.session(plug.station.number).report == 1)
        wait_until(lambda: relay.relay().sent == 0)
        assert all(relay.status(answer.digest).accepted for answer in first)
        assert relay.send([plug.last()], wait=10)[0].accepted


def test_batch_that_fails_as_a_whole_is_sent_again_with_more_gas(
    anvil: Anvil,
    ledger: Ledger,
    all_plugs: list[Plug],
    database: str,
    sender: LocalAccount,
    monkeypatch: Any,
) -> None:
    """As if messages needed much more gas than they do."""
    monkeypatch.setattr("gridroam.relay.gas.BATCH", 50_000)
    monkeypatch.setattr("gridroam.relay.gas.OPENING", 10_000)
    monkeypatch.setattr("gridroam.relay.gas.REPORT", 10_000)
    messages = [one for p in all_plugs for one in (p.opening(), p.report(), p.last())]
    with a_relay(anvil, ledger, database) as relay:
        answers = relay.send(messages)
        assert all(relay.status(answer.digest, wait=10).accepted for answer in answers)
    failed = [
        tx for tx in sent(anvil, sender) if anvil.w3.eth.get_transaction_receipt(tx)["status"] == 0
    ]
    assert len(failed) == 1


def test_report_is_not_rejected_because_its_opening_came_back(
    anvil: Anvil, ledger: Ledger, plug: Plug, database: str, sender: LocalAccount, no_mining: None
) -> None:
    """Two batches are under way; the first loses its nonce to a stranger's transaction."""
    with a_relay(anvil, ledger, database) as relay:
        opening = relay.send([plug.opening()])[0]
        wait_until(lambda: len(pool(anvil, sender)) == 1)
        report = relay.send([plug.report()])[0]
        wait_until(lambda: len(pool(anvil, sender)) == 2)
        second = max(pool(anvil, sender).items(), key=lambda item: int(item[0]))[1]
        raw = anvil.rpc("debug_getRawTransaction", second["hash"])
        anvil.rpc("anvil_dropAllTransactions")
        Wallet(anvil.w3, sender).post(sender.address, gas=21_000)
        anvil.rpc("eth_sendRawTransaction", raw)
        anvil.mine()
        mine_until_decided(anvil, relay, report.digest)
        assert relay.status(opening.digest).accepted
        assert relay.status(report.digest).accepted


def test_account_that_was_replaced_is_seen_to_its_end(
    anvil: Anvil,
    ledger: Ledger,
    plug: Plug,
    other_plug: Plug,
    database: str,
    no_mining: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its transaction is mined or, where it is not, its messages go through the new account."""
    monkeypatch.setattr("gridroam.relay.crew.ORPHAN_SECONDS", 0.0)
    with a_relay(anvil, ledger, database) as relay:
        answer = relay.send([plug.opening()])[0]
        wait_until(lambda: relay.relay().sent == 1)
    anvil.rpc("anvil_dropAllTransactions")
    anvil.rpc("evm_setAutomine", True)
    key = "0x" + anvil.keys[8].hex()
    chosen = {"sender_key": key, "replace_seconds": 0.2, "lease_seconds": 1}
    with a_relay(anvil, ledger, database, **chosen) as relay:
        assert relay.status(answer.digest, wait=20).accepted
        assert relay.send([plug.last(), other_plug.opening()], wait=10)[1].accepted
    assert ledger.batch_count() >= 2
