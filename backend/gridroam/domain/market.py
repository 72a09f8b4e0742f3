"""The whole market as a state machine: messages in, decisions out.

Registrations go to `registry` and `vehicles`, money from outside to `accounts`; `process` does
what the ledger does with one signed message, and `record_batch` what it does with a batch.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import cast

from gridroam.domain import clearing, energy, settlement
from gridroam.domain.accounts import Accounts, Claim
from gridroam.domain.batch import cleared_leaf, merkle_root, rejected_leaf, settled_leaf
from gridroam.domain.clearing import Terms
from gridroam.domain.decision import Cleared, Decision, Rejected, Settled
from gridroam.domain.energy import SlotEnergy, by_slot
from gridroam.domain.message import Message, Opening, Report, reading_of
from gridroam.domain.participants import Role
from gridroam.domain.reasons import Reason
from gridroam.domain.registry import Registry
from gridroam.domain.session import Session, State
from gridroam.domain.settlement import Amounts
from gridroam.domain.stations import Station
from gridroam.domain.units import (
    NOBODY,
    Address,
    Bytes32,
    NanoEuro,
    ParticipantId,
    StationId,
    Timestamp,
)
from gridroam.domain.vehicles import Vehicles
from gridroam.domain.violation import require


@dataclass(slots=True)
class Market:
    """Everything that the contracts know."""

    registry: Registry = field(default_factory=Registry)
    vehicles: Vehicles = field(init=False)
    accounts: Accounts = field(default_factory=Accounts)
    sessions: defaultdict[StationId, Session] = field(default_factory=lambda: defaultdict(Session))
    batch_count: int = 0

    def __post_init__(self) -> None:
        self.vehicles = Vehicles(self.registry)

    # ------------------------------------------------------------------------------------ messages

    def process(
        self,
        message: Opening | Report | None,
        digest: Bytes32,
        signer: Address | None,
        block_time: Timestamp,
    ) -> Decision:
        """Decides one message.

        `message` is `None` if its bytes are none; then `digest` is their keccak256, else the
        EIP-712 digest. `signer` is `None` if the signature is not one.
        """
        if message is None:
            return _reject(digest, Reason.MALFORMED)
        reason = self._check_signer(message, signer)
        if reason:
            return _reject(digest, reason)
        if hasattr(message, "vehicle"):
            return self._open(cast("Opening", message), digest, block_time)
        return self._report(message, digest, block_time)

    def record_batch(self, leaves: Sequence[Bytes32]) -> Bytes32:
        """Numbers a batch and returns its root."""
        self.batch_count += 1
        return merkle_root(leaves)

    def _check_signer(self, message: Message, signer: Address | None) -> Reason:
        station = self.registry.stations.by_number.get(message.station)
        if station is None or not station.is_known:
            return Reason.UNKNOWN_STATION
        authentic = self.registry.stations.may_sign(message.station, signer, message.time)
        return Reason.NONE if authentic else Reason.BAD_SIGNATURE

    # ------------------------------------------------------------------------------------ openings

    def _open(self, opening: Opening, digest: Bytes32, now: Timestamp) -> Decision:
        station = self.registry.stations[opening.station]
        session = self.sessions[opening.station]
        reason = clearing.check(opening, session, self.registry.limits, now)
        if reason:
            return _reject(digest, reason)

        own_supplier = self.vehicles.supplier_at(opening.vehicle, opening.time)
        terms = clearing.terms_of(self.registry, station, own_supplier, opening.time)
        reason = self._decide(opening, station, own_supplier, terms)
        session.number, session.report = opening.session, 0
        session.advance(reading_of(opening), now)
        session.state = State.REFUSED if reason else State.OPEN
        if reason:
            return _reject(digest, reason)
        if own_supplier != NOBODY:
            vehicle = self.vehicles.by_id[opening.vehicle]
            vehicle.station, vehicle.session = opening.station, opening.session
        return self._clear(session, station, terms, digest)

    def _decide(
        self, opening: Opening, station: Station, own_supplier: ParticipantId, terms: Terms
    ) -> Reason:
        reason = clearing.check_parties(self.registry, station, terms)
        if reason:
            return reason
        if own_supplier != NOBODY and self._is_elsewhere(opening):
            return Reason.VEHICLE_BUSY
        return clearing.check_cover(self.accounts, station, terms)

    def _is_elsewhere(self, opening: Opening) -> bool:
        """Whether the session that the vehicle was last cleared for is open at another station."""
        vehicle = self.vehicles.by_id[opening.vehicle]
        if vehicle.station in (0, opening.station):
            return False
        session = self.sessions[vehicle.station]
        return session.is_open and session.number == vehicle.session

    def _clear(self, session: Session, station: Station, terms: Terms, digest: Bytes32) -> Cleared:
        session.supplier = terms.supplier
        session.grid_tariff, session.operator_tariff = terms.grid_tariff, terms.operator_tariff
        session.supplier_reserve, session.grid_reserve = terms.supplier_reserve, terms.grid_reserve
        self.accounts.accounts[terms.supplier].reserved += terms.supplier_reserve
        self.accounts.accounts[station.grid_operator].reserved += terms.grid_reserve
        return Cleared(
            cleared_leaf(digest, terms.supplier, terms.supplier_reserve, terms.grid_reserve),
            terms.supplier,
            terms.grid_tariff,
            terms.operator_tariff,
            terms.supplier_reserve,
            terms.grid_reserve,
        )

    # ------------------------------------------------------------------------------------- reports

    def _report(self, report: Report, digest: Bytes32, now: Timestamp) -> Decision:
        station = self.registry.stations[report.station]
        session = self.sessions[report.station]
        reason = settlement.check(report, session, self.registry.limits.skew, now)
        if reason:
            return _reject(digest, reason)
        slots = list(by_slot(session.last_reading, report.boundaries, reading_of(report)))
        reason = energy.check(slots, station)
        if reason:
            return _reject(digest, reason)
        return self._settle(report, slots, digest, now)

    def _settle(
        self, report: Report, slots: list[SlotEnergy], digest: Bytes32, now: Timestamp
    ) -> Settled:
        station = self.registry.stations[report.station]
        session = self.sessions[report.station]
        due = self._price(session, station, slots, last=report.last)
        import_wh = report.import_register - session.import_register
        export_wh = report.export_register - session.export_register
        session.report = report.report
        session.advance(reading_of(report), now)
        if report.last:
            self._end(report.station, State.CLOSED)
        parties = session.supplier, station.grid_operator, station.operator
        leaf = settled_leaf(digest, *due)
        claims = self._post(parties, due, import_wh, export_wh)
        self.accounts.record(leaf, *parties)
        return Settled(leaf, *parties, import_wh, export_wh, *due, claims)

    def _price(
        self, session: Session, station: Station, slots: list[SlotEnergy], *, last: bool
    ) -> Amounts:
        """At the versions that were pinned at clearing."""
        tariff = self.registry.tariffs.get
        grid = tariff(station.grid_operator, Role.GRID_OPERATOR, session.grid_tariff)
        operator = tariff(station.operator, Role.STATION_OPERATOR, session.operator_tariff)
        return settlement.price(slots, grid, operator, last=last)

    def _post(
        self,
        parties: tuple[ParticipantId, ParticipantId, ParticipantId],
        due: Amounts,
        import_wh: int,
        export_wh: int,
    ) -> tuple[Claim, ...]:
        supplier, grid, operator = parties
        post = self.accounts.post
        payer, payee = (grid, supplier) if due.feed_in >= 0 else (supplier, grid)
        claims = (
            post(supplier, grid, due.network_charge, import_wh=import_wh),
            post(supplier, operator, due.service_fee, import_wh=import_wh),
            post(payer, payee, abs(due.feed_in), export_wh=export_wh),
        )
        return tuple(claim for claim in claims if claim)

    # ------------------------------------------------------------------------------- what ends it

    def expire(self, station: StationId, now: Timestamp) -> int:
        """Ends a silent session; it keeps what was settled. Returns its number."""
        session = self.sessions[station]
        silent = session.is_silent(self.registry.limits.silence, now)
        require(silent, "NotExpirable", f"station {station}, session {session.number}")
        self._end(station, State.EXPIRED)
        return session.number

    def _end(self, number: StationId, state: State) -> None:
        session = self.sessions[number]
        session.state = state
        grid_operator = self.registry.stations[number].grid_operator
        self._release(session.supplier, session.supplier_reserve)
        self._release(grid_operator, session.grid_reserve)

    def _release(self, participant: ParticipantId, reserve: NanoEuro) -> None:
        self.accounts.accounts[participant].reserved -= reserve


def _reject(digest: Bytes32, reason: Reason) -> Rejected:
    return Rejected(rejected_leaf(digest, reason), reason)
