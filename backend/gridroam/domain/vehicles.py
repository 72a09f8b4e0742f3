"""Which supplier supplies which vehicle, since when, and which session it was last cleared in.

A vehicle knows its supply and the one change after it. The supply before that change is forgotten
only when no opening can be so late that it matters.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from eth_hash.auto import keccak

from gridroam.domain import vehicle_keys
from gridroam.domain.batch import word
from gridroam.domain.participants import Role
from gridroam.domain.registry import Registry
from gridroam.domain.session import Change, Session
from gridroam.domain.slots import SLOT, slot_start
from gridroam.domain.units import NOBODY, Address, Bytes32, ParticipantId, StationId, Timestamp
from gridroam.domain.vehicle_keys import VehicleKeys
from gridroam.domain.violation import require

NEVER: Timestamp = 0


@dataclass(slots=True)
class Vehicle:
    """Who supplies a vehicle, and the last session cleared for it."""

    supplier: ParticipantId
    """From `from_` until `next_from`."""
    from_: Timestamp
    """The start of a slot."""
    next_supplier: ParticipantId = NOBODY
    """From `next_from` on; `NOBODY`: it was released."""
    next_from: Timestamp = NEVER
    """The start of a slot; `NEVER`: no change is known."""
    station: StationId = 0
    session: int = 0
    keyed: bool = False
    """Whether it has a key, or had one that was revoked: then its openings need a signature."""

    def supplier_at(self, time: Timestamp) -> ParticipantId:
        if self.next_from != NEVER and time >= self.next_from:
            return self.next_supplier
        return self.supplier if time >= self.from_ else NOBODY

    @property
    def last_supplier(self) -> ParticipantId:
        """The last one known, present or future: the one who decides about the vehicle."""
        return self.supplier if self.next_from == NEVER else self.next_supplier

    def is_released(self, now: Timestamp) -> bool:
        return self.last_supplier == NOBODY and self.next_from <= now


@dataclass(frozen=True, slots=True)
class Offer:
    """A change of supplier that the new one has not accepted."""

    by: ParticipantId
    to: ParticipantId
    effective: Timestamp


def vehicle_id(supplier: ParticipantId, commitment: Bytes32) -> Bytes32:
    """What the chain calls a vehicle. It keeps the id of its first supplier for good; nobody can
    register it ahead of that one, since the id is another one for everybody else."""
    return keccak(word(supplier) + commitment)


@dataclass(slots=True)
class Vehicles:
    """Vehicles by their ids, their keys, and the offers that are open."""

    registry: Registry
    sessions: Mapping[StationId, Session]
    by_id: dict[Bytes32, Vehicle] = field(default_factory=dict)
    first_suppliers: dict[Bytes32, ParticipantId] = field(default_factory=dict)
    """Whose number and commitment the id is made of."""
    keys: dict[Bytes32, VehicleKeys] = field(default_factory=dict)
    """Of those that are `keyed`."""
    offers: dict[Bytes32, Offer] = field(default_factory=dict)

    def supplier_at(self, vehicle: Bytes32, time: Timestamp) -> ParticipantId:
        known = self.by_id.get(vehicle)
        return known.supplier_at(time) if known else NOBODY

    def session_of(self, vehicle: Bytes32) -> tuple[StationId, Session] | None:
        """The open session that it was last cleared in, if that is still so."""
        known = self.by_id[vehicle]
        session = self.sessions.get(known.station)
        if session is None or not session.is_open or session.number != known.session:
            return None
        return known.station, session

    def register(
        self, vehicle: Bytes32, supplier: ParticipantId, start: Timestamp, now: Timestamp
    ) -> None:
        """A supplier takes a vehicle that nobody supplies: a new one from the running slot at the
        earliest, one that it was the first to supply and that was released from a future slot.
        `vehicle` is the `vehicle_id` of this supplier's commitment."""
        self.registry.participants.require_active(supplier, Role.SUPPLIER)
        require(start % SLOT == 0, "NotSlotAligned", f"{start}")
        require(start >= slot_start(now), "TooEarly", f"{start}, now it is {now}")
        known = self.by_id.get(vehicle)
        if known is None:
            self.by_id[vehicle] = Vehicle(supplier, start)
            self.first_suppliers[vehicle] = supplier
            return
        free = known.is_released(now) and self.first_suppliers[vehicle] == supplier
        require(free, "VehicleTaken", vehicle.hex())
        self._change(vehicle, supplier, start, now)

    def offer(
        self, vehicle: Bytes32, by: ParticipantId, to: ParticipantId, effective: Timestamp
    ) -> None:
        """The supplier offers the vehicle to another one."""
        require(effective % SLOT == 0, "NotSlotAligned", f"{effective}")
        active = self.registry.participants.is_active(to, Role.SUPPLIER)
        require(active, "NotActive", f"participant {to}")
        self._require_supplies(by, vehicle)
        self.offers[vehicle] = Offer(by, to, effective)

    def accept(self, vehicle: Bytes32, supplier: ParticipantId, now: Timestamp) -> Offer:
        """The new supplier takes the vehicle at the slot that was offered."""
        self.registry.participants.require_active(supplier, Role.SUPPLIER)
        offer = self.offers.get(vehicle)
        require(offer is not None and offer.to == supplier, "NotOffered", vehicle.hex())
        offer = self.offers[vehicle]
        self._require_supplies(offer.by, vehicle)
        session = self._on_the_road(vehicle)
        self._change(vehicle, supplier, offer.effective, now)
        if session is not None and session.supplier == offer.by:
            session.change = Change(supplier, offer.effective)
        del self.offers[vehicle]
        return offer

    def release(
        self, vehicle: Bytes32, supplier: ParticipantId, effective: Timestamp, now: Timestamp
    ) -> None:
        """The supplier ends its supply."""
        require(effective % SLOT == 0, "NotSlotAligned", f"{effective}")
        self._require_supplies(supplier, vehicle)
        self._change(vehicle, NOBODY, effective, now)

    # ---------------------------------------------------------------------------------------- keys

    def set_key(
        self,
        vehicle: Bytes32,
        supplier: ParticipantId,
        key: Address,
        start: Timestamp,
        now: Timestamp,
    ) -> None:
        """Openings with a time from `start` on need the key's signature; the key before it stays
        good for older ones, and those older than the first key need none."""
        known = self._supplied_by(supplier, vehicle, now)
        before = self.keys.get(vehicle)
        made = before.next(key, start) if before else vehicle_keys.first(key, start)
        self.keys[vehicle], known.keyed = made, True

    def revoke_keys(self, vehicle: Bytes32, supplier: ParticipantId, now: Timestamp) -> None:
        """Cuts off the present key and the one before it: nothing opens until there is a new one,
        which is then needed whatever an opening's time. So it is where there was no key."""
        self._supplied_by(supplier, vehicle, now).keyed = True
        self.keys[vehicle] = vehicle_keys.REVOKED

    def clear_keys(self, vehicle: Bytes32, supplier: ParticipantId, now: Timestamp) -> None:
        """Openings need no signature any more."""
        self._supplied_by(supplier, vehicle, now).keyed = False
        self.keys.pop(vehicle, None)

    def _supplied_by(self, supplier: ParticipantId, vehicle: Bytes32, now: Timestamp) -> Vehicle:
        """The vehicle, of whoever supplies it now."""
        supplies = self.supplier_at(vehicle, now) == supplier != NOBODY
        require(supplies, "NotTheSupplier", f"{supplier} of {vehicle.hex()}")
        return self.by_id[vehicle]

    # ------------------------------------------------------------------------------------- changes

    def _on_the_road(self, vehicle: Bytes32) -> Session | None:
        """The session that the vehicle is in: it can wait for one change only."""
        found = self.session_of(vehicle)
        if found is None:
            return None
        _, session = found
        require(session.change is None, "ChangePending", f"{vehicle.hex()}: {session.change}")
        return session

    def _require_supplies(self, supplier: ParticipantId, vehicle: Bytes32) -> None:
        known = self.by_id.get(vehicle)
        supplies = known is not None and known.last_supplier == supplier != NOBODY
        require(supplies, "NotTheSupplier", f"{supplier} of {vehicle.hex()}")

    def _change(
        self, vehicle: Bytes32, supplier: ParticipantId, effective: Timestamp, now: Timestamp
    ) -> None:
        known = self.by_id[vehicle]
        since = known.from_
        if known.next_from != NEVER:
            settled = known.next_from + self.registry.limits.backlog <= now
            require(settled, "ChangePending", f"{vehicle.hex()} changes at {known.next_from}")
            since = known.next_from
        earliest = max(now, since + SLOT)
        require(effective >= earliest, "TooEarly", f"{effective}, earliest {earliest}")
        if known.next_from != NEVER:
            known.supplier, known.from_ = known.next_supplier, known.next_from
        known.next_supplier, known.next_from = supplier, effective
