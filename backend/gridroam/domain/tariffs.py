"""The tariffs of all participants: versions by participant and role, and the one in force."""

from dataclasses import dataclass, field

from gridroam.domain.participants import Limits, Participants, Role
from gridroam.domain.slots import slot_start
from gridroam.domain.tariff import Tariff
from gridroam.domain.units import NO_VERSION, ParticipantId, Timestamp, Version
from gridroam.domain.violation import require

LOOKBACK = 8
"""How many of the last versions an opening looks back over."""
MAX_VERSION = 2**16 - 1


@dataclass(slots=True)
class Tariffs:
    """Published versions, in order; version n stands at n - 1."""

    participants: Participants
    published: dict[tuple[ParticipantId, Role], list[Tariff]] = field(default_factory=dict)

    def get(self, participant: ParticipantId, role: Role, version: Version) -> Tariff:
        return self.published[participant, role][version - 1]

    def in_force(self, participant: ParticipantId, role: Role, time: Timestamp) -> Version:
        """The version whose validity began last at `time`, `NO_VERSION` if there is none."""
        versions = self.published.get((participant, role), ())
        oldest = max(0, len(versions) - LOOKBACK)
        for index in range(len(versions) - 1, oldest - 1, -1):
            if versions[index].valid_from <= time:
                return index + 1
        return NO_VERSION

    def publish(
        self, participant: ParticipantId, role: int, tariff: Tariff, limits: Limits, now: Timestamp
    ) -> Version:
        """The next version: the first may start with the running slot, a later one after the
        notice, and only one may lie in the future."""
        require(role in (Role.GRID_OPERATOR, Role.STATION_OPERATOR), "InvalidRoles", f"{role}")
        seller = Role(role)
        self.participants.require_active(participant, seller)
        tariff.check(seller, limits)
        versions = self.published.get((participant, seller), [])
        if versions:
            pending = versions[-1].valid_from
            require(pending <= now, "VersionPending", f"the last one starts at {pending}")
        earliest = now + limits.notice if versions else slot_start(now)
        starts = tariff.valid_from
        require(starts >= earliest, "TooEarly", f"it starts at {starts}, earliest {earliest}")
        require(len(versions) < MAX_VERSION, "VersionPending", "there are no more numbers")
        self.published[participant, seller] = [*versions, tariff]
        return len(versions) + 1
