"""Applies what is no message to the derived market: registrations, and money from outside.

Each handler performs the act that an event tells of, by the rules, and returns what the event must
say where the rules determine it.
"""

from dataclasses import dataclass
from functools import singledispatchmethod

from gridroam.chain import events
from gridroam.domain.accounts import Accounts
from gridroam.domain.market import Market
from gridroam.domain.participants import Participants
from gridroam.domain.stations import Stations
from gridroam.domain.units import NOBODY, Timestamp
from gridroam.domain.vehicles import Vehicles
from gridroam.domain.violation import NotAllowedError

Determined = dict[str, object] | None


@dataclass
class Registrar:
    """`now` is the time of the block that the events stand in."""

    market: Market
    now: Timestamp = 0

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

    @singledispatchmethod
    def apply(self, event: events.Event) -> Determined:
        """Raises `NotAllowedError` where the rules forbid it."""
        raise NotAllowedError(type(event).__name__, "only a batch leaves it")

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
    def _(self, event: events.DefaultSupplyOffered) -> None:
        self.participants.offer_default_supply(event.supplier, event.operator, event.offered)

    @apply.register
    def _(self, event: events.DefaultSupplierSet) -> None:
        self.participants.set_default_supplier(event.operator, event.supplier)

    # ------------------------------------------------------------------ meters, stations, tariffs

    @apply.register
    def _(self, event: events.MeterRegistered) -> None:
        self.stations.register_meter(event.meter, event.grid_operator)

    @apply.register
    def _(self, event: events.StationRequested) -> Determined:
        powers = event.max_power, event.max_feed_in
        return {"station": self.stations.request(event.operator, event.meter, event.key, *powers)}

    @apply.register
    def _(self, event: events.StationApproved) -> None:
        self.stations.approve(event.station, event.grid_operator)

    @apply.register
    def _(self, event: events.StationKeyRotated) -> None:
        self.stations.rotate_key(event.station, event.key, self.now)

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
        return {"session": self.market.expire(event.station, self.now)}
