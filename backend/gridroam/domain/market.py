"""The whole market as a state machine: messages in, decisions out.

Registrations go to `registry` and `vehicles`, money from outside to `accounts`; `process` does
what the ledger does with one signed message, and `record_batch` what it does with a batch.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, cast

from gridroam.domain import clearing, energy, settlement
from gridroam.domain.accounts import Accounts
from gridroam.domain.batch import cleared_leaf, expired_leaf, merkle_root, rejected_leaf
from gridroam.domain.clearing import Terms
from gridroam.domain.corrections import Corrections
from gridroam.domain.decision import Cleared, Decision, Rejected, Superseded
from gridroam.domain.energy import course
from gridroam.domain.message import Message, Opening, Report, reading_of
from gridroam.domain.reasons import Reason
from gridroam.domain.registry import Registry
from gridroam.domain.reporting import Settling
from gridroam.domain.session import Change, Session, State
from gridroam.domain.units import (
    NOBODY,
    Address,
    Bytes32,
    NanoEuro,
    ParticipantId,
    StationId,
    Timestamp,
)
from gridroam.domain.vehicles import Vehicle, Vehicles
from gridroam.domain.violation import require


class Expiry(NamedTuple):
    """A session that anybody ended, and the batch of one that it left."""

    session: int
    batch: int
    root: Bytes32


@dataclass(slots=True)
class Market:
    """Everything that the contracts know."""

    registry: Registry = field(default_factory=Registry)
    vehicles: Vehicles = field(init=False)
    accounts: Accounts = field(default_factory=Accounts)
    sessions: defaultdict[StationId, Session] = field(default_factory=lambda: defaultdict(Session))
    batch_count: int = 0
    corrections: Corrections = field(init=False)

    def __post_init__(self) -> None:
        self.vehicles = Vehicles(self.registry, self.sessions)
        self.corrections = Corrections(self.registry, self.accounts)

    # ------------------------------------------------------------------------------------ messages

    def process(
        self,
        message: Opening | Report | None,
        digest: Bytes32,
        signer: Address | None,
        block_time: Timestamp,
        vehicle_signer: Address | None = None,
    ) -> Decision:
        """Decides one message.

        `message` is `None` if its bytes are none; then `digest` is their keccak256, else the
        EIP-712 digest. A signer is `None` if the signature is not one; the vehicle's is also
        `None` without a signature.
        """
        if message is None:
            return _reject(digest, block_time, Reason.MALFORMED)
        reason = self._check_signer(message, signer)
        if reason:
            return _reject(digest, block_time, reason)
        if hasattr(message, "vehicle"):
            opening = cast("Opening", message)
            return self._open(opening, digest, vehicle_signer, block_time)
        return self._report(message, digest, block_time)

    def record_batch(self, leaves: Sequence[Bytes32]) -> Bytes32:
        """Numbers a batch and returns its root."""
        self.batch_count += 1
        return merkle_root(leaves)

    def _check_signer(self, message: Message, signer: Address | None) -> Reason:
        stations = self.registry.stations
        if not stations.is_known(message.station, message.time):
            return Reason.UNKNOWN_STATION
        authentic = stations.may_sign(message.station, signer, message.time)
        return Reason.NONE if authentic else Reason.BAD_SIGNATURE

    # ------------------------------------------------------------------------------------ openings

    def _open(
        self, opening: Opening, digest: Bytes32, signer: Address | None, now: Timestamp
    ) -> Decision:
        session = self.sessions[opening.station]
        reason = clearing.check(opening, session, self.registry.limits, now)
        keys = self.vehicles.keys.get(opening.vehicle)
        signed = keys is not None and keys.have_signed(signer, opening.time)
        if not reason and not signed and keys is not None and keys.are_needed(opening.time):
            reason = Reason.BAD_VEHICLE_SIGNATURE
        if reason:
            return _reject(digest, now, reason)

        station = self.registry.stations[opening.station]
        own_supplier = self.vehicles.supplier_at(opening.vehicle, opening.time)
        terms = clearing.terms_of(self.registry, station, own_supplier, opening.time)
        elsewhere = self._elsewhere(opening) if own_supplier != NOBODY else None
        reason = self._decide(terms, elsewhere, signed=signed)
        reading = reading_of(opening)
        session.number, session.report = opening.session, 0
        session.advance(reading, now)
        session.state = State.REFUSED if reason else State.OPEN
        session.vehicle_signed, session.change = signed, None
        if reason:
            return _reject(digest, now, reason)
        superseded = self._supersede(opening, elsewhere) if elsewhere is not None else None
        if own_supplier != NOBODY:
            self._take_along(opening, session)
        self.corrections.begin(opening.station, reading)
        return self._clear(session, terms, digest, superseded, now)

    def _decide(self, terms: Terms, elsewhere: Session | None, *, signed: bool) -> Reason:
        reason = clearing.check_parties(self.registry, terms.pinned)
        if reason:
            return reason
        # who signed is the car itself; an id alone can be copied
        if elsewhere is not None and (elsewhere.vehicle_signed or not signed):
            return Reason.VEHICLE_BUSY
        return clearing.check_cover(self.accounts, terms)

    def _elsewhere(self, opening: Opening) -> Session | None:
        """The session that the vehicle was last cleared for, if open at another station."""
        found = self.vehicles.session_of(opening.vehicle)
        return found[1] if found and found[0] != opening.station else None

    def _supersede(self, opening: Opening, session: Session) -> Superseded:
        session.state = State.SUPERSEDED
        return Superseded(self.vehicles.by_id[opening.vehicle].station, session.number)

    def _take_along(self, opening: Opening, session: Session) -> None:
        """The vehicle is in this session now, with whatever change of supplier it has before it."""
        vehicle: Vehicle = self.vehicles.by_id[opening.vehicle]
        vehicle.station, vehicle.session = opening.station, opening.session
        if vehicle.next_from > opening.time and vehicle.next_supplier != NOBODY:
            session.change = Change(vehicle.next_supplier, vehicle.next_from)

    def _clear(
        self,
        session: Session,
        terms: Terms,
        digest: Bytes32,
        superseded: Superseded | None,
        now: Timestamp,
    ) -> Cleared:
        pinned, reserves = terms.pinned, (terms.supplier_reserve, terms.grid_reserve)
        session.supplier, session.grid_operator = pinned.supplier, pinned.grid_operator
        session.station_operator = pinned.station_operator
        session.grid_tariff, session.operator_tariff = pinned.grid_tariff, pinned.operator_tariff
        session.supplier_reserve, session.grid_reserve = reserves
        self.accounts.accounts[pinned.supplier].reserved += terms.supplier_reserve
        self.accounts.accounts[pinned.grid_operator].reserved += terms.grid_reserve
        return Cleared(
            cleared_leaf(digest, now, pinned, *reserves),
            pinned.supplier,
            pinned.grid_tariff,
            pinned.operator_tariff,
            *reserves,
            superseded,
        )

    # ------------------------------------------------------------------------------------- reports

    def _report(self, report: Report, digest: Bytes32, now: Timestamp) -> Decision:
        station = self.registry.stations[report.station]
        session = self.sessions[report.station]
        reason = settlement.check(report, session, self.registry.limits.skew, now)
        if reason:
            return _reject(digest, now, reason)
        reading = reading_of(report)
        taken = course(session.last_reading, report.boundaries, reading)
        reason = energy.check(taken, station)
        if reason:
            return _reject(digest, now, reason)
        books = self.accounts, self.registry.tariffs
        settled = Settling(*books, session, digest, now).settle(report, reading, taken)
        self.corrections.go_on(report, reading, settled.parts)
        if report.last:
            self._end(session, State.CLOSED)
            self.corrections.end(report.station, session, now)
        return settled

    # ------------------------------------------------------------------------------- what ends it

    def expire(self, station: StationId, now: Timestamp) -> Expiry:
        """Ends a silent or superseded session; it keeps what was settled. A batch of one proves
        that and when it was ended."""
        session = self.sessions[station]
        may = session.may_expire(self.registry.limits.silence, now)
        require(may, "NotExpirable", f"station {station}, session {session.number}")
        self._end(session, State.EXPIRED)
        self.corrections.end(station, session, now)
        leaf = expired_leaf(station, session.number, session.report, now, session.pinned)
        root = self.record_batch([leaf])
        return Expiry(session.number, self.batch_count, root)

    def _end(self, session: Session, state: State) -> None:
        session.state = state
        self._release(session.supplier, session.supplier_reserve)
        self._release(session.grid_operator, session.grid_reserve)

    def _release(self, participant: ParticipantId, reserve: NanoEuro) -> None:
        self.accounts.accounts[participant].reserved -= reserve


def _reject(digest: Bytes32, time: Timestamp, reason: Reason) -> Rejected:
    return Rejected(rejected_leaf(digest, time, reason), reason)
