"""Where the relay's time goes: CPU time for a message in each of its steps, alone, without a node.

python scripts/bench_steps.py [--rounds 80]: 100 messages in a round, openings and reports of 12
slots in turn, on a new SQLite. Prints the quickest tenth of the rounds, in microseconds, which
other work on the machine hardly disturbs.
"""

import argparse
import json
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from web3 import Web3

from gridroam import messages
from gridroam.chain import abi
from gridroam.chain.calldata import submission
from gridroam.chain.outgoing import Fees, Outgoing, Receipt
from gridroam.chain.signer import LocalSigner
from gridroam.domain.slots import SLOT
from gridroam.messages import Domain, EnergyReport, OpenSession, Signed, sign
from gridroam.relay import outcomes
from gridroam.relay.answers import messages_response
from gridroam.relay.choice import Bounds, choose
from gridroam.relay.reading import read_messages
from gridroam.relay.schemas import message_json
from gridroam.relay.simulation import Arrival
from gridroam.signatures import Secp256k1Key, recover
from gridroam.store.batches import Batches, Claim, Place, State, Transaction
from gridroam.store.engine import Store
from gridroam.store.outbox import Addition, Outbox
from gridroam.store.outcome import STORED
from gridroam.store.search import Position, Search
from gridroam.store.senders import Senders

MANY = 100
SLOTS = 12
DOMAIN = Domain(31337, "0x" + "11" * 20)
KEYS = [Secp256k1Key(number.to_bytes(32, "big")) for number in range(1, MANY + 1)]
FEES = Fees(max_fee=100 * 10**9, tip=10**9)
BOUNDS = Bounds(MANY, 12_000_000, 100)
TOPICS = {event.name: "0x" + event.topic.hex() for event in abi.events("Ledger")}


class Clock:
    """CPU time of each step, round by round."""

    def __init__(self) -> None:
        self.times: defaultdict[str, list[float]] = defaultdict(list)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        start = time.process_time()
        yield
        self.times[name].append(time.process_time() - start)

    def show(self) -> None:
        for name, times in self.times.items():
            quick = sorted(times)[len(times) // 10]
            print(f"{name:44}{1e6 * quick / MANY:>8.1f}")


def delivery(turn: int) -> list[Signed]:
    """Of 100 stations: their openings, and in the next turn their reports."""
    begin = 1_700_000_000 // SLOT * SLOT + turn // 2 * (SLOTS + 1) * SLOT
    session = turn // 2 + 1
    imported = session * 1_000_000
    if turn % 2 == 0:

        def message(station: int) -> OpenSession | EnergyReport:
            return OpenSession(station, session, bytes(32), begin + 450, imported, 0)

    else:
        boundaries = tuple((imported + n * 2_000, n * 1_000) for n in range(1, SLOTS))

        def message(station: int) -> OpenSession | EnergyReport:
            end = begin + SLOTS * SLOT
            reading = imported + SLOTS * 2_000, SLOTS * 1_000
            return EnergyReport(station, session, 1, end, *reading, True, boundaries=boundaries)

    return [sign(DOMAIN, message(number), key) for number, key in enumerate(KEYS, 1)]


def receipt(claimed: Any, block: int) -> Receipt:
    """As a node gives it for the batch."""
    logs: list[dict[str, Any]] = [
        {
            "address": DOMAIN.ledger,
            "topics": [
                TOPICS["SessionCleared" if message.opening else "ReportSettled"],
                "0x" + message.station.to_bytes(32, "big").hex(),
            ],
            "data": "0x" + "00" * 32 * 8 + message.digest.hex(),
        }
        for message in claimed.messages
    ]
    return Receipt(claimed.transactions[0].hash, block, bytes(32), True, 1, logs, 1)


def measure(rounds: int, store: Store) -> None:
    signer = LocalSigner(b"\1" * 32)
    lease = Senders(store).acquire(signer.address, "bench", 3600)
    if lease is None:
        raise SystemExit("the account is taken")
    outbox, batches, search = Outbox(store), Batches(store, lease), Search(store)
    clock, position = Clock(), Position(0, 0)
    sign_batch = _signing(Outgoing(Web3(), signer, DOMAIN.ledger, DOMAIN.chain_id))
    for turn in range(rounds):
        body = json.dumps({"messages": [message_json(one) for one in delivery(turn)]}).encode()
        with clock.step("body to messages"):
            read = [one for one in read_messages(body, DOMAIN) if isinstance(one, Signed)]
        with clock.step("digest and wire format"):
            arrivals = [_arrival(one) for one in read]
        with clock.step("the station's signature"):
            for arrival in arrivals:
                recover(arrival.digest, arrival.signed.signature)
        with clock.step("is it known already"):
            outbox.known([arrival.digest for arrival in arrivals])
        with clock.step("stored"):
            outbox.add([Addition(a.digest, a.station, a.opening, a.body, turn) for a in arrivals])
        with clock.step("what waits"):
            batches.queue(MANY)
        with clock.step("claimed, laid out, signed, written"), batches.claim(MANY) as claim:
            batch = sign_batch(claim, turn)
        found = receipt(batch, turn)
        with clock.step("receipt read"):
            decided = outcomes.of_receipt(found, batch.messages, DOMAIN.ledger)
        ids = [message.id for message in batch.messages]
        with clock.step("outcome written"):
            place = Place(turn, bytes(32))
            batches.settle(batch, place, State.FINAL, dict(zip(ids, decided, strict=True)), turn)
        with clock.step("into the feed's memory, if somebody listens"):
            position = search.feed(position, limit=MANY)[-1].position or position
        with clock.step("answered"):
            messages_response([(arrival.digest, STORED) for arrival in arrivals])
    clock.show()


def _arrival(one: Signed) -> Arrival:
    opening = isinstance(one.message, OpenSession)
    return Arrival(one, messages.digest(DOMAIN, one.message), one.pack(), opening)


def _signing(outgoing: Outgoing) -> Callable[[Claim, int], Any]:
    def make(claim: Claim, nonce: int) -> Any:
        choice = choose(claim.waiting, BOUNDS)
        data = submission([message.body for message in choice.messages])
        signed = outgoing.sign(data, nonce, choice.gas, FEES)
        transaction = Transaction(signed.hash, signed.raw, FEES.max_fee, FEES.tip, nonce)
        return claim.make(choice.messages, nonce, choice.gas, transaction)

    return make


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=80)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        opened = Store.open(str(Path(folder) / "relay.db"))
        measure(chosen.rounds, opened)
        opened.close()
