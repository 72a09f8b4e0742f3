"""The console beside the demo: `gridroam console` in a process of its own, with the names of the
companies and each supplier's cars under invented contract ids."""

import json
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Self

from gridroam.chain.anvil import die_with_parent
from gridroam.customers.book import Customer, Customers
from gridroam.customers.commitment import normalised
from gridroam.customers.keys import KeyInFile
from gridroam.demo.stage import Stage
from gridroam.domain.participants import Role
from gridroam.errors import GridroamError
from gridroam.store.console import ConsoleStore

_START_TIMEOUT = 30.0
_COMMAND = "from gridroam.cli import main; main()"


class ConsoleProcess:
    """Runs while the `with` block does; its files are in the stage's folder."""

    def __init__(self, stage: Stage, port: int) -> None:
        self.url = ""
        self._stage = stage
        folder = stage.folder
        self._log = folder / "console.log"
        self._names, self._key, self._db = (
            folder / name for name in ("names.json", "console.key", "console.db")
        )
        options = {
            "rpc": stage.anvil.url,
            "ledger": stage.ledger.address,
            "index": folder / "index.db",
            "db": self._db,
            "names": self._names,
            "key-file": self._key,
            "port": port,
        }
        chosen = [f"--{name}={value}" for name, value in options.items()]
        self._command = [sys.executable, "-c", _COMMAND, "console", *chosen, "--devnet-sign-in"]

    def __enter__(self) -> Self:
        self._prepare()
        with self._log.open("wb") as log:
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

    def _prepare(self) -> None:
        plan, market = self._stage.scenario.market, self._stage.market
        names = {p.market_code: p.name for p in plan.participants}
        self._names.write_text(json.dumps(names), encoding="utf-8")
        key = KeyInFile(self._key, make=True).read()
        store = ConsoleStore.open(self._db)
        try:
            customers = Customers(store, key, lambda: int(time.time()))
            cars = list(enumerate(market.vehicles.values(), 1))
            for participant in market.participants.values():
                if participant.roles & Role.SUPPLIER:
                    mine = [(n, car) for n, car in cars if car.supplier == participant.number]
                    customers.of(participant.number).add(
                        Customer(car.id, normalised(contract_id(n)), car.name) for n, car in mine
                    )
        finally:
            store.close()

    def _wait_for_url(self) -> str:
        deadline = time.monotonic() + _START_TIMEOUT
        while self._process.poll() is None and time.monotonic() < deadline:
            found = re.search(r" at (http://\S+)", _read(self._log))
            if found:
                return found[1]
            time.sleep(0.05)
        said = _read(self._log).strip().rpartition("\n")[2]
        raise GridroamError(f"The console does not start: {said or 'it says nothing'}.")

    def _stop(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def contract_id(number: int) -> str:
    """Nobody's: an invented provider."""
    return f"DE-GRM-C{number:08d}"


def _read(path: Path) -> str:
    return path.read_text(errors="replace")
