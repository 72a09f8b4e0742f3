"""Who may do what in the registry, and what the rules make of it."""

from collections.abc import Iterator
from dataclasses import astuple, replace

from side import SOMEWHERE, Side

from gridroam.chain import events
from gridroam.chain.events import Event
from gridroam.domain.meters import MeterKey
from gridroam.domain.participants import Limits, Role
from gridroam.domain.tariff import Tariff
from gridroam.domain.units import Address, Bytes32, ParticipantId, StationId, Timestamp, Watts
from gridroam.domain.violation import require


class RegistryRules(Side):
    """See `Rules`."""

    def _govern(self, sender: Address) -> None:
        require(sender == self.governance, "AccessManagedUnauthorized", sender)

    # ---------------------------------------------------------------------------------- governance

    def admit(self, sender: Address, account: Address, roles: int, code: str) -> Iterator[Event]:
        self._govern(sender)
        number = self.participants.admit(account, roles)
        yield events.ParticipantAdmitted(SOMEWHERE, number, account, roles, code)

    def set_roles(self, sender: Address, number: ParticipantId, roles: int) -> Iterator[Event]:
        self._govern(sender)
        self.participants.set_roles(number, roles)
        yield events.RolesChanged(SOMEWHERE, number, roles)

    def suspend(self, sender: Address, number: ParticipantId) -> Iterator[Event]:
        self._govern(sender)
        self.participants.suspend(number)
        yield events.ParticipantSuspended(SOMEWHERE, number)

    def reinstate(self, sender: Address, number: ParticipantId) -> Iterator[Event]:
        self._govern(sender)
        self.participants.reinstate(number)
        yield events.ParticipantReinstated(SOMEWHERE, number)

    def set_limits(self, sender: Address, limits: Limits) -> Iterator[Event]:
        self._govern(sender)
        self.participants.set_limits(limits)
        yield events.LimitsSet(SOMEWHERE, limits)

    def pause(self, sender: Address) -> Iterator[Event]:
        self._govern(sender)
        self.market.registry.paused = True
        yield events.Paused(SOMEWHERE)

    def unpause(self, sender: Address) -> Iterator[Event]:
        self._govern(sender)
        self.market.registry.paused = False
        yield events.Unpaused(SOMEWHERE)

    # -------------------------------------------------------------------------------- participants

    def move_account(self, sender: Address, to: Address) -> Iterator[Event]:
        number = self.caller(sender)
        self.participants.move_account(number, to)
        yield events.AccountMoved(SOMEWHERE, number, sender, to)

    def offer_default_supply(
        self, sender: Address, operator: ParticipantId, offered: bool
    ) -> Iterator[Event]:
        supplier = self.caller(sender)
        self.participants.offer_default_supply(supplier, operator, offered)
        yield events.DefaultSupplyOffered(SOMEWHERE, supplier, operator, offered)

    def set_default_supplier(self, sender: Address, supplier: ParticipantId) -> Iterator[Event]:
        operator = self.caller(sender)
        self.participants.set_default_supplier(operator, supplier)
        yield events.DefaultSupplierSet(SOMEWHERE, operator, supplier)

    def publish_tariff(self, sender: Address, role: int, tariff: Tariff) -> Iterator[Event]:
        number = self.caller(sender)
        version = self.market.registry.publish_tariff(number, role, tariff, self.now)
        yield events.TariffPublished(SOMEWHERE, number, role, version, tariff)

    # ------------------------------------------------------------------------- meters and stations

    def register_meters(self, sender: Address, meters: list[Bytes32]) -> Iterator[Event]:
        number = self.caller_as(sender, Role.GRID_OPERATOR)
        for meter in meters:
            self.stations.meters.register(meter, number)
            yield events.MeterRegistered(SOMEWHERE, meter, number)

    def set_meter_key(self, sender: Address, meter: Bytes32, key: MeterKey) -> Iterator[Event]:
        number = self.caller_as(sender, Role.GRID_OPERATOR)
        require(self.stations.meters.owner_of(meter) == number, "NotYourMeter", meter.hex())
        self.stations.meters.set_key(meter, replace(key))
        yield events.MeterKeySet(SOMEWHERE, meter, *astuple(key))

    def revoke_meter_key(self, sender: Address, meter: Bytes32) -> Iterator[Event]:
        number = self.caller(sender)
        require(self.stations.meters.owner_of(meter) == number, "NotYourMeter", meter.hex())
        self.stations.meters.revoke_key(meter)
        yield events.MeterKeyRevoked(SOMEWHERE, meter)

    def approve_stations(self, sender: Address, stations: list[StationId]) -> Iterator[Event]:
        number = self.caller_as(sender, Role.GRID_OPERATOR)
        for station in stations:
            self.stations.approve(station, number)
            yield events.StationApproved(SOMEWHERE, station, number)

    def close_station(self, sender: Address, station: StationId) -> Iterator[Event]:
        number = self.caller(sender)
        meter = self.stations.meter_of.get(station, b"")
        require(self.stations.meters.owner_of(meter) == number, "NotYourStation", f"{station}")
        self.stations.close(station)
        yield events.StationClosed(SOMEWHERE, station)

    def request_station(
        self,
        sender: Address,
        meter: Bytes32,
        key: Address,
        max_power: Watts,
        max_feed_in: Watts,
        evse_id: str,
    ) -> Iterator[Event]:
        operator = self.caller(sender)
        wanted = operator, meter, key, max_power, max_feed_in
        yield events.StationRequested(SOMEWHERE, self.stations.request(*wanted), *wanted, evse_id)

    def rotate_station_key(
        self, sender: Address, station: StationId, key: Address, until: Timestamp
    ) -> Iterator[Event]:
        self._require_operator(sender, station)
        self.stations.rotate_key(station, key, until)
        yield events.StationKeyRotated(SOMEWHERE, station, key, until)

    def retire_station_key(
        self, sender: Address, station: StationId, until: Timestamp
    ) -> Iterator[Event]:
        self._require_operator(sender, station)
        self.stations.retire_key(station, until)
        yield events.StationKeyRetired(SOMEWHERE, station, until)

    def revoke_station_key(self, sender: Address, station: StationId) -> Iterator[Event]:
        self._require_operator(sender, station)
        self.stations.revoke_key(station)
        yield events.StationKeyRevoked(SOMEWHERE, station)

    def _require_operator(self, sender: Address, station: StationId) -> None:
        operator, caller = self.stations[station].operator, self.caller(sender)
        require(operator == caller, "NotYourStation", f"{station}")
