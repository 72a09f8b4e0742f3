"""The stage: a local chain whose clock follows the week, the market on it, a relay as a server of
its own, and one station kit for each connector. Ends everything that it started."""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import cached_property
from pathlib import Path
from typing import Self

from eth_account import Account
from hexbytes import HexBytes

from gridroam.chain import abi, events
from gridroam.chain.anvil import Anvil, move_clock
from gridroam.chain.deploy import deploy
from gridroam.chain.events import Event
from gridroam.chain.ledger import Ledger
from gridroam.chain.wallet import Wallet
from gridroam.demo.cable import Cable
from gridroam.demo.market import LIMITS
from gridroam.demo.relay_process import RelayProcess
from gridroam.demo.scenario import HOUR, Scenario
from gridroam.devnet.market import build
from gridroam.relay.client import RelayClient
from gridroam.station.kit import Station
from gridroam.station.meter import Registers
from gridroam.station.receipt import Receipt
from gridroam.station.replay import Replay
from gridroam.station.signing_meter import SigningMeter

_SETTING_UP = HOUR
"""The market is set up in the last hour before the week."""
_FIRST_REGISTER, _REGISTER_STEP = 1_000_000, 137_000
_PATIENCE = 30.0
_MANY = 5_000_000
"""Gas of a call that is not estimated."""


class Stage:
    """Everything that runs while the `with` block does; files go to `folder`."""

    def __init__(self, scenario: Scenario, folder: Path) -> None:
        self.scenario = scenario
        self.folder = folder
        self.anvil = Anvil(timestamp=scenario.start - _SETTING_UP, accounts=3)
        self.cables: dict[str, Cable] = {}
        self.receipts: list[Receipt] = []
        """Of all messages, as they became final."""
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            stack.enter_context(self.anvil)
            w3 = self.anvil.w3
            self.deployment = deploy(w3, self.anvil.admin, LIMITS, None)
            self.ledger = Ledger.connect(w3, self.deployment.ledger)
            self.market = build(self.ledger, self.scenario.market, self.anvil.admin)
            self.relay = stack.enter_context(
                RelayProcess(self.anvil.url, self.ledger.address, self.anvil.keys[1], self.folder)
            )
            self._client = stack.enter_context(RelayClient(self.relay.url))
            self.replays = self._replays(stack)
            self._pool = stack.enter_context(ThreadPoolExecutor(len(self.replays)))
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @property
    def now(self) -> int:
        """The chain's time."""
        return self.ledger.w3.eth.get_block("latest")["timestamp"]

    def move_to(self, moment: int) -> None:
        """The chain's clock goes on from there."""
        move_clock(self.ledger.w3, moment)

    def play(self, moment: int) -> list[Receipt]:
        """All stations do what happens up to a moment, at the same time."""
        busy = [replay for replay in self.replays.values() if replay.is_busy(moment)]
        return [r for receipts in self._pool.map(_advance(moment), busy) for r in receipts]

    def flush(self) -> None:
        """All stations send what they still have."""
        for replay in self.replays.values():
            replay.station.flush(_PATIENCE)

    def idle(self) -> Iterable[Replay]:
        """Stations without a car."""
        return (replay for replay in self.replays.values() if not replay.station.in_session)

    def top_up(self, participant: str, euros: int) -> None:
        """Somebody pays in for a participant."""
        units, number = euros * 10**6, self.market.participants[participant].number
        mint, approve = (abi.functions("TestEuro")[name] for name in ("mint", "approve"))
        token, vault = self.ledger.token, self.ledger.vault_address
        self.treasury.call(token, mint, self.treasury.address, units, gas=_MANY)
        self.treasury.call(token, approve, vault, units, gas=_MANY)
        deposit = abi.functions("Vault")["deposit"]
        self.treasury.call(vault, deposit, number, units, gas=_MANY)

    def submit(self, batch: list[bytes]) -> list[Event]:
        """A stranger brings messages to the ledger, without any relay."""
        calldata = self.ledger.submit_calldata(batch)
        sent = self.stranger.post(self.ledger.address, calldata, gas=_MANY)
        return events.of(self.stranger.wait([sent])[0])

    def expire(self, station: int) -> list[Event]:
        """A stranger ends a silent session."""
        function = abi.functions("Ledger")["expire"]
        return events.of(self.stranger.call(self.ledger.address, function, station, gas=_MANY))

    def act(self, participant: str, function: str, *arguments: object) -> list[Event]:
        """A company calls the ledger."""
        wallet = Wallet(self.ledger.w3, self.market.participants[participant].account)
        called = abi.functions("Ledger")[function]
        return events.of(wallet.call(self.ledger.address, called, *arguments, gas=_MANY))

    def batch_of(self, event: Event) -> list[bytes]:
        """The messages that were submitted with the one behind an event."""
        sent = self.ledger.w3.eth.get_transaction(HexBytes(event.at.tx_hash))
        return self.ledger.decode_submit(bytes(sent["input"]))

    @cached_property
    def treasury(self) -> Wallet:
        return Wallet(self.ledger.w3, self.anvil.admin)

    @cached_property
    def stranger(self) -> Wallet:
        """Has gas and no rights at all."""
        return Wallet(self.ledger.w3, Account.from_key(self.anvil.keys[2]))

    def _replays(self, stack: ExitStack) -> dict[str, Replay]:
        made = {}
        meters = {s.name: s.meter for s in self.scenario.market.stations}
        printers = {
            m.name: SigningMeter(m.serial, m.key).record for m in self.scenario.market.meters
        }
        for index, member in enumerate(self.market.stations.values()):
            path = self.folder / "stations" / f"{member.number}.jsonl"
            cable = self.cables[member.name] = Cable(self._client)
            station = Station(
                member.number,
                member.signer,
                self.ledger.domain,
                cable,
                path,
                on_decided=self.receipts.append,
            )
            stack.enter_context(station)
            plan = [v.session for v in self.scenario.visits if v.station == member.name]
            first = Registers(_FIRST_REGISTER + index * _REGISTER_STEP, 0)
            printer = printers.get(meters[member.name])
            made[member.name] = Replay(station, plan, first, printer=printer)
        return made


def _advance(moment: int) -> Callable[[Replay], list[Receipt]]:
    return lambda replay: replay.advance(moment)
