"""Stations' messages and participants' acts on a real chain, right and wrong ones."""

from dataclasses import dataclass, field, replace
from typing import Any

from eth_account import Account

from gridroam.chain import abi
from gridroam.chain.anvil import Anvil
from gridroam.chain.ledger import Ledger
from gridroam.chain.records import Session
from gridroam.chain.wallet import TX_GAS_LIMIT, Wallet
from gridroam.devnet.members import Market, MarketStation
from gridroam.domain.slots import boundaries_between
from gridroam.errors import RevertedError
from gridroam.messages import EnergyReport, Message, OpenSession, sign
from gridroam.signatures import Signer


@dataclass
class Traffic:
    """Everything goes through here, so that nonces are right; time is the chain's."""

    anvil: Anvil
    ledger: Ledger
    market: Market
    wallets: dict[bytes, Wallet] = field(default_factory=dict)

    @property
    def now(self) -> int:
        return self.ledger.w3.eth.get_block("latest")["timestamp"]

    def wait(self, seconds: int) -> int:
        """Mines a block so much later."""
        self.anvil.set_next_time(self.now + seconds)
        self.anvil.mine()
        return self.now

    def wallet(self, key: bytes) -> Wallet:
        if key not in self.wallets:
            self.wallets[key] = Wallet(self.ledger.w3, Account.from_key(key))
        return self.wallets[key]

    def submit(self, *packed: bytes) -> str:
        """A batch; returns its transaction."""
        calldata = self.ledger.submit_calldata(packed)
        return self.send(self.ledger.address, calldata)

    def send(self, to: str, calldata: bytes) -> str:
        wallet = self.wallet(self.anvil.keys[1])
        tx_hash = wallet.post(to, calldata, gas=TX_GAS_LIMIT)
        wallet.wait([tx_hash])
        return tx_hash.to_0x_hex()

    def govern(self, contract: str, function: str, *arguments: Any) -> bool:
        return self.act(self.anvil.keys[0], contract, function, *arguments)

    def act(self, key: bytes, contract: str, function: str, *arguments: Any) -> bool:
        """Whether the contract allowed it."""
        to = {
            "Ledger": self.ledger.address,
            "Registry": self.ledger.registry_address,
            "Vault": self.ledger.vault_address,
            "TestEuro": self.ledger.token,
        }[contract]
        try:
            self.wallet(key).call(to, abi.functions(contract)[function], *arguments)
        except RevertedError:
            return False
        return True

    def deposit(self, participant: int, cents: int) -> None:
        units = cents * 10_000
        self.govern("TestEuro", "mint", self.anvil.admin.address, units)
        self.govern("TestEuro", "approve", self.ledger.vault_address, units)
        self.govern("Vault", "deposit", participant, units)

    def sign(
        self,
        station: MarketStation,
        message: Message,
        key: Signer | None = None,
        vehicle: Signer | None = None,
    ) -> bytes:
        return sign(self.ledger.domain, message, key or station.signer, vehicle).pack()

    def session(self, station: MarketStation) -> Session:
        return self.ledger.session(station.number)

    def opening(
        self, station: MarketStation, vehicle: bytes, after: Session | None = None, **changes: Any
    ) -> OpenSession:
        """The station's next, now."""
        s = after or self.session(station)
        time, number = max(s.time, self.now), s.number + 1
        registers = s.import_register, s.export_register
        return replace(OpenSession(station.number, number, vehicle, time, *registers), **changes)

    def report(
        self,
        station: MarketStation,
        imported: int = 0,
        exported: int = 0,
        after: Session | None = None,
        **changes: Any,
    ) -> EnergyReport:
        """The station's next, now, with its energy spread evenly over the time."""
        s = after or self.session(station)
        time = changes.pop("time", max(s.time, self.now))

        def registers(at: int) -> tuple[int, int]:
            elapsed, seconds = at - s.time, max(1, time - s.time)
            return (
                s.import_register + imported * elapsed // seconds,
                s.export_register + exported * elapsed // seconds,
            )

        message = EnergyReport(
            station=station.number,
            session=s.number,
            report=s.report + 1,
            time=time,
            import_register=s.import_register + imported,
            export_register=s.export_register + exported,
            last=False,
            boundaries=tuple(registers(at) for at in boundaries_between(s.time, time)),
        )
        return replace(message, **changes)
