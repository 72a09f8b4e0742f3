"""Who may send from an account, and which messages a sender may take: on a shared database."""

from collections.abc import Iterator

import pytest
from databases import Server
from serving import wait_until

from gridroam.chain.signer import Nobody
from gridroam.errors import LeaseLostError
from gridroam.relay.crew import Crew
from gridroam.relay.sender import Sender
from gridroam.store.batches import Batches, Transaction
from gridroam.store.engine import Store
from gridroam.store.outbox import Addition, Outbox
from gridroam.store.senders import Lease, Senders

ONE, OTHER = "0x" + 40 * "a", "0x" + 40 * "b"


@pytest.fixture
def store(postgresql: Server) -> Iterator[Store]:
    opened = Store.open(postgresql.database())
    yield opened
    opened.close()


def leased(store: Store, address: str, holder: str = "here", seconds: float = 60) -> Lease:
    lease = Senders(store).acquire(address, holder, seconds)
    assert lease is not None
    return lease


def add(store: Store, number: int, station: int) -> None:
    Outbox(store).add([Addition(bytes([number]) * 32, station, False, b"body", number)])


def taken(batches: Batches, nonce: int, count: int) -> list[int]:
    """The first bytes of the digests of what went into a batch."""
    with batches.claim(10) as claim:
        chosen = claim.waiting[:count]
        if chosen:
            signed = Transaction(bytes([nonce, chosen[0].id]) * 16, b"raw", 10, 1, 0)
            claim.make(chosen, nonce, 100, signed)
        return [message.digest[0] for message in chosen]


def test_account_is_one_process_s_until_its_lease_is_over(store: Store) -> None:
    senders = Senders(store)
    leased(store, ONE, "here", 60)
    assert senders.acquire(ONE, "there", 60) is None
    assert senders.acquire(OTHER, "there", 0) is not None
    assert senders.acquire(OTHER, "here", 60) is not None


def test_lease_that_was_given_up_is_free_at_once(store: Store) -> None:
    senders = Senders(store)
    senders.release(leased(store, ONE, "here", 60))
    assert senders.acquire(ONE, "there", 60) is not None


def test_process_that_slept_through_its_lease_writes_nothing_any_more(store: Store) -> None:
    add(store, 1, station=1)
    stale = Batches(store, leased(store, ONE, "asleep", 0))
    fresh = Batches(store, leased(store, ONE, "awake", 60))
    with pytest.raises(LeaseLostError):
        taken(stale, 1, 1)
    assert taken(fresh, 1, 1) == [1]


def test_bug_in_a_round_does_not_end_looking_after_the_accounts(store: Store) -> None:
    tries = []

    def hire(_: object, lease: Lease) -> Sender:
        tries.append(lease)
        raise RuntimeError("can't start new thread")

    crew = Crew([], Senders(store), hire, 0.1)
    crew.start()
    crew._signers = {ONE: Nobody(ONE)}
    try:
        wait_until(lambda: len(tries) > 1, 5)
    finally:
        crew.stop()


def test_claimed_messages_are_passed_over(store: Store) -> None:
    for number in (1, 2, 3):
        add(store, number, station=number)
    one, other = (Batches(store, leased(store, address)) for address in (ONE, OTHER))
    with one.claim(2) as claim:
        assert [message.digest[0] for message in claim.waiting] == [1, 2]
        assert taken(other, 1, 10) == [3]


def test_message_never_overtakes_one_of_its_station_that_another_account_has(store: Store) -> None:
    add(store, 1, station=7)
    add(store, 2, station=7)
    add(store, 3, station=8)
    one, other = (Batches(store, leased(store, address)) for address in (ONE, OTHER))
    with one.claim(1):
        assert taken(other, 1, 10) == [3]
    assert taken(one, 1, 1) == [1]
    assert taken(other, 2, 10) == []
    assert taken(one, 2, 10) == [2]
