"""What a session was, for as long as it can be corrected: enough to tell its version 1, in few
bytes, because there is one of every session of the window."""

import marshal
from dataclasses import dataclass, field
from typing import Any

from gridroam.domain.batch import Pinned
from gridroam.domain.decision import Part
from gridroam.domain.energy import Reading
from gridroam.domain.message import Report
from gridroam.domain.slots import SLOT, boundary_count
from gridroam.domain.units import Bytes32, StationId, Timestamp
from gridroam.domain.version import READING_BYTES, Share, Version, packed


@dataclass(slots=True)
class Chronicle:
    """Of a session that runs."""

    start: Reading
    end: Reading
    evidence: Bytes32 | None = None
    """Of the last report; `None` before the first."""
    shares: list[tuple[int, ...]] = field(default_factory=list)
    """Values of `Share`."""
    readings: bytearray = field(default_factory=bytearray)
    """At the start and at slot boundaries; of two readings at one, the first stands."""

    @classmethod
    def of(cls, opening: Reading) -> "Chronicle":
        return cls(opening, opening, readings=bytearray(packed([opening[1:]])))

    def add(self, report: Report, reading: Reading, parts: tuple[Part, ...]) -> None:
        before, self.end = self.end, reading
        self.evidence = report.evidence
        self.readings += report.packed_boundaries
        if self.end.time % SLOT == 0 and self.end.time != before.time:
            self.readings += packed([self.end[1:]])
        for part in parts:
            self._add_part(part)

    def _add_part(self, part: Part) -> None:
        """To what the same supplier has right before it."""
        returned = part.feed_in < 0
        fed = (0, part.export_wh) if returned else (part.export_wh, 0)
        sums = [part.import_wh, *fed, part.network_charge, part.service_fee, part.feed_in]
        if self.shares and self.shares[-1][0] == part.supplier:
            _, _, *before = self.shares.pop()
            sums = [a + b for a, b in zip(before, sums, strict=True)]
        self.shares.append((part.supplier, part.time, *sums))

    def sealed(
        self,
        station: StationId,
        session: int,
        pinned: Pinned,
        settled_at: Timestamp,
        *,
        closed: bool,
    ) -> bytes:
        """Version 1 and the evidence, once the session has ended."""
        start, end = self.start.time, self.end.time
        shares = self.shares or [(pinned.supplier, end, 0, 0, 0, 0, 0, 0)]
        # the last reading is the end, also where it is a boundary
        within = self.readings[: READING_BYTES * (boundary_count(start, end) + 1)]
        head = station, session, *pinned[1:], start, end, closed, settled_at
        readings = bytes(within) + packed([self.end[1:]])
        return marshal.dumps((self.evidence, head, shares, readings))


def evidence_in(sealed: bytes) -> Bytes32 | None:
    """Of the last report; `None` if there was none."""
    evidence: Bytes32 | None = _opened(sealed)[0]
    return evidence


def version_1(sealed: bytes) -> Version:
    """As the ledger settled it."""
    _, head, values, readings = _opened(sealed)
    shares = tuple(Share(*share) for share in values)
    plain: tuple[Any, ...] = (*head, 1, head[-1], bytes(32), shares, readings)
    return Version(*plain)


def _opened(sealed: bytes) -> Any:
    return marshal.loads(sealed)  # noqa: S302  our own bytes
