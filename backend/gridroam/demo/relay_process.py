"""A relay as a server of its own: `gridroam relay` in a process beside, on a port that is free."""

import json
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Self

from eth_account import Account

from gridroam.chain.anvil import die_with_parent
from gridroam.errors import RelayUnreachableError

_START_TIMEOUT = 30.0
_NO_LIMITS = "client_requests_per_second = 0\nstation_messages_per_minute = 0\n"
"""A week passes in a minute, and all stations have one address."""
_COMMAND = "from gridroam.cli import main; main()"


class RelayProcess:
    """Runs while the `with` block does. Database, log and the sender's keystore are in `folder`;
    `more` are lines of its settings file."""

    def __init__(
        self, rpc: str, ledger: str, sender_key: bytes, folder: Path, *, more: str = ""
    ) -> None:
        self.url = ""
        self._log = folder / "relay.log"
        keystore, password = _keystore(sender_key, folder)
        settings = folder / "relay.toml"
        settings.write_text(_NO_LIMITS + more, encoding="utf-8")
        options = {
            "config": settings,
            "rpc": rpc,
            "ledger": ledger,
            "db": folder / "relay.db",
            "port": 0,
            "keystore": keystore,
            "password-file": password,
            "batch-seconds": 0.1,
            "log-level": "warning",
        }
        chosen = [f"--{name}={value}" for name, value in options.items()]
        self._command = [sys.executable, "-c", _COMMAND, "relay", *chosen]

    @property
    def pid(self) -> int:
        return self._process.pid

    def __enter__(self) -> Self:
        with self._log.open("wb") as log:
            # a group of its own: Ctrl-C is for us, who stop it when the stations have stopped
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                process_group=0,
                preexec_fn=die_with_parent(),  # noqa: PLW1509
            )
        try:
            self.url = self._wait_for_url()
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._stop()

    def _wait_for_url(self) -> str:
        deadline = time.monotonic() + _START_TIMEOUT
        while self._process.poll() is None and time.monotonic() < deadline:
            said = self._log.read_text(errors="replace")
            found = re.search(r" at (http://\S+)", said)
            if found:
                return found[1]
            time.sleep(0.05)
        said = self._log.read_text(errors="replace").strip().rpartition("\n")[2]
        raise RelayUnreachableError(f"The relay does not start: {said or 'it says nothing'}.")

    def _stop(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def _keystore(key: bytes, folder: Path) -> tuple[Path, Path]:
    """As an operator has it; encrypted lightly, since the key is the devnet's."""
    keystore, password = folder / "sender.json", folder / "sender.password"
    encrypted = Account.encrypt(key, "devnet", kdf="pbkdf2", iterations=1)
    keystore.write_text(json.dumps(encrypted), encoding="utf-8")
    password.write_text("devnet\n", encoding="utf-8")
    return keystore, password
