"""The console on a running excerpt of the demo's week: a real chain, a real relay, a real index, a
real server. Started once; what tests change on it is theirs to take back."""

import json
import socket
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import uvicorn
from eth_account import Account

from gridroam.chain import abi
from gridroam.chain.wallet import Wallet
from gridroam.console.context import Console
from gridroam.console.server import create_app, opened
from gridroam.demo import scenario
from gridroam.demo.play import play
from gridroam.demo.stage import Stage
from gridroam.messages import OpenSession, sign
from gridroam.settings import ConsoleSettings

DAYS = 1
NORTH, SOUTH, SMALL = "Supplier North", "Supplier South", "Supplier Small"
GRID, OPERATOR = "Grid South", "Station Operator"


@dataclass(frozen=True)
class Scene:
    """`url` is the console's origin; `folder` has its files."""

    stage: Stage
    console: Console
    url: str
    folder: Path

    def number(self, company: str) -> int:
        return self.stage.market.participants[company].number

    def contract_of(self, vehicle: bytes) -> str:
        """An invented contract id for each vehicle of the market, always the same."""
        names = [v.name for v in self.stage.market.vehicles.values() if v.id == vehicle]
        place = list(self.stage.market.vehicles).index(names[0])
        return f"DE-GRM-C{place:08d}"

    def open_somewhere(self, company: str, car_key: bytes | None = None) -> tuple[int, int]:
        """A car of a supplier plugs in at a station that is free; gives station and session. With
        a key the supplier puts it on file first, and the car signs, too."""
        ledger, market = self.stage.ledger, self.stage.market
        replay = next(r for r in self.stage.idle() if ledger.session(r.station.number).state != 1)
        station = next(s for s in market.stations.values() if s.number == replay.station.number)
        before = ledger.session(station.number)
        vehicle = next(
            v
            for v in market.vehicles.values()
            if v.supplier == self.number(company) and _is_free(self, v.id)
        )
        message = OpenSession(
            station.number,
            before.number + 1,
            vehicle.id,
            self.stage.now,
            before.import_register,
            before.export_register,
        )
        if car_key:
            self._put_key(company, vehicle.id, car_key)
        signed = sign(ledger.domain, message, station.signer, car_key or vehicle.signer)
        events = self.stage.submit([signed.pack()])
        assert any(type(e).__name__ == "SessionCleared" for e in events), events
        return station.number, message.session

    def _put_key(self, company: str, vehicle: bytes, key: bytes) -> None:
        wallet = Wallet(self.stage.ledger.w3, self.stage.market.participants[company].account)
        address = Account.from_key(key).address
        function = abi.functions("Ledger")["setVehicleKeys"]
        wallet.call(self.stage.ledger.address, function, [vehicle], [address], 0, gas=500_000)

    def wait_for_index(self) -> None:
        """Until the index is at the head of the chain."""
        head = self.stage.ledger.w3.eth.block_number
        wait_until(lambda: _block(self.console) >= head)


@contextmanager
def scene() -> Iterator[Scene]:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="gridroam-")))
        plan = scenario.build(int(time.time()), DAYS)
        stage = stack.enter_context(Stage(plan, folder))
        play(stage, lambda *_: None)
        listening = listening_socket()
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        settings = settings_for(folder, plan.market.participants)
        console = stack.enter_context(
            opened(settings, stage.anvil.url, stage.ledger.address, folder / "index.db", url)
        )
        stack.enter_context(served(console, listening))
        made = Scene(stage, console, url, folder)
        made.wait_for_index()
        yield made


def settings_for(folder: Path, participants: object = (), **more: object) -> ConsoleSettings:
    names = folder / "names.json"
    codes = {p.market_code: p.name for p in participants}  # type: ignore[attr-defined]
    names.write_text(json.dumps(codes))
    chosen = {
        "db": folder / "console.db",
        "names": names,
        "key_file": folder / "console.key",
        "devnet_sign_in": True,
        **more,
    }
    return ConsoleSettings.read(**chosen)


@contextmanager
def served(console: Console, listening: socket.socket) -> Iterator[None]:
    config = uvicorn.Config(
        create_app(console), log_config=None, access_log=False, timeout_graceful_shutdown=1
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    try:
        wait_until(lambda: server.started or not thread.is_alive())
        yield
    finally:
        console.close_streams()
        server.should_exit = True
        thread.join()
        listening.close()


def wait_until(condition: object, seconds: float = 30.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


def _block(console: Console) -> int:
    with console.index.snapshot() as now:
        head = now.head()
    return head.block if head else -1


def _is_free(scene: Scene, vehicle: bytes) -> bool:
    record = scene.stage.ledger.vehicle(vehicle)
    if not record.station:
        return True
    session = scene.stage.ledger.session(record.station)
    return session.number != record.session or session.state != 1


def listening_socket() -> socket.socket:
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.bind(("127.0.0.1", 0))
    listening.listen()
    return listening
