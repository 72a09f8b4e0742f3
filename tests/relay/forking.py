"""Relays as processes that start in a tenth of a second: a process that has imported everything
forks them. They are killed as hard as processes can be."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Self

import httpx
from serving import START_SECONDS, http, wait_until

_NURSERY = """
import json, os, signal, sys
import uvicorn, sqlalchemy.dialects.postgresql.psycopg
import gridroam.relay.app, gridroam.relay.service, gridroam.cli.relay
from gridroam.cli import main
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
print("ready", flush=True)
for line in sys.stdin:
    order = json.loads(line)
    pid = os.fork()
    if not pid:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        log = os.open(order["log"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        for number in (1, 2):
            os.dup2(log, number)
        os.environ.update(order["environment"])
        sys.argv = ["gridroam", "relay"]
        try:
            main()
        finally:
            os._exit(1)
    print(pid, flush=True)
"""


class Nursery:
    """Runs while the `with` block does."""

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-c", _NURSERY],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._children: list[int] = []
        assert self._answer() == "ready"
        return self

    def __exit__(self, *_: object) -> None:
        for pid in self._children:
            _kill(pid)
        self._process.stdin.close()  # type: ignore[union-attr]
        self._process.stdout.close()  # type: ignore[union-attr]
        self._process.wait(10)

    def fork(self, log: Path, environment: dict[str, str]) -> int:
        order = {"log": str(log), "environment": environment}
        self._process.stdin.write(json.dumps(order) + "\n")  # type: ignore[union-attr]
        self._process.stdin.flush()  # type: ignore[union-attr]
        pid = int(self._answer())
        self._children.append(pid)
        return pid

    def _answer(self) -> str:
        return self._process.stdout.readline().strip()  # type: ignore[union-attr]


class ForkedRelay:
    """`gridroam relay` with settings of its own; `url` is where it listens, once it has started."""

    def __init__(self, nursery: Nursery, log: Path, **settings: Any) -> None:
        self._nursery = nursery
        self._log = log
        chosen = {"port": 0, "batch_seconds": 0.02, "log_level": "info", **settings}
        self._environment = {f"GRIDROAM_{k.upper()}": str(v) for k, v in chosen.items()}
        self.url = "http://127.0.0.1:9"
        self.pid = 0

    def start(self, *, wait: bool = True) -> str:
        self._log.write_text("")
        self.pid = self._nursery.fork(self._log, self._environment)
        if wait:
            wait_until(lambda: self._address() or not self.is_running, START_SECONDS)
            assert self._address(), self.log
            self.url = self._address() or ""
        return self.url

    def wait_until_it_serves(self) -> None:
        def serves() -> bool:
            try:
                return http.get(f"{self.url}/healthz", timeout=5).is_success
            except httpx.HTTPError:
                return False

        wait_until(serves)

    def kill(self) -> None:
        _kill(self.pid)

    @property
    def is_running(self) -> bool:
        return Path(f"/proc/{self.pid}").exists()

    @property
    def log(self) -> str:
        return self._log.read_text(errors="replace")

    def _address(self) -> str | None:
        found = re.search(r" at (http://\S+)", self.log)
        return found and found[1]


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return
    while Path(f"/proc/{pid}").exists():
        time.sleep(0.002)
