"""A service of ours in a process beside, on a port that is free."""

import re
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Self

from gridroam.chain.anvil import die_with_parent
from gridroam.errors import GridroamError

_START_TIMEOUT = 30.0
_COMMAND = "from gridroam.cli import main; main()"


class ServerProcess:
    """`gridroam NAME ARGUMENTS`, while the `with` block runs; what it says goes into `log`."""

    def __init__(self, name: str, arguments: Sequence[str], log: Path) -> None:
        self.url = ""
        self._name = name
        self._log = log
        self._command = [sys.executable, "-c", _COMMAND, name, *arguments]

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
            found = re.search(r" at (http://\S+)", self._said())
            if found:
                return found[1]
            time.sleep(0.05)
        last = self._said().strip().rpartition("\n")[2]
        raise GridroamError(f"The {self._name} does not start: {last or 'it says nothing'}.")

    def _said(self) -> str:
        return self._log.read_text(errors="replace")

    def _stop(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
