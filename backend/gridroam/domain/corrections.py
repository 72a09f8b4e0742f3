"""Corrections of sessions that have ended: until their window closes, as a new version that
reverses and replaces, with the consent of everyone whom it costs."""

from collections import deque
from dataclasses import dataclass, field

from gridroam.domain import difference
from gridroam.domain.accounts import Accounts, Claim
from gridroam.domain.chronicle import Chronicle
from gridroam.domain.decision import Part
from gridroam.domain.journal import correction_entry
from gridroam.domain.message import Opening, Report, reading_of
from gridroam.domain.participants import Role
from gridroam.domain.registry import Registry
from gridroam.domain.session import Session, State
from gridroam.domain.units import Bytes32, ParticipantId, Seconds, StationId, Timestamp
from gridroam.domain.version import Correction, Version, next_version
from gridroam.domain.violation import require

Key = tuple[StationId, int]
"""Station and session."""


@dataclass(slots=True)
class Corrections:
    """What was settled, for as long as it can be corrected; and who agreed to what. Without a
    window nothing can be, and nothing is remembered."""

    registry: Registry
    accounts: Accounts
    window: Seconds = 0
    chronicles: dict[Key, Chronicle] = field(default_factory=dict)
    consents: dict[Bytes32, set[ParticipantId]] = field(default_factory=dict)
    """By the content of the version that would be."""
    _ended: deque[tuple[Timestamp, Key]] = field(default_factory=deque)

    # -------------------------------------------------------------------------- what is remembered

    def begin(self, opening: Opening) -> None:
        if self.window:
            key = opening.station, opening.session
            self.chronicles[key] = Chronicle.of(reading_of(opening))

    def go_on(self, report: Report, parts: tuple[Part, ...]) -> None:
        chronicle = self.chronicles.get((report.station, report.session))
        if chronicle is not None:
            chronicle.add(report, parts)

    def end(self, station: StationId, session: Session, now: Timestamp) -> None:
        """Forgets those that are final by now."""
        key = station, session.number
        chronicle = self.chronicles.get(key)
        if chronicle is not None:
            closed = session.state is State.CLOSED
            chronicle.finish(*key, session.pinned, now, closed=closed)
            self._ended.append((now, key))
        while self._ended and self._ended[0][0] + self.window < now:
            _, final = self._ended.popleft()
            self.chronicles.pop(final, None)

    # ------------------------------------------------------------------------------------ versions

    def present(self, station: StationId, session: int, now: Timestamp) -> Version:
        """The version in force of a session that can be corrected."""
        chronicle = self.chronicles.get((station, session))
        found = chronicle.present if chronicle else None
        may = found is not None and now <= found.settled_at + self.window
        require(may, "SessionFinal", f"station {station}, session {session}")
        return found  # type: ignore[return-value]

    def draft(
        self, present: Version, change: Correction, now: Timestamp
    ) -> tuple[Version, difference.Difference]:
        """The version that a change would make, and what it changes."""
        require(change.time <= now, "WrongTime", f"{change.time} is not yet")
        for assignment in change.assignments:
            known = self.registry.participants.by_number.get(assignment.supplier)
            is_supplier = known is not None and known.roles & Role.SUPPLIER
            require(is_supplier, "WrongAssignment", f"to {assignment.supplier}")
        get = self.registry.tariffs.get
        grid = get(present.grid_operator, Role.GRID_OPERATOR, present.grid_tariff)
        operator = get(present.station_operator, Role.STATION_OPERATOR, present.operator_tariff)
        after = next_version(present, change, grid, operator)
        return after, difference.between(present, after)

    def consent(self, content: Bytes32, participant: ParticipantId) -> None:
        """It stands, whatever comes after."""
        self.consents.setdefault(content, set()).add(participant)

    def correct(
        self,
        station: StationId,
        session: int,
        change: Correction,
        now: Timestamp,
        *,
        by_meter: bool = False,
    ) -> tuple[Version, tuple[Claim, ...]]:
        """Puts a version in force that everyone whom it costs has agreed to; what the calibrated
        meter signed needs nobody's consent. Returns the claims that it opens, too."""
        present = self.present(station, session, now)
        after, changes = self.draft(present, change, now)
        agreed = self.consents.get(after.content, set())
        missing = changes.costs - agreed
        require(by_meter or not missing, "BadConsent", f"of {sorted(missing)}")
        entry = correction_entry(station, session, after.number, after.content)
        claims = self.accounts.adjust(changes.adjustments, changes.parties, entry)
        self.chronicles[station, session].present = after
        return after, claims
