"""Who may do what in ledger and vault, and what the rules make of it."""

from collections.abc import Iterator, Sequence

from setting import BANK
from side import SOMEWHERE, Side

from gridroam.chain import events
from gridroam.chain.events import Event
from gridroam.domain.participants import Role
from gridroam.domain.units import (
    NO_KEY,
    NOBODY,
    Address,
    Bytes32,
    NanoEuro,
    ParticipantId,
    StationId,
    Timestamp,
)
from gridroam.domain.vehicles import vehicle_id
from gridroam.domain.violation import NotAllowedError, require

NANO_PER_UNIT = 1_000
"""Nano-euro in a unit of the token, which has six decimals."""


class LedgerRules(Side):
    """See `Rules`."""

    # ------------------------------------------------------------------------------------ sessions

    def expire(self, sender: Address, station: StationId) -> Iterator[Event]:
        session, batch, root = self.market.expire(station, self.now)
        self.roots[batch] = root
        yield events.SessionExpired(SOMEWHERE, station, session)
        yield events.BatchRecorded(SOMEWHERE, batch, root, 1)

    def record_batch(self, leaves: Sequence[Bytes32]) -> events.BatchRecorded:
        """Of the messages that the market has decided."""
        root = self.market.record_batch(leaves)
        number = self.market.batch_count
        self.roots[number] = root
        return events.BatchRecorded(SOMEWHERE, number, root, len(leaves))

    # ------------------------------------------------------------------------------------ vehicles

    def register_vehicles(
        self, sender: Address, commitments: list[Bytes32], start: Timestamp
    ) -> Iterator[Event]:
        supplier = self.caller_as(sender, Role.SUPPLIER)
        for commitment in commitments:
            vehicle = vehicle_id(supplier, commitment)
            self.vehicles.register(vehicle, supplier, start, self.now)
            yield events.VehicleRegistered(SOMEWHERE, vehicle, supplier, start)

    def offer_vehicles(
        self, sender: Address, ids: list[Bytes32], to: ParticipantId, effective: Timestamp
    ) -> Iterator[Event]:
        supplier = self.caller(sender)
        for vehicle in ids:
            self.vehicles.offer(vehicle, supplier, to, effective)
            yield events.VehicleOffered(SOMEWHERE, vehicle, supplier, to, effective)

    def accept_vehicles(self, sender: Address, ids: list[Bytes32]) -> Iterator[Event]:
        supplier = self.caller_as(sender, Role.SUPPLIER)
        for vehicle in ids:
            offer = self.vehicles.accept(vehicle, supplier, self.now)
            effective = offer.effective
            yield events.SupplierChanged(SOMEWHERE, vehicle, offer.by, supplier, effective)

    def release_vehicles(
        self, sender: Address, ids: list[Bytes32], effective: Timestamp
    ) -> Iterator[Event]:
        supplier = self.caller(sender)
        for vehicle in ids:
            self.vehicles.release(vehicle, supplier, effective, self.now)
            yield events.SupplierChanged(SOMEWHERE, vehicle, supplier, NOBODY, effective)

    def set_vehicle_keys(
        self, sender: Address, ids: list[Bytes32], keys: list[Address], start: Timestamp
    ) -> Iterator[Event]:
        supplier = self.caller(sender)
        require(len(ids) == len(keys), "LengthMismatch", f"{len(ids)} and {len(keys)}")
        for vehicle, key in zip(ids, keys, strict=True):
            self.vehicles.set_key(vehicle, supplier, key, start, self.now)
            yield events.VehicleKeySet(SOMEWHERE, vehicle, key, start)

    def revoke_vehicle_keys(self, sender: Address, ids: list[Bytes32]) -> Iterator[Event]:
        supplier = self.caller(sender)
        for vehicle in ids:
            self.vehicles.revoke_keys(vehicle, supplier, self.now)
            yield events.VehicleKeyRevoked(SOMEWHERE, vehicle)

    def clear_vehicle_keys(self, sender: Address, ids: list[Bytes32]) -> Iterator[Event]:
        supplier = self.caller(sender)
        for vehicle in ids:
            self.vehicles.clear_keys(vehicle, supplier, self.now)
            yield events.VehicleKeyCleared(SOMEWHERE, vehicle)

    # --------------------------------------------------------------------------------------- money

    def deposit(self, sender: Address, number: ParticipantId, units: int) -> Iterator[Event]:
        require(sender == BANK or not units, "ERC20InsufficientAllowance", sender)
        self.participants.require_known(number)
        self.accounts.deposit(number, units * NANO_PER_UNIT)
        self.held += units
        yield events.Deposited(SOMEWHERE, number, units * NANO_PER_UNIT)

    def withdraw(self, sender: Address, amount: NanoEuro, to: Address) -> Iterator[Event]:
        units = amount // NANO_PER_UNIT
        require(units, "NothingToWithdraw", f"{amount}")
        number = self.caller(sender)
        self.accounts.withdraw(number, units * NANO_PER_UNIT)
        require(to != NO_KEY, "ERC20InvalidReceiver", to)
        self.held -= units if to != self.vault else 0
        self.withdrawn[to] += units
        yield events.Withdrawn(SOMEWHERE, number, units * NANO_PER_UNIT)

    def collect(
        self, sender: Address, payer: ParticipantId, payee: ParticipantId
    ) -> Iterator[Event]:
        yield events.Collected(SOMEWHERE, payer, payee, self.accounts.collect(payer, payee))

    def transfer(self, sender: Address, to: Address, units: int) -> Iterator[Event]:
        """Tokens straight into the vault are a gift to nobody."""
        if sender != BANK:
            require(self.withdrawn[sender] >= units, "ERC20InsufficientBalance", sender)
            self.withdrawn[sender] -= units
        self.held += units if to == self.vault else 0
        yield from ()

    def credit(self, sender: Address, number: ParticipantId, amount: NanoEuro) -> Iterator[Event]:
        raise NotAllowedError("OnlyVault", sender)

    def debit(self, sender: Address, owner: Address, amount: NanoEuro) -> Iterator[Event]:
        raise NotAllowedError("OnlyVault", sender)
