"""Puts a planned market on a ledger: admits, funds, registers, in as few rounds as the rules allow.

Who depends on another's transaction waits for a round; within one nobody waits.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import astuple, dataclass, replace
from typing import Any, TypeVar

from eth_account import Account
from eth_account.signers.local import LocalAccount
from hexbytes import HexBytes
from web3.types import TxReceipt

from gridroam.chain import abi, events
from gridroam.chain.ledger import Ledger
from gridroam.chain.wallet import Wallet
from gridroam.devnet.members import Market, MarketParticipant, MarketStation, MarketVehicle
from gridroam.devnet.plan import (
    MarketPlan,
    MeterPlan,
    ParticipantPlan,
    StationPlan,
    VehiclePlan,
    small_market,
)
from gridroam.domain.participants import Role
from gridroam.domain.slots import slot_start
from gridroam.errors import RevertedError
from gridroam.evidence.record import meter_key
from gridroam.signatures import KeyCurve

__all__ = [
    "Market",
    "MarketParticipant",
    "MarketPlan",
    "MarketStation",
    "MarketVehicle",
    "MeterPlan",
    "ParticipantPlan",
    "StationPlan",
    "VehiclePlan",
    "build",
    "small_market",
]

T = TypeVar("T")
E = TypeVar("E", bound=events.Event)

_GAS_MONEY = 10**19
_GAS, _GAS_PER_ITEM, _ITEMS = 500_000, 80_000, 150
_AT_ONCE = 500
"""Transactions that may wait to be mined: with some 2,000 anvil stops mining by itself for good,
which a machine comes to that signs faster than it mines."""


@dataclass(frozen=True, slots=True)
class _Act:
    """A transaction to be sent; `calldata` may depend on the slot in which the market starts."""

    wallet: Wallet
    to: str
    calldata: Callable[[int], bytes]
    gas: int = _GAS

    def post(self, slot: int) -> HexBytes:
        return self.wallet.post(self.to, self.calldata(slot), gas=self.gas)


def build(ledger: Ledger, plan: MarketPlan, governance: LocalAccount) -> Market:
    """Registers everything in the plan and deposits test euros; raises `RevertedError` if refused.

    `governance` admits, mints and pays for gas; it holds some of the chain's own money.
    """
    return _Builder(ledger, plan, governance).build()


class _Builder:
    def __init__(self, ledger: Ledger, plan: MarketPlan, governance: LocalAccount) -> None:
        self.ledger = ledger
        self.plan = plan
        self.governance = Wallet(ledger.w3, governance)
        self.wallets = {
            p.name: Wallet(ledger.w3, Account.from_key(p.key)) for p in plan.participants
        }
        self.numbers: dict[str, int] = {}

    def build(self) -> Market:
        self._pay_for_gas()
        admitted = _found(self._run(self._admissions()), events.ParticipantAdmitted)
        self.numbers = {
            p.name: event.participant
            for p, event in zip(self.plan.participants, admitted, strict=True)
        }
        self._run([*self._deposits(), *self._meters(), *self._tariffs(), *self._vehicles()])
        requested = self._run([*self._requests(), *self._offers_of_default_supply()])
        stations = _found(requested, events.StationRequested)
        keys = *self._vehicle_keys(), *self._meter_keys()
        self._run([*self._approvals(stations), *self._default_supplies(), *keys])
        return self._market([event.station for event in stations])

    # ------------------------------------------------------------------------------------ Rounds

    def _pay_for_gas(self) -> None:
        """Not to contracts' functions: it is the chain's own money."""
        addresses = [wallet.address for wallet in self.wallets.values()]
        self.governance.wait(
            [self.governance.post(to, gas=21_000, value=_GAS_MONEY) for to in addresses]
        )

    def _admissions(self) -> Iterator[_Act]:
        for p in self.plan.participants:
            account = self.wallets[p.name].address
            yield self._registry(self.governance, "admit", account, int(p.roles), p.market_code)

    def _deposits(self) -> Iterator[_Act]:
        token, vault = self.ledger.token, self.ledger.vault_address
        units = {p.name: p.deposit_eur * 10**6 for p in self.plan.participants if p.deposit_eur}
        if not units:
            return
        total = sum(units.values())
        yield self._act(self.governance, token, "TestEuro", "mint", self.governance.address, total)
        yield self._act(self.governance, token, "TestEuro", "approve", vault, total)
        for name, amount in units.items():
            number = self.numbers[name]
            yield self._act(self.governance, vault, "Vault", "deposit", number, amount)

    def _meters(self) -> Iterator[_Act]:
        owners = {s.meter_id: s.grid_operator for s in self.plan.stations}
        for name, ids in _grouped((owner, meter) for meter, owner in owners.items()):
            yield self._registry(self.wallets[name], "registerMeters", ids, items=len(ids))

    def _tariffs(self) -> Iterator[_Act]:
        for p in self.plan.participants:
            for role in p.tariffs:
                yield self._tariff(p, role)

    def _tariff(self, p: ParticipantPlan, role: Role) -> _Act:
        def calldata(slot: int) -> bytes:
            tariff = astuple(replace(p.tariffs[role], valid_from=slot))
            return abi.functions("Registry")["publishTariff"].calldata(int(role), tariff)

        return _Act(self.wallets[p.name], self.ledger.registry_address, calldata)

    def _vehicles(self) -> Iterator[_Act]:
        register = abi.functions("Ledger")["registerVehicles"].calldata
        supplied = ((v.supplier, v.commitment) for v in self.plan.vehicles if v.supplier)
        for name, commitments in _grouped(supplied):
            yield _Act(
                self.wallets[name],
                self.ledger.address,
                lambda slot, some=commitments: register(some, slot),  # type: ignore[misc]
                _GAS + _GAS_PER_ITEM * len(commitments),
            )

    def _vehicle_keys(self) -> Iterator[_Act]:
        """From the running slot on, as they are registered."""
        set_keys = abi.functions("Ledger")["setVehicleKeys"].calldata
        keyed = ((v.supplier, v) for v in self.plan.vehicles if v.supplier and v.curve)
        for name, vehicles in _grouped(keyed):
            ids = [v.id_of(self.numbers[name]) for v in vehicles]
            keys = [signer.address for v in vehicles if (signer := v.signer)]
            yield _Act(
                self.wallets[name],
                self.ledger.address,
                lambda slot, ids=ids, keys=keys: set_keys(ids, keys, slot),  # type: ignore[misc]
                _GAS + _GAS_PER_ITEM * len(ids),
            )

    def _meter_keys(self) -> Iterator[_Act]:
        owners = {s.meter: s.grid_operator for s in self.plan.stations}
        for m in self.plan.meters:
            key = meter_key(m.key.public_key(), m.serial)
            yield self._registry(self.wallets[owners[m.name]], "setMeterKey", m.id, tuple(key))

    def _requests(self) -> Iterator[_Act]:
        for s in self.plan.stations:
            asked = s.meter_id, s.signer.address, s.max_power, s.max_feed_in, s.name
            yield self._registry(self.wallets[s.operator], "requestStation", *asked)

    def _approvals(self, stations: Sequence[events.StationRequested]) -> Iterator[_Act]:
        pairs = zip(self.plan.stations, stations, strict=True)
        for name, numbers in _grouped((s.grid_operator, event.station) for s, event in pairs):
            wallet = self.wallets[name]
            yield self._registry(wallet, "approveStations", numbers, items=len(numbers))

    def _offers_of_default_supply(self) -> Iterator[_Act]:
        for operator, supplier in self.plan.default_supply.items():
            number = self.numbers[operator]
            yield self._registry(self.wallets[supplier], "offerDefaultSupply", number, True)

    def _default_supplies(self) -> Iterator[_Act]:
        for operator, supplier in self.plan.default_supply.items():
            number = self.numbers[supplier]
            yield self._registry(self.wallets[operator], "setDefaultSupplier", number)

    # ---------------------------------------------------------------------------------- Internal

    def _registry(self, wallet: Wallet, function: str, *arguments: Any, items: int = 0) -> _Act:
        to = self.ledger.registry_address
        return self._act(wallet, to, "Registry", function, *arguments, items=items)

    def _act(
        self,
        wallet: Wallet,
        to: str,
        contract: str,
        function: str,
        *arguments: Any,
        items: int = 0,
    ) -> _Act:
        calldata = abi.functions(contract)[function].calldata(*arguments)
        return _Act(wallet, to, lambda _: calldata, _GAS + _GAS_PER_ITEM * items)

    def _run(self, acts: Iterable[_Act]) -> list[TxReceipt]:
        rest, receipts = list(acts), []
        while rest:
            now, rest = rest[:_AT_ONCE], rest[_AT_ONCE:]
            slot = self._running_slot()
            sent = [(act, act.post(slot)) for act in now]
            receipts += [self._receipt(act, tx_hash) for act, tx_hash in sent]
        return receipts

    def _receipt(self, act: _Act, tx_hash: HexBytes) -> TxReceipt:
        try:
            return act.wallet.wait([tx_hash])[0]
        except RevertedError as error:
            if error.name != "TooEarly":
                raise
            # a new slot began between sending and mining
            return act.wallet.wait([act.post(self._running_slot())])[0]

    def _running_slot(self) -> int:
        return slot_start(self.ledger.w3.eth.get_block("pending")["timestamp"])

    def _market(self, stations: Sequence[int]) -> Market:
        return Market(
            {p.name: self._participant(p) for p in self.plan.participants},
            {
                s.name: self._station(s, number)
                for s, number in zip(self.plan.stations, stations, strict=True)
            },
            {v.name: self._vehicle(v) for v in self.plan.vehicles},
        )

    def _vehicle(self, v: VehiclePlan) -> MarketVehicle:
        supplier = self.numbers[v.supplier] if v.supplier else 0
        curve = v.curve or KeyCurve.SECP256K1
        return MarketVehicle(v.name, v.id_of(supplier), supplier, v.key, curve)

    def _participant(self, p: ParticipantPlan) -> MarketParticipant:
        address = self.wallets[p.name].address
        return MarketParticipant(p.name, self.numbers[p.name], int(p.roles), address, p.key)

    def _station(self, s: StationPlan, number: int) -> MarketStation:
        operator, grid = self.numbers[s.operator], self.numbers[s.grid_operator]
        return MarketStation(
            s.name, number, operator, grid, s.max_power, s.max_feed_in, s.key, s.curve
        )


def _grouped(pairs: Iterable[tuple[str, T]]) -> Iterator[tuple[str, list[T]]]:
    """By name, in lists short enough for one transaction."""
    groups: dict[str, list[T]] = {}
    for name, value in pairs:
        groups.setdefault(name, []).append(value)
    for name, values in groups.items():
        for start in range(0, len(values), _ITEMS):
            yield name, values[start : start + _ITEMS]


def _found(receipts: Iterable[TxReceipt], cls: type[E]) -> list[E]:
    happened = (event for receipt in receipts for event in events.of(receipt))
    return [event for event in happened if isinstance(event, cls)]
