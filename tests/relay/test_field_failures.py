"""The ways in which relays of the field broke, each brought about here with real parts. What must
hold in all of them: every hash of a nonce is remembered, nothing jams, nothing doubles.
"""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress

import pytest
from databases import Server
from eth_account import Account
from eth_account.signers.local import LocalAccount
from faults import Faults
from plug import Plug
from serving import a_relay, mine_until_decided, pool, roll_back, served, settings, wait_until

from gridroam.chain import events
from gridroam.chain.anvil import Anvil
from gridroam.chain.ledger import Ledger
from gridroam.domain.delivery import Status
from gridroam.domain.reasons import Reason
from gridroam.errors import ChainError
from gridroam.relay.client import RelayClient
from gridroam.store.engine import Store
from gridroam.store.senders import Senders

pytestmark = pytest.mark.chain


@pytest.fixture
def faults(anvil: Anvil) -> Iterator[Faults]:
    with Faults(anvil.url) as proxy:
        yield proxy


def count(anvil: Anvil, sender: LocalAccount) -> int:
    return anvil.w3.eth.get_transaction_count(sender.address)


def not_broadcast(request: dict[str, object]) -> object:
    """The node is asked to take a transaction, and fails before it does."""
    if request["method"] != "eth_sendRawTransaction":
        return None
    return {"error": {"code": -32603, "message": "internal error"}}


def test_nonce_counter_that_ran_ahead_of_the_chain_does_not_jam(
    anvil: Anvil,
    ledger: Ledger,
    all_plugs: list[Plug],
    database: str,
    sender: LocalAccount,
    faults: Faults,
) -> None:
    """openzeppelin-relayer #818: the counter grows when a transaction is prepared, is never taken
    back when it is not broadcast, and everything later is refused as `nonce too high`; a restart
    does not help. Here nonces are those of rows, and a nonce that the chain has not reached is
    filled with its own transaction."""
    before = count(anvil, sender)
    faults.lie = not_broadcast
    with a_relay(anvil, ledger, database, rpc=faults.url) as relay:
        first = relay.send([all_plugs[0].opening()])[0]
        wait_until(lambda: relay.status(first.digest).status is Status.SENT)
        second = relay.send([all_plugs[1].opening()])[0]
        wait_until(lambda: relay.status(second.digest).status is Status.SENT)
    assert count(anvil, sender) == before
    faults.heal()
    with a_relay(anvil, ledger, database) as relay:
        third = relay.send([all_plugs[2].opening()])[0]
        assert all(relay.status(a.digest, wait=10).accepted for a in (first, second, third))
    assert count(anvil, sender) == before + 3


def test_node_that_takes_nothing_is_complained_of_once(
    anvil: Anvil,
    ledger: Ledger,
    plug: Plug,
    database: str,
    faults: Faults,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """It is asked every second, for as long as it takes."""
    faults.lie = not_broadcast
    with a_relay(anvil, ledger, database, rpc=faults.url) as relay:
        answer = relay.send([plug.opening()])[0]
        asked = "eth_sendRawTransaction"
        wait_until(lambda: faults.asked.count(asked) > 3)
        faults.heal()
        assert relay.status(answer.digest, wait=10).accepted
    assert caplog.text.count("does not take a batch") == 1


def test_all_places_under_way_that_were_never_broadcast_do_not_jam(
    anvil: Anvil,
    ledger: Ledger,
    all_plugs: list[Plug],
    database: str,
    sender: LocalAccount,
    faults: Faults,
) -> None:
    """openzeppelin-relayer #843: the recovery looked for unused nonces, and found none, because
    each that was prepared and never broadcast counted as used. Here all places are full of such,
    more keeps coming, and it heals without a restart."""
    before = count(anvil, sender)
    faults.lie = not_broadcast
    with a_relay(anvil, ledger, database, rpc=faults.url, in_flight=2, batch_messages=1) as relay:
        answers = [relay.send([plug.opening()])[0] for plug in all_plugs[:4]]
        wait_until(lambda: relay.relay().sent == 2)
        faults.heal()
        assert all(relay.status(answer.digest, wait=15).accepted for answer in answers)
    assert count(anvil, sender) == before + 4


def test_two_workers_never_prepare_the_same_send(
    anvil: Anvil, ledger: Ledger, all_plugs: list[Plug], postgresql: Server
) -> None:
    """openzeppelin-relayer #845: two workers took the same transaction from the queue, and each
    gave it a nonce. Here two relays with an account each work on one outbox as fast as they can,
    until both have sent, and no message is in two transactions."""
    database = postgresql.database()
    keys = ["0x" + anvil.keys[number].hex() for number in (8, 9)]
    senders: list[LocalAccount] = [Account.from_key(key) for key in keys]
    sent = [count(anvil, one) for one in senders]
    before = anvil.w3.eth.block_number
    with ExitStack() as stack:
        urls = [
            stack.enter_context(
                served(settings(anvil, ledger.address, database, sender_key=key, batch_seconds=0))
            )
            for key in keys
        ]
        relays = [stack.enter_context(RelayClient(url)) for url in urls]

        def session(number: int, plug: Plug) -> list[bytes]:
            relay = relays[number % 2]
            digests: list[bytes] = []
            for _ in range(4):
                signed = [plug.opening(), plug.report(), plug.last()]
                digests += [answer.digest or b"" for answer in relay.send(signed)]
            return digests

        digests: list[bytes] = []

        def both_have_sent() -> bool:
            with ThreadPoolExecutor(4) as threads:
                for several in threads.map(session, range(4), all_plugs[:4]):
                    digests.extend(several)
            assert all(relays[0].status(digest, wait=15).accepted for digest in digests)
            return all(count(anvil, one) > n for one, n in zip(senders, sent, strict=True))

        wait_until(both_have_sent, 60)
    happened = events.fetch(ledger.w3, [ledger.address], before + 1, anvil.w3.eth.block_number)
    decided = [e for e in happened if isinstance(e, events.SessionCleared | events.ReportSettled)]
    assert len(decided) == len(digests)
    assert not [e for e in happened if isinstance(e, events.MessageRejected)]


def test_one_account_is_sent_from_by_one_relay_only(
    anvil: Anvil, ledger: Ledger, plug: Plug, postgresql: Server
) -> None:
    """openzeppelin-relayer #845, with one account for both: the second relay serves, and does not
    send; what it takes goes through the first."""
    database = postgresql.database()
    with (
        a_relay(anvil, ledger, database) as first,
        a_relay(anvil, ledger, database, lease_seconds=60) as second,
    ):
        assert second.send([plug.opening()], wait=10)[0].accepted
        assert first.send([plug.last()], wait=10)[0].accepted
    store = Store.open(database)
    (state,) = Senders(store).all()
    store.close()
    assert not state.held


def test_first_hash_that_is_mined_after_a_restart_counts(
    anvil: Anvil, ledger: Ledger, plug: Plug, database: str, sender: LocalAccount, no_mining: None
) -> None:
    """morpho-bots #197: a replaced transaction's first hash was forgotten, was mined after all, and
    the bot waited for the second for ever. Here all hashes of a nonce are in the database."""
    with a_relay(anvil, ledger, database, replace_seconds=0.5) as relay:
        answer = relay.send([plug.opening()])[0]
        wait_until(lambda: pool(anvil, sender))
        ((nonce, first),) = pool(anvil, sender).items()
        raw = anvil.rpc("debug_getRawTransaction", first["hash"])
        wait_until(lambda: pool(anvil, sender)[nonce]["hash"] != first["hash"])
    anvil.rpc("anvil_dropAllTransactions")
    anvil.rpc("eth_sendRawTransaction", raw)
    anvil.mine()
    with a_relay(anvil, ledger, database) as relay:
        known = relay.status(answer.digest, wait=10)
    assert (known.status, known.transaction) == (Status.CLEARED, first["hash"])
    assert ledger.batch_count() == 1


def test_message_that_fails_its_simulation_uses_no_nonce(
    anvil: Anvil, ledger: Ledger, plug: Plug, database: str, sender: LocalAccount
) -> None:
    """rrelayer #98: a nonce was reserved before the simulation had succeeded, and each retry of
    the client burnt another one. Here a nonce belongs to a signed batch."""
    before = count(anvil, sender)
    with a_relay(anvil, ledger, database) as relay:
        report = plug.report()
        for _ in range(3):
            refused = relay.send([report])[0]
            assert (refused.status, refused.reason) == (Status.REFUSED, Reason.SESSION_NOT_OPEN)
        plug.number = 0
        assert relay.send([plug.opening()], wait=10)[0].accepted
    assert count(anvil, sender) == before + 1


def test_what_is_mined_already_is_not_sent_again_at_the_next_nonce(
    anvil: Anvil,
    ledger: Ledger,
    plug: Plug,
    database: str,
    sender: LocalAccount,
    faults: Faults,
) -> None:
    """alto #747: the answer to a send was lost, the transaction was mined, and the bundle went out
    once more with the next nonce. Here the node takes the transaction and nobody hears of it, nor
    gets a receipt for a while."""
    before = count(anvil, sender)
    silenced = threading.Event()

    def no_receipts(request: dict[str, object]) -> object:
        if request["method"] == "eth_sendRawTransaction":
            silenced.set()
            anvil.rpc("eth_sendRawTransaction", *request["params"])  # type: ignore[misc]
            return {"error": {"code": -32000, "message": "nonce too low"}}
        late = silenced.is_set() and request["method"] == "eth_getTransactionReceipt"
        return {"result": None} if late else None

    faults.lie = no_receipts
    with a_relay(anvil, ledger, database, rpc=faults.url) as relay:
        answer = relay.send([plug.opening()])[0]
        wait_until(lambda: count(anvil, sender) == before + 1)
        assert not relay.status(answer.digest, wait=1.5).decided
        faults.heal()
        assert relay.status(answer.digest, wait=10).status is Status.CLEARED
        assert relay.send([plug.last()], wait=10)[0].accepted
    assert count(anvil, sender) == before + 2


def test_reorg_deeper_than_finality_is_survived(
    anvil: Anvil, ledger: Ledger, all_plugs: list[Plug], database: str
) -> None:
    """ponder #1657: a reorg beyond the block that had been called final ended the process. Here
    what was final goes back to the outbox like everything else."""
    with a_relay(anvil, ledger, database, confirmations=1) as relay:
        first = [relay.send([plug.opening()], wait=10)[0] for plug in all_plugs[:3]]
        for answer in first:
            mine_until_decided(anvil, relay, answer.digest)
        first_block = relay.status(first[0].digest).block
        assert first_block
        before = anvil.w3.eth.get_block(first_block)["hash"]
        roll_back(anvil, anvil.w3.eth.block_number - first_block + 1)
        wait_until(lambda: _is_open(ledger, all_plugs[2]))
        assert anvil.w3.eth.get_block(first_block)["hash"] != before
        assert all(relay.status(answer.digest, wait=10).accepted for answer in first)
        assert relay.send([all_plugs[0].last()], wait=10)[0].accepted


def _is_open(ledger: Ledger, plug: Plug) -> bool:
    """While anvil takes blocks away, it has no state for a moment."""
    with suppress(ChainError):
        return ledger.session(plug.station.number).number == 1
    return False
