"""What a meter's record says, laid beside the session that a station reported: whether it can be
this session's at all, and the readings that it makes of it. Rules: docs/evidence.md.
"""

from typing import NamedTuple

from gridroam.domain.units import Bytes32, Seconds, Timestamp, Wh
from gridroam.domain.version import Assignment, Correction, Version, packed, pairs
from gridroam.domain.violation import require

MOST_APART: Seconds = 3_600
"""That a synchronised meter's clock and the station's may differ by, and a little less."""
_HIGHEST: Wh = 2**48 - 1


class Span(NamedTuple):
    """A register at both ends of the transaction."""

    begin: Wh
    end: Wh
    relative: bool = False
    """It began anew with the transaction: it tells the energy, not the position."""


class Record(NamedTuple):
    """What one record says, or two that follow each other, and whoever verified it has found."""

    digest: Bytes32
    """SHA-256 of its text, which the station's last report names."""
    page: int
    """Of the last record."""
    imported: Span | None
    exported: Span | None
    begin_time: Timestamp
    """0 unless by a synchronised clock."""
    end_time: Timestamp
    """The same."""


def correction_by(record: Record, present: Version, now: Timestamp) -> Correction | None:
    """What the meter would have instead: its registers at both ends, what lies between cut to
    them, and to each supplier its part of the time. `None` if it says the same."""
    first, *between, last = pairs(present.readings)
    _require_time(record, present)
    imports, exports = (
        _span(span, record, reported)
        for span, *reported in zip((record.imported, record.exported), first, last, strict=True)
    )
    if (imports[0], exports[0], imports[1], exports[1]) == (*first, *last):
        return None
    cut = [(_clamp(i, *imports), _clamp(e, *exports)) for i, e in between]
    ends = (imports[0], exports[0]), (imports[1], exports[1])
    assignments = tuple(Assignment(share.supplier, share.until) for share in present.shares)
    return Correction(now, assignments, packed([ends[0], *cut, ends[1]]))


def _require_time(record: Record, present: Version) -> None:
    """A synchronised clock that shows another time makes it another session's record."""
    near = not record.begin_time or abs(record.begin_time - present.start) < MOST_APART
    if record.end_time and present.closed:
        near = near and abs(record.end_time - present.end) < MOST_APART
    require(
        near, "WrongSession", f"the meter's clock shows {record.begin_time} to {record.end_time}"
    )


def _span(span: Span | None, record: Record, reported: list[Wh]) -> tuple[Wh, Wh]:
    """One direction's register at both ends, by the meter."""
    begin, end = reported
    if span is None:
        require(begin == end, "DirectionMissing", f"{end - begin} Wh were reported")
        return begin, end
    if span.relative:
        energy = span.end - span.begin
        tied = energy == end - begin or record.begin_time
        require(tied, "NotTied", f"{energy} Wh in the transaction, {end - begin} reported")
        require(begin + energy <= _HIGHEST, "Backwards", f"{begin} + {energy} Wh")
        return begin, begin + energy
    overlaps = span.begin == begin or (span.begin < end and span.end > begin)
    require(overlaps, "WrongSession", f"{span.begin} to {span.end} Wh beside {begin} to {end}")
    return span.begin, span.end


def _clamp(value: Wh, low: Wh, high: Wh) -> Wh:
    return min(max(value, low), high)
