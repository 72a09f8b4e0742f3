"""Messages per second from HTTP to the block, beside a plain web3.py loop and beside what the chain
itself can do with the same batches; and how long a driver waits for a clearing."""

import contextlib
import json
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

from bench_fleet import GROUP, Fleet, Session, fleet
from eth_account import Account
from web3 import HTTPProvider, Web3
from web3.middleware import SignAndSendRawMiddlewareBuilder

from gridroam.chain.events import ReportSettled, SessionCleared, fetch
from gridroam.chain.outgoing import Answer, Fees, Outgoing
from gridroam.chain.signer import LocalSigner
from gridroam.chain.wallet import TX_GAS_LIMIT
from gridroam.demo.relay_process import RelayProcess
from gridroam.errors import ChainError, RelayError
from gridroam.messages import Signed
from gridroam.relay.client import RelayClient
from gridroam.relay.schemas import message_json

STATIONS = 400
TURNS = 3
ROUNDS = 3
PLAIN_SESSIONS = 50
SINGLE_SESSIONS, SINGLE_CLIENTS = 400, 16
CLEARINGS, CLEARINGS_PER_S = 400, 25
TIMEOUT = 60.0
FEES = Fees(max_fee=100 * 10**9, tip=10**9)

Figures = dict[str, float]


def measure() -> Figures:
    """All in one run, on one chain that mines every transaction at once. What is compared takes
    turns, so that it is compared under the same conditions; the median turn counts."""
    with fleet(STATIONS, int(time.time())) as stations, tempfile.TemporaryDirectory() as folder:
        chain = _Chain(stations)
        chain.rate(_rounds(stations, 2))
        key, address = stations.anvil.keys[1], stations.ledger.address
        with RelayProcess(stations.anvil.url, address, key, Path(folder)) as relay:
            through = _RelayBench(stations, relay.url)
            turns = [
                (_plain_loop(stations), chain.rate(_rounds(stations, ROUNDS)), through.bulk())
                for _ in range(TURNS)
            ]
            single, clearing = through.single(), through.clearing_times()
            with _blocks_of_a_second(stations):
                in_blocks = through.clearing_times()
        accepted = _accepted(stations, Path(folder))
    plain, ceiling, bulk = map(statistics.median, zip(*turns, strict=True))
    return {
        "relay.messages_per_s": round(bulk, 1),
        "relay.messages_per_s_one_per_request": round(single, 1),
        "relay.plain_loop_messages_per_s": round(plain, 1),
        "relay.chain_ceiling_messages_per_s": round(ceiling, 1),
        "relay.vs_plain_loop": round(bulk / plain, 2),
        "relay.vs_chain_ceiling": round(bulk / ceiling, 2),
        "relay.clearings_per_s": CLEARINGS_PER_S,
        "relay.clearing_median_ms": round(1000 * statistics.median(clearing)),
        "relay.clearing_p99_ms": round(1000 * statistics.quantiles(clearing, n=100)[98]),
        "relay.blocks_of_1_s.clearing_median_ms": round(1000 * statistics.median(in_blocks)),
        "relay.blocks_of_1_s.clearing_p99_ms": round(
            1000 * statistics.quantiles(in_blocks, n=100)[98]
        ),
        **accepted,
    }


# -------------------------------------------------------------------------------- Without the relay


def _plain_loop(stations: Fleet) -> float:
    """One transaction for each message, as web3.py's documentation has it, one after the other."""
    account = Account.from_key(stations.anvil.keys[2])
    w3 = Web3(HTTPProvider(stations.anvil.url))
    w3.middleware_onion.inject(SignAndSendRawMiddlewareBuilder.build(account), layer=0)
    ledger = w3.eth.contract(stations.ledger.address, abi=stations.ledger.contract.abi)
    sessions = stations.sessions(range(PLAIN_SESSIONS), moving=False)
    bodies = [one.pack() for session in sessions for one in (session.opening, session.report)]

    def run() -> None:
        for body in bodies:
            sent = ledger.functions.submit([body]).transact({"from": account.address})
            w3.eth.wait_for_transaction_receipt(sent, TIMEOUT, 0.005)

    return _rate(stations, len(bodies), run)


class _Chain:
    """Batches that are signed beforehand, sent one behind the other without waiting."""

    def __init__(self, stations: Fleet) -> None:
        self._fleet = stations
        w3, ledger = stations.ledger.w3, stations.ledger
        signer = LocalSigner(stations.anvil.keys[3])
        self._outgoing = Outgoing(w3, signer, ledger.address, ledger.domain.chain_id)

    def rate(self, batches: Sequence[Sequence[Signed]]) -> float:
        nonce = self._outgoing.mined_count()
        signed = [
            self._outgoing.sign(
                self._fleet.ledger.submit_calldata([one.pack() for one in batch]),
                nonce + position,
                TX_GAS_LIMIT,
                FEES,
            )
            for position, batch in enumerate(batches)
        ]

        def run() -> None:
            for transaction in signed:
                answer, said = self._outgoing.send(transaction.raw)
                if answer is not Answer.TAKEN:
                    raise ChainError(f"The node does not take a batch: {said}.")
            _wait_until(lambda: self._outgoing.receipt(signed[-1].hash) is not None)

        return _rate(self._fleet, sum(len(batch) for batch in batches), run)


# -------------------------------------------------------------------------------- Through the relay


class _RelayBench:
    def __init__(self, stations: Fleet, url: str) -> None:
        self._fleet = stations
        self._url = url
        self._client = RelayClient(url, timeout=TIMEOUT)

    def bulk(self) -> float:
        """100 messages in a request; one client for each 100 stations."""
        groups = [_requests(_rounds(self._fleet, ROUNDS, group)) for group in _groups()]
        return self._deliver(groups, 2 * ROUNDS * STATIONS)

    def single(self) -> float:
        """One message in a request."""
        sessions = self._fleet.sessions(range(SINGLE_SESSIONS), moving=False)
        requests = [_requests([[s.opening], [s.report]]) for s in sessions]
        clients = [
            [request for two in requests[n::SINGLE_CLIENTS] for request in two]
            for n in range(SINGLE_CLIENTS)
        ]
        return self._deliver(clients, 2 * SINGLE_SESSIONS)

    def clearing_times(self) -> list[float]:
        """Seconds from sending an opening until the relay says what the ledger decided. Drivers
        come one after the other at an even pace."""
        sessions = self._fleet.sessions(range(CLEARINGS), moving=False)
        requests = [_requests([[session.opening]]) for session in sessions]
        start = time.monotonic() + 0.1

        def one(number: int) -> float:
            due = start + number / CLEARINGS_PER_S
            time.sleep(max(0.0, due - time.monotonic()))
            begin = time.monotonic()
            (answer,) = self.send(requests[number], "?wait=30")
            if json.loads(answer)["messages"][0]["status"] != "cleared":
                raise RelayError(f"The relay did not clear what is measured: {answer.decode()}.")
            return time.monotonic() - begin

        with ThreadPoolExecutor(32) as pool:
            found = list(pool.map(one, range(CLEARINGS)))
        self.send(_requests([[session.report for session in sessions]]), "?wait=30")
        return found

    def _deliver(self, clients: Sequence[Sequence[bytes]], count: int) -> float:
        def run() -> None:
            with ThreadPoolExecutor(len(clients)) as pool:
                list(pool.map(self.send, clients))
            _wait_until(self._is_idle)

        return _rate(self._fleet, count, run)

    def _is_idle(self) -> bool:
        status = self._client.relay()
        return status.stored == status.sent == 0

    def send(self, requests: Iterable[bytes], query: str = "") -> list[bytes]:
        return deliver(self._url, requests, query)


def deliver(url: str, requests: Iterable[bytes], query: str = "") -> list[bytes]:
    """One after the other over one connection. A raw client, to leave the relay the time."""
    connection = HTTPConnection(urlsplit(url).netloc, timeout=TIMEOUT)
    headers = {"Content-Type": "application/json"}
    answers = []
    for request in requests:
        connection.request("POST", f"/v1/messages{query}", request, headers)
        reply = connection.getresponse()
        answers.append(reply.read())
        if reply.status >= 400:
            raise RelayError(f"The relay refuses what is measured: {answers[-1].decode()}.")
    connection.close()
    return answers


# ------------------------------------------------------------------------------------- Acceptance


@contextlib.contextmanager
def _accepting(stations: Fleet, folder: Path) -> Iterator[str]:
    """A relay that stores and does not send."""
    folder.mkdir()
    key, address = stations.anvil.keys[1], stations.ledger.address
    with RelayProcess(stations.anvil.url, address, key, folder, more="send = false\n") as relay:
        yield relay.url


@contextlib.contextmanager
def _parsing() -> Iterator[str]:
    """An endpoint that only parses the same requests."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    script = Path(__file__).with_name("bench_bare.py")
    process = subprocess.Popen([sys.executable, str(script), str(port)])
    try:
        _wait_until(lambda: _listens(port))
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()


def _accepted(stations: Fleet, folder: Path) -> Figures:
    """Messages per second until they are answered. Each station has had a session before, so that
    the relay knows it; relay and bare endpoint take turns."""
    with _accepting(stations, folder / "accepting") as relay, _parsing() as bare:
        _answered(stations, relay, _hundreds(stations, 1))
        turns = []
        for _ in range(TURNS):
            hundreds, singles = _hundreds(stations, ROUNDS), _singles(stations, 1)
            turns.append(
                [_answered(stations, url, c) for c in (hundreds, singles) for url in (relay, bare)]
            )
    many, bare_many, one, bare_one = map(statistics.median, zip(*turns, strict=True))
    return {
        "relay.accepted_per_s": round(many, 1),
        "relay.bare_endpoint_per_s": round(bare_many, 1),
        "relay.vs_bare_endpoint": round(many / bare_many, 2),
        "relay.accepted_per_s_one_per_request": round(one, 1),
        "relay.bare_endpoint_per_s_one_per_request": round(bare_one, 1),
        "relay.vs_bare_endpoint_one_per_request": round(one / bare_one, 2),
    }


def _hundreds(stations: Fleet, rounds: int) -> list[list[bytes]]:
    """For one client for each 100 stations, whose messages share a request."""
    return [_requests(_rounds(stations, rounds, group)) for group in _groups()]


def _singles(stations: Fleet, rounds: int) -> list[list[bytes]]:
    """For clients that send one message in a request."""
    batches = [s for _ in range(rounds) for s in stations.sessions(range(STATIONS), moving=False)]
    return [
        _requests([[one] for s in batches[n::SINGLE_CLIENTS] for one in (s.opening, s.report)])
        for n in range(SINGLE_CLIENTS)
    ]


def _answered(stations: Fleet, url: str, clients: Sequence[Sequence[bytes]]) -> float:
    to = _RelayBench(stations, url)
    messages = sum(request.count(b'"kind"') for requests in clients for request in requests)
    start = time.monotonic()
    with ThreadPoolExecutor(len(clients)) as pool:
        list(pool.map(to.send, clients))
    return messages / (time.monotonic() - start)


def _listens(port: int) -> bool:
    with contextlib.suppress(OSError):
        socket.create_connection(("127.0.0.1", port), 1).close()
        return True
    return False


@contextlib.contextmanager
def _blocks_of_a_second(stations: Fleet) -> Iterator[None]:
    stations.anvil.rpc("evm_setAutomine", False)
    stations.anvil.rpc("evm_setIntervalMining", 1)
    yield
    stations.anvil.rpc("evm_setIntervalMining", 0)
    stations.anvil.rpc("evm_setAutomine", True)


# ----------------------------------------------------------------------------------------- Internal


def _groups() -> list[range]:
    return [range(first, first + GROUP) for first in range(0, STATIONS, GROUP)]


def _rounds(stations: Fleet, rounds: int, group: range | None = None) -> list[list[Signed]]:
    """Batches of openings and of reports in turn, with 100 stations each."""
    batches: list[list[Signed]] = []
    for _ in range(rounds):
        for chargers in [group] if group is not None else _groups():
            sessions: list[Session] = stations.sessions(chargers, moving=False)
            batches.append([session.opening for session in sessions])
            batches.append([session.report for session in sessions])
    return batches


def _requests(batches: Sequence[Sequence[Signed]]) -> list[bytes]:
    return [
        json.dumps({"messages": [message_json(one) for one in batch]}).encode() for batch in batches
    ]


def _rate(stations: Fleet, count: int, run: Callable[[], None]) -> float:
    """Messages per second; all of them have to be accepted."""
    ledger = stations.ledger
    before = ledger.w3.eth.block_number
    start = time.monotonic()
    run()
    seconds = time.monotonic() - start
    found = fetch(ledger.w3, [ledger.address], before + 1, ledger.w3.eth.block_number)
    accepted = sum(isinstance(event, SessionCleared | ReportSettled) for event in found)
    if accepted != count:
        raise ChainError(f"The ledger accepted {accepted} messages of {count}.")
    return count / seconds


def _wait_until(is_done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + TIMEOUT
    while not is_done():
        if time.monotonic() > deadline:
            raise ChainError(f"What is measured did not end within {TIMEOUT:g} s.")
        time.sleep(0.01)
