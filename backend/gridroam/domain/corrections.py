"""Corrections of sessions that have ended: until their window closes, as a new version that
reverses and replaces, with the consent of everyone whom it costs, or by the meter's word."""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from gridroam.domain import chronicle, difference
from gridroam.domain.accounts import Accounts, Claim
from gridroam.domain.chronicle import Chronicle
from gridroam.domain.decision import Part
from gridroam.domain.difference import Difference
from gridroam.domain.energy import Reading
from gridroam.domain.journal import correction_entry
from gridroam.domain.message import Report
from gridroam.domain.participants import Role
from gridroam.domain.record import Record, correction_by
from gridroam.domain.registry import Registry
from gridroam.domain.session import Session, State
from gridroam.domain.units import Bytes32, ParticipantId, Seconds, StationId, Timestamp
from gridroam.domain.version import Correction, Version, next_version
from gridroam.domain.violation import require

Key = tuple[StationId, int]
"""Station and session."""


@dataclass(slots=True)
class Standing:
    """Where a session stands that somebody acted on. It stays when the session is final."""

    content: Bytes32 = bytes(32)
    """Of the present version, once it is on file."""
    version: int = 1
    disputed: bool = False
    """Since the present version."""
    verified: bool = False
    """By the meter."""

    @property
    def on_file(self) -> bool:
        return any(self.content)


class Outcome(NamedTuple):
    """What an act led to: a version that is in force now instead of the one `before`, or not yet,
    and the claims that it opened. `consents` says whether somebody agreed who had not before."""

    before: Version
    version: Version
    in_force: bool
    claims: tuple[Claim, ...] = ()
    consents: bool = False


@dataclass(slots=True)
class Corrections:
    """What was settled, for as long as it can be corrected; and who agreed to what. Without a
    window nothing can be, and nothing is remembered."""

    registry: Registry
    accounts: Accounts
    window: Seconds = 0
    standings: dict[Key, Standing] = field(default_factory=dict)
    consents: dict[Bytes32, set[ParticipantId]] = field(default_factory=dict)
    """By the content of the version that would be."""
    pages: set[tuple[Bytes32, int]] = field(default_factory=set)
    """Of meters, those that have proven a session."""
    _running: dict[StationId, Chronicle] = field(default_factory=dict)
    _ended: dict[Key, bytes] = field(default_factory=dict)
    _versions: dict[Key, Version] = field(default_factory=dict)
    """Those in force of sessions that somebody acted on."""
    _due: deque[tuple[Timestamp, Key]] = field(default_factory=deque)

    # -------------------------------------------------------------------------- what is remembered

    def begin(self, station: StationId, opening: Reading) -> None:
        if self.window:
            self._running[station] = Chronicle.of(opening)

    def go_on(self, report: Report, reading: Reading, parts: tuple[Part, ...]) -> None:
        running = self._running.get(report.station)
        if running is not None:
            running.add(report, reading, parts)

    def end(self, station: StationId, session: Session, now: Timestamp) -> None:
        """Forgets those that are final by now."""
        running = self._running.pop(station, None)
        if running is not None:
            key, closed = (station, session.number), session.state is State.CLOSED
            self._ended[key] = running.sealed(*key, session.pinned, now, closed=closed)
            self._due.append((now, key))
        while self._due and self._due[0][0] + self.window < now:
            _, final = self._due.popleft()
            del self._ended[final]
            self._versions.pop(final, None)

    # ------------------------------------------------------------------------------------ versions

    def standing(self, station: StationId, session: int) -> Standing:
        return self.standings.get((station, session)) or Standing()

    def present(self, station: StationId, session: int, now: Timestamp) -> Version:
        """The version in force of a session that can be corrected."""
        key = station, session
        found = self._versions.get(key)
        if found is None and key in self._ended:
            found = chronicle.version_1(self._ended[key])
        may = found is not None and now <= found.settled_at + self.window
        require(may, "SessionFinal", f"station {station}, session {session}")
        return found  # type: ignore[return-value]

    def evidence(self, station: StationId, session: int) -> Bytes32 | None:
        """What the last report of a session that is not final names; `None` if it has none."""
        sealed = self._ended.get((station, session))
        return chronicle.evidence_in(sealed) if sealed else None

    def draft(
        self, present: Version, change: Correction, now: Timestamp
    ) -> tuple[Version, Difference]:
        """The version that a change would make, and what it changes."""
        later = present.time < change.time <= now
        require(later, "WrongTime", f"{change.time} is not from {present.time} to {now}")
        get = self.registry.tariffs.get
        grid = get(present.grid_operator, Role.GRID_OPERATOR, present.grid_tariff)
        operator = get(present.station_operator, Role.STATION_OPERATOR, present.operator_tariff)
        after = next_version(present, change, grid, operator)
        return after, difference.between(present, after)

    # --------------------------------------------------------------------------------- what is done

    def dispute(self, station: StationId, session: int, by: ParticipantId, now: Timestamp) -> None:
        """A party says that something is wrong."""
        present = self.present(station, session, now)
        _require_party(by, difference.between(present, present))
        self._file(present).disputed = True

    def agree(
        self,
        station: StationId,
        session: int,
        change: Correction,
        by: ParticipantId,
        now: Timestamp,
    ) -> Outcome:
        """A party proposes a change or consents to it; the last consent puts it in force."""
        present = self.present(station, session, now)
        self._require_registers(present, change)
        self._require_suppliers(present, change)
        after, changes = self.draft(present, change, now)
        _require_party(by, changes)
        self._file(present)
        agreed = self.consents.setdefault(after.content, set())
        consents = by not in agreed
        agreed.add(by)
        if changes.costs - agreed:
            return Outcome(present, after, in_force=False, consents=consents)
        return Outcome(present, after, True, self._put_in_force(after, changes), consents)

    def consent(self, content: Bytes32, participant: ParticipantId) -> None:
        """To a version that is known by its hash only. It stands, whatever comes after."""
        self.consents.setdefault(content, set()).add(participant)

    def prove(self, station: StationId, session: int, record: Record, now: Timestamp) -> Outcome:
        """Takes a record whose signature by the station's meter was checked: the session is
        verified, and corrected to it without anybody's consent where it differs."""
        key, meter = (station, session), self.registry.stations.meter_of[station]
        require(not self.standing(*key).verified, "AlreadyVerified", f"{key}")
        present, evidence = self.present(*key, now), self.evidence(*key)
        require(evidence is not None, "IncompleteStory", f"{key} has no report")
        require(record.digest == evidence, "WrongRecord", record.digest.hex())
        require((meter, record.page) not in self.pages, "PageUsed", f"{record.page}")
        change = correction_by(record, present, now)
        outcome = Outcome(present, present, in_force=False)
        if change is not None:
            after, changes = self.draft(present, change, now)
            outcome = Outcome(present, after, True, self._put_in_force(after, changes))
        self.pages.add((meter, record.page))
        self.standings.setdefault(key, Standing()).verified = True
        return outcome

    # ------------------------------------------------------------------------------------ Internal

    def _file(self, present: Version) -> Standing:
        key = present.station, present.session
        standing = self.standings.setdefault(key, Standing())
        if not standing.on_file:
            standing.content = present.content
            self._versions[key] = present
        return standing

    def _put_in_force(self, after: Version, changes: Difference) -> tuple[Claim, ...]:
        key = after.station, after.session
        entry = correction_entry(*key, after.number, after.content)
        claims = self.accounts.adjust(changes.adjustments, changes.parties, entry)
        standing = self.standings.setdefault(key, Standing())
        standing.content, standing.version, standing.disputed = after.content, after.number, False
        self._versions[key] = after
        return claims

    def _require_registers(self, present: Version, change: Correction) -> None:
        """After the meter has spoken only the assignment is left to agree on."""
        verified = self.standing(present.station, present.session).verified
        same = change.readings == present.readings
        require(same or not verified, "MeterHasSpoken", "other registers")

    def _require_suppliers(self, present: Version, change: Correction) -> None:
        """Who comes into a session is a supplier; who is in it stays in it, whatever its roles."""
        within = {share.supplier for share in present.shares}
        for supplier in (a.supplier for a in change.assignments):
            known = self.registry.participants.by_number.get(supplier)
            is_supplier = known is not None and known.roles & Role.SUPPLIER
            require(is_supplier or supplier in within, "WrongAssignment", f"to {supplier}")


def _require_party(by: ParticipantId, changes: Difference) -> None:
    require(by in changes.parties, "NotAParty", f"{by} of {_listed(changes.parties)}")


def _listed(numbers: Iterable[int]) -> str:
    return ", ".join(map(str, numbers))
