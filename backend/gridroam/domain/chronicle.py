"""What a session was, for as long as it can be corrected: enough to tell its version 1."""

from dataclasses import dataclass, field, replace

from gridroam.domain.batch import Pinned
from gridroam.domain.decision import Part
from gridroam.domain.energy import Reading
from gridroam.domain.message import Report, reading_of
from gridroam.domain.slots import SLOT, boundaries_between
from gridroam.domain.units import StationId, Timestamp, Wh
from gridroam.domain.version import Share, Version, packed


@dataclass(slots=True)
class Chronicle:
    """Of one session, from its clearing on."""

    start: Reading
    end: Reading
    at: dict[Timestamp, tuple[Wh, Wh]] = field(default_factory=dict)
    """The registers at slot boundaries; of two readings at one, the first stands."""
    shares: list[Share] = field(default_factory=list)
    present: Version | None = None
    """Once it has ended."""

    @classmethod
    def of(cls, opening: Reading) -> "Chronicle":
        return cls(opening, opening)

    def add(self, report: Report, parts: tuple[Part, ...]) -> None:
        times = boundaries_between(self.end.time, report.time)
        for time, registers in zip(times, report.boundaries, strict=True):
            self.at.setdefault(time, registers)
        self.end = reading_of(report)
        if self.end.time % SLOT == 0:
            self.at.setdefault(self.end.time, self.end[1:])
        for part in parts:
            self._add_part(part)

    def _add_part(self, part: Part) -> None:
        """To what the same supplier has right before it."""
        returned = part.feed_in < 0
        exported = (0, part.export_wh) if returned else (part.export_wh, 0)
        due = part.network_charge, part.service_fee, part.feed_in
        share = Share(part.supplier, part.time, part.import_wh, *exported, *due)
        if self.shares and self.shares[-1].supplier == part.supplier:
            share = _sum(self.shares.pop(), share)
        self.shares.append(share)

    def finish(
        self,
        station: StationId,
        session: int,
        pinned: Pinned,
        settled_at: Timestamp,
        *,
        closed: bool,
    ) -> None:
        """Draws version 1 up."""
        if not self.shares:
            self.shares.append(Share(pinned.supplier, self.end.time, 0, 0, 0, 0, 0, 0))
        within = boundaries_between(self.start.time, self.end.time)
        readings = self.start[1:], *(self.at[time] for time in within), self.end[1:]
        self.present = Version(
            station,
            session,
            *pinned[1:],
            self.start.time,
            self.end.time,
            closed,
            settled_at,
            1,
            settled_at,
            bytes(32),
            tuple(self.shares),
            packed(readings),
        )


def _sum(one: Share, other: Share) -> Share:
    names = [name for name in Share.__slots__ if name not in {"supplier", "until"}]
    sums = {name: getattr(one, name) + getattr(other, name) for name in names}
    return replace(other, **sums)
