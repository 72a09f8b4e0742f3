"""Applies what is no message to the derived market: registrations, and money from outside.

Each handler performs the act that an event tells of, by the rules, and returns what the event must
say where the rules determine it.
"""

from dataclasses import dataclass, field
from functools import singledispatchmethod

from gridroam.chain import events
from gridroam.domain.accounts import Accounts
from gridroam.domain.market import Expiry, Market
from gridroam.domain.meters import MeterKey
from gridroam.domain.participants import Participants
from gridroam.domain.stations import Stations
from gridroam.domain.units import NOBODY, Bytes32, Timestamp
from gridroam.domain.vehicles import Vehicles
from gridroam.domain.violation import NotAllowedError

Determined = dict[str, object] | None


@dataclass
class Registrar:
    """`now` is the time of the block that the events stand in; to `roots` go those of the batches
    that expiries leave."""

    market: Market
    roots: dict[int, Bytes32]
    now: Timestamp = 0
    _expected: list[Expiry] = field(default_factory=list)

    @property
    def participants(self) -> Participants:
        return self.market.registry.participants

    @property
    def stations(self) -> Stations:
        return self.market.registry.stations

    @property
    def vehicles(self) -> Vehicles:
        return self.market.vehicles

    @property
    def accounts(self) -> Accounts:
        return self.market.accounts

    def take_expected(self) -> list[Expiry]:
        """The expiries whose batch was not told of, and forgets them."""
        expected, self._expected = self._expected, []
        return expected

    @singledispatchmethod
    def apply(self, event: events.Event) -> Determined:
        """Raises `NotAllowedError` where the rules forbid it."""
        raise NotAllowedError(type(event).__name__, "only a batch or a correction leaves it")

    # -------------------------------------------------------------------------------- participants

    @apply.register
    def _(self, event: events.ParticipantAdmitted) -> Determined:
        return {"participant": self.participants.admit(event.account, event.roles)}

    @apply.register
    def _(self, event: events.RolesChanged) -> None:
        self.participants.set_roles(event.participant, event.roles)

    @apply.register
    def _(self, event: events.ParticipantSuspended) -> None:
        self.participants.suspend(event.participant)

    @apply.register
    def _(self, event: events.ParticipantReinstated) -> None:
        self.participants.reinstate(event.participant)

    @apply.register
    def _(self, event: events.AccountMoved) -> Determined:
        previous = self.participants[event.participant].account
        self.participants.move_account(event.participant, event.to)
        return {"from_": previous}

    @apply.register
    def _(self, event: events.LimitsSet) -> None:
        self.participants.set_limits(event.limits)

    @apply.register
    def _(self, _event: events.Paused) -> None:
        self.market.registry.paused = True

    @apply.register
    def _(self, _event: events.Unpaused) -> None:
        self.market.registry.paused = False

    @apply.register
    def _(self, event: events.DefaultSupplyOffered) -> None:
        self.participants.offer_default_supply(event.supplier, event.operator, event.offered)

    @apply.register
    def _(self, event: events.DefaultSupplierSet) -> None:
        self.participants.set_default_supplier(event.operator, event.supplier)

    # ------------------------------------------------------------------ meters, stations, tariffs

    @apply.register
    def _(self, event: events.MeterRegistered) -> None:
        self.stations.meters.register(event.meter, event.grid_operator)

    @apply.register
    def _(self, event: events.MeterKeySet) -> None:
        key = MeterKey(event.curve, event.x, event.y, event.serial)
        self.stations.meters.set_key(event.meter, key)

    @apply.register
    def _(self, event: events.MeterKeyRevoked) -> None:
        self.stations.meters.revoke_key(event.meter)

    @apply.register
    def _(self, event: events.StationRequested) -> Determined:
        powers = event.max_power, event.max_feed_in
        return {"station": self.stations.request(event.operator, event.meter, event.key, *powers)}

    @apply.register
    def _(self, event: events.StationApproved) -> None:
        self.stations.approve(event.station, event.grid_operator)

    @apply.register
    def _(self, event: events.StationKeyRotated) -> None:
        self.stations.rotate_key(event.station, event.key, event.until)

    @apply.register
    def _(self, event: events.StationKeyRetired) -> None:
        self.stations.retire_key(event.station, event.until)

    @apply.register
    def _(self, event: events.StationKeyRevoked) -> None:
        self.stations.revoke_key(event.station)

    @apply.register
    def _(self, event: events.StationClosed) -> None:
        self.stations.close(event.station)

    @apply.register
    def _(self, event: events.TariffPublished) -> Determined:
        publish = self.market.registry.publish_tariff
        return {"version": publish(event.participant, event.role, event.tariff, self.now)}

    # ------------------------------------------------------------------------------------ vehicles

    @apply.register
    def _(self, event: events.VehicleRegistered) -> None:
        self.vehicles.register(event.vehicle, event.supplier, event.from_, self.now)

    @apply.register
    def _(self, event: events.VehicleOffered) -> None:
        self.vehicles.offer(event.vehicle, event.from_, event.to, event.effective)

    @apply.register
    def _(self, event: events.SupplierChanged) -> Determined:
        if event.to == NOBODY:
            self.vehicles.release(event.vehicle, event.from_, event.effective, self.now)
            return None
        offer = self.vehicles.accept(event.vehicle, event.to, self.now)
        return {"from_": offer.by, "effective": offer.effective}

    @apply.register
    def _(self, event: events.VehicleKeySet) -> None:
        supplier = self.vehicles.supplier_at(event.vehicle, self.now)
        self.vehicles.set_key(event.vehicle, supplier, event.key, event.from_, self.now)

    @apply.register
    def _(self, event: events.VehicleKeyRevoked) -> None:
        supplier = self.vehicles.supplier_at(event.vehicle, self.now)
        self.vehicles.revoke_keys(event.vehicle, supplier, self.now)

    @apply.register
    def _(self, event: events.VehicleKeyCleared) -> None:
        supplier = self.vehicles.supplier_at(event.vehicle, self.now)
        self.vehicles.clear_keys(event.vehicle, supplier, self.now)

    # ------------------------------------------------------------------------- money and expiries

    @apply.register
    def _(self, event: events.Deposited) -> None:
        self.participants.require_known(event.participant)
        self.accounts.deposit(event.participant, event.amount)

    @apply.register
    def _(self, event: events.Withdrawn) -> None:
        self.accounts.withdraw(event.participant, event.amount)

    @apply.register
    def _(self, event: events.Collected) -> Determined:
        return {"amount": self.accounts.collect(event.payer, event.payee)}

    @apply.register
    def _(self, event: events.SessionExpired) -> Determined:
        expiry = self.market.expire(event.station, self.now)
        self.roots[expiry.batch] = expiry.root
        self._expected.append(expiry)
        return {"session": expiry.session}

    @apply.register
    def _(self, _event: events.BatchRecorded) -> Determined:
        """The one that the expiry right before it leaves."""
        if not self._expected:
            raise NotAllowedError("BatchRecorded", "without messages only an expiry leaves it")
        expiry = self._expected.pop(0)
        return {"batch": expiry.batch, "root": expiry.root, "count": 1}
