"""A relay to test against: the whole server in a thread, or as a process that can be killed; and
what tests ask the node about it."""

import os
import re
import signal
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from eth_account.signers.local import LocalAccount

from gridroam.chain.anvil import Anvil
from gridroam.chain.ledger import Ledger
from gridroam.http import serving
from gridroam.http.server import Server, listen
from gridroam.relay.app import create_app
from gridroam.relay.client import RelayClient
from gridroam.relay.service import Relay
from gridroam.settings import RelaySettings

NO_LIMITS = {
    "GRIDROAM_CLIENT_REQUESTS_PER_SECOND": "0",
    "GRIDROAM_CLIENT_FAULTS_PER_MINUTE": "0",
    "GRIDROAM_STATION_MESSAGES_PER_MINUTE": "0",
}
"""All stations of a test have one address, and more to say than in life."""

http = httpx.Client(
    verify=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT),
    limits=httpx.Limits(max_keepalive_connections=0),
)
"""For single requests, each on a connection of its own: a client of httpx takes 40 ms to make."""

START_SECONDS = 60.0
"""For a process, which imports for seconds where the machine has much else to do."""
SENDER = 9
"""Which of anvil's accounts the relay sends from."""


def settings(anvil: Anvil, ledger: str, db: Path | str, **more: Any) -> RelaySettings:
    chosen = {
        "batch_seconds": 0.02,
        "client_requests_per_second": 0,
        "client_faults_per_minute": 0,
        "station_messages_per_minute": 0,
        "sender_key": "0x" + anvil.keys[SENDER].hex(),
        **more,
    }
    return RelaySettings(**{"rpc": anvil.url, "ledger": ledger, "db": str(db), "port": 0} | chosen)


@contextmanager
def served(chosen: RelaySettings) -> Iterator[str]:
    """The address of a relay that runs in this process, behind a real server."""
    listening = listen("127.0.0.1", 0)
    app = create_app(Relay.open(chosen))
    server = Server(app, serving.of(chosen), app.state.drain)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    try:
        wait_until(lambda: server.started or not thread.is_alive())
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        # FastAPI makes its routes at the first request, and not in two threads at once
        http.get(f"{url}/healthz")
        yield url
    finally:
        server.should_exit = True
        thread.join()
        listening.close()


@contextmanager
def a_relay(anvil: Anvil, ledger: Ledger, database: str, **more: Any) -> Iterator[RelayClient]:
    chosen = settings(anvil, ledger.address, database, **more)
    with served(chosen) as url, RelayClient(url) as client:
        yield client


class RelayProcess:
    """`gridroam relay` as an operator runs it."""

    def __init__(self, rpc: str, ledger: str, key: bytes, folder: Path, *options: str) -> None:
        self._log = folder / "relay.log"
        self.environment = {**NO_LIMITS, **os.environ, "GRIDROAM_SENDER_KEY": "0x" + key.hex()}
        command = f"relay --rpc {rpc} --ledger {ledger} --db {folder}/relay.db --port 0"
        entry = "from gridroam.cli import main; main()"
        self._command = [sys.executable, "-c", entry, *command.split(), *options]
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> str:
        """Gives its address."""
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                self._command, env=self.environment, stdout=log, stderr=log
            )
        try:
            wait_until(lambda: self._address() or self._process.poll() is not None, START_SECONDS)
            address = self._address()
            assert address, self.log
        except BaseException:
            self.kill()
            raise
        return address

    def kill(self) -> None:
        self._end(signal.SIGKILL)

    def stop(self) -> int:
        return self._end(signal.SIGTERM)

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def log(self) -> str:
        return self._log.read_text(errors="replace")

    def _address(self) -> str | None:
        found = re.search(r" at (http://\S+)", self.log)
        return found and found[1]

    def _end(self, how: signal.Signals) -> int:
        assert self._process is not None
        self._process.send_signal(how)
        return self._process.wait(20)


def wait_until(condition: Any, seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)


def mine_until_decided(anvil: Anvil, relay: RelayClient, digest: bytes) -> None:
    def decided() -> bool:
        anvil.mine()
        return relay.status(digest, wait=0.2).decided

    wait_until(decided)


def pool(anvil: Anvil, sender: LocalAccount) -> dict[str, Any]:
    """The transactions of the sender that wait in the node, by nonce."""
    pending: dict[str, dict[str, Any]] = anvil.rpc("txpool_content")["pending"]
    return {
        k: v
        for owner, v in pending.items()
        if owner.lower() == sender.address.lower()
        for k, v in v.items()
    }


def sent(anvil: Anvil, sender: LocalAccount) -> list[Any]:
    """The transactions of the sender in the chain's last blocks."""
    head = anvil.w3.eth.block_number
    blocks = [anvil.w3.eth.get_block(n, full_transactions=True) for n in range(head - 3, head + 1)]
    return [
        tx["hash"]
        for block in blocks
        for tx in block["transactions"]
        if tx["from"] == sender.address
    ]


def roll_back(anvil: Anvil, blocks: int = 1) -> None:
    """Takes the last blocks away, and leaves the clock alone, which anvil sets back with them."""
    anvil.rpc("anvil_rollback", blocks)
    anvil.rpc("evm_setTime", int(time.time() * 1000))
