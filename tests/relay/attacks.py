"""Requests that no station of good will sends. Each attack is a function that opens connections of
its own, does its harm, and gives how many requests it made.
"""

import json
import random
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit

import httpx
from plug import Plug

from gridroam.messages import OpenSession
from gridroam.relay.schemas import message_json

Address = tuple[str, int]

HEAD = b"POST /v1/messages HTTP/1.1\r\nHost: relay\r\nContent-Type: application/json\r\n"


def address_of(url: str) -> Address:
    parts = urlsplit(url)
    return str(parts.hostname), int(parts.port or 80)


@contextmanager
def connected(address: Address) -> Iterator[socket.socket]:
    """Whatever the relay does to the connection is no failure of the attack."""
    with suppress(OSError), socket.create_connection(address, 5) as connection:
        yield connection


def answer(connection: socket.socket) -> bytes:
    return connection.recv(4096)


def garbage(address: Address, number: int) -> int:
    """Bytes that are no HTTP, HTTP that is no request, requests that are no JSON."""
    chance = random.Random(1)
    for turn in range(number):
        with connected(address) as connection:
            noise = chance.randbytes(chance.randrange(1, 2_000))
            shapes = (
                noise,
                b"GET / HTTP/9.9\r\n\r\n",
                b"POST /v1/messages HTTP/1.1\r\nContent-Length: -5\r\n\r\n",
                b"GET /%00%ff/../../etc/passwd HTTP/1.1\r\nHost: a\r\n\r\n",
                HEAD + b"Content-Length: 10\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                HEAD + b"Content-Length: %d\r\n\r\n" % len(noise) + noise,
                HEAD + b"X: " + 40_000 * b"a" + b"\r\n\r\n",
            )
            connection.sendall(shapes[turn % len(shapes)])
            answer(connection)
    return number


def documents(address: Address, number: int) -> int:
    """JSON that is no delivery: deep, wide, of huge numbers, of wrong types."""
    deep = b"[" * 20_000
    wide = json.dumps({"messages": [{}] * 500}).encode()
    digits = b'{"messages": [{"kind": "open", "station": ' + 4_000 * b"9" + b"}]}"
    keys = json.dumps({f"k{n}": n for n in range(3_000)}).encode()
    types = json.dumps({"messages": [None, 1, "x", [], {"kind": {}}]}).encode()
    with httpx.Client(base_url=f"http://{address[0]}:{address[1]}", timeout=20) as client:
        for turn in range(number):
            body = (deep, wide, digits, keys, types)[turn % 5]
            client.post("/v1/messages", content=body)
    return number


def huge(address: Address, number: int) -> int:
    """Bodies beyond every limit, some declared, some chunked."""
    chunk = b"10000\r\n" + 0x10000 * b" " + b"\r\n"
    for turn in range(number):
        with connected(address) as connection:
            if turn % 2:
                connection.sendall(HEAD + b"Content-Length: 100000000\r\n\r\n")
                pieces = 0x10000 * b" "
            else:
                connection.sendall(HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
                pieces = chunk
            for _ in range(160):
                connection.sendall(pieces)
    return number


def slow(address: Address, seconds: float, number: int) -> int:
    """Heads and bodies that never end, a byte at a time, on many connections; some say nothing."""
    crowd = []
    for turn in range(number):
        with suppress(OSError):
            connection = socket.create_connection(address, 5)
            connection.settimeout(0.2)
            start = (b"", b"POST /v1/mes", HEAD + b"Content-Length: 1000\r\n\r\n", b"")[turn % 4]
            if turn % 4 == 3:
                start = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
            connection.sendall(start)
            crowd.append((turn, connection))
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        for turn, connection in crowd:
            with suppress(OSError):
                connection.sendall((b"", b"X", b" ", b"1\r\n \r\n")[turn % 4])
        time.sleep(0.2)
    for _, connection in crowd:
        connection.close()
    return number


def deaf(address: Address, seconds: float, number: int) -> int:
    """Clients that ask and never read: streams, lists, and thousands of requests in a row."""
    crowd = []
    for turn in range(number):
        with suppress(OSError):
            connection = socket.create_connection(address, 5)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
            connection.settimeout(0.2)
            path = (b"/v1/outcomes/stream?after=start", b"/openapi.json")[turn % 2]
            request = b"GET " + path + b" HTTP/1.1\r\nHost: relay\r\n\r\n"
            with suppress(OSError):
                connection.sendall(request * (1 if turn % 2 == 0 else 50))
            crowd.append(connection)
    time.sleep(seconds)
    for connection in crowd:
        connection.close()
    return number


class Forger:
    """Messages in the right shape, signed by nobody who may, or that nobody will pay for."""

    def __init__(self, plug: Plug) -> None:
        self._plug = plug

    def signatures(self, address: Address, number: int) -> int:
        """Wrong keys, wrong stations, recovered to nobody: in requests of one and of a hundred."""
        chance = random.Random(2)
        made = 0
        with httpx.Client(base_url=f"http://{address[0]}:{address[1]}", timeout=30) as client:
            while made < number:
                many = 1 if made % 3 else 100
                messages = [self._forged(chance) for _ in range(many)]
                client.post("/v1/messages", json={"messages": messages})
                made += 1
        return made

    def _forged(self, chance: random.Random) -> dict[str, object]:
        plug = self._plug
        station = chance.choice([plug.station.number, 0, 999_999])
        session = chance.randrange(1 << 32)
        message = OpenSession(station, session, chance.randbytes(32), plug.time, 1, 1)
        signed = message_json(plug.sign(message, key=b"\x07" * 32))
        if chance.random() < 0.3:
            signed["signature"] = "0x" + chance.randbytes(65).hex()
        return signed

    def unpayable(self, address: Address, number: int) -> int:
        """Openings of a real station for cars that nobody supplies: right, and never cleared."""
        chance = random.Random(3)
        with httpx.Client(base_url=f"http://{address[0]}:{address[1]}", timeout=30) as client:
            for _ in range(number):
                opening = self._plug.opening(chance.randbytes(32))
                client.post("/v1/messages", json={"messages": [message_json(opening)]})
        return number


def crowded(address: Address, number: int) -> int:
    """Connections that only stay."""
    kept: list[socket.socket] = []
    for _ in range(number):
        with suppress(OSError):
            kept.append(socket.create_connection(address, 5))
    time.sleep(1)
    for connection in kept:
        connection.close()
    return number


def together(attacks: list[Callable[[], int]]) -> int:
    """Runs them side by side; gives how many requests they made."""
    with ThreadPoolExecutor(len(attacks)) as pool:
        return sum(pool.map(lambda attack: attack(), attacks))
