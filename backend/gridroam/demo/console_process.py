"""The console beside the demo: `gridroam console`, with the names of the companies and each
supplier's cars under invented contract ids."""

import json
import time
from typing import Self

from gridroam.customers.book import Customer, Customers
from gridroam.customers.commitment import normalised
from gridroam.customers.keys import KeyInFile
from gridroam.demo.server_process import ServerProcess
from gridroam.demo.stage import Stage
from gridroam.domain.participants import Role
from gridroam.store.console import ConsoleStore


class ConsoleProcess(ServerProcess):
    """Its files are in the stage's folder."""

    def __init__(self, stage: Stage, port: int) -> None:
        self._stage = stage
        folder = stage.folder
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
        super().__init__("console", [*chosen, "--devnet-sign-in"], folder / "console.log")

    def __enter__(self) -> Self:
        self._prepare()
        return super().__enter__()

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


def contract_id(number: int) -> str:
    """Nobody's: an invented provider."""
    return f"DE-GRM-C{number:08d}"
