"""What one version of a session changes against another: the postings that reverse and replace,
whose journals tell of it, and who has to agree."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import NamedTuple

from gridroam.domain.units import NanoEuro, ParticipantId, Wh
from gridroam.domain.version import Share, Version


class Adjustment(NamedTuple):
    """Posted from payer to payee; a negative amount from payee to payer. The energy behind the
    postings from payer to payee changes either way."""

    payer: ParticipantId
    payee: ParticipantId
    amount: NanoEuro
    import_wh: Wh
    export_wh: Wh

    @property
    def moves(self) -> bool:
        return bool(self.amount or self.import_wh or self.export_wh)


class Difference(NamedTuple):
    """`costs` are those who must consent: who is worse off towards somebody; everyone where that is
    nobody, or where somebody's energy moves from one quarter hour to another."""

    adjustments: tuple[Adjustment, ...]
    parties: tuple[ParticipantId, ...]
    costs: frozenset[ParticipantId]


def between(present: Version, after: Version) -> Difference:
    """What is paid comes before what is paid back, so that the latter is covered by the former."""
    grid, operator = present.grid_operator, present.station_operator
    rows: list[Adjustment] = []
    costs: set[ParticipantId] = set()
    suppliers = list(dict.fromkeys(s.supplier for s in (*present.shares, *after.shares)))
    for supplier in suppliers:
        own = _rows(supplier, grid, operator, _change(supplier, present, after))
        rows += own
        costs |= _costs(supplier, own)
    forwards = (row for row in rows if row.amount >= 0 and row.moves)
    backwards = (row for row in rows if row.amount < 0)
    parties = tuple(dict.fromkeys((grid, operator, *suppliers)))
    if not costs or any(_shifts(supplier, present, after) for supplier in suppliers):
        costs = set(parties)
    return Difference((*forwards, *backwards), parties, frozenset(costs))


def _shifts(supplier: ParticipantId, present: Version, after: Version) -> bool:
    """Whether it has more of one interval and less of another, in the same direction."""
    pairs = list(zip(_own(supplier, present), _own(supplier, after), strict=True))
    return any(
        any(has[way] > had[way] for had, has in pairs)
        and any(has[way] < had[way] for had, has in pairs)
        for way in (0, 1)
    )


def _own(supplier: ParticipantId, version: Version) -> list[tuple[Wh, Wh]]:
    """What it imports and exports of each interval."""
    return [
        (slot.import_wh, slot.export_wh)
        if version.share_at(slot.time).supplier == supplier
        else (0, 0)
        for slot in version.intervals()
    ]


def _change(supplier: ParticipantId, present: Version, after: Version) -> Counter[str]:
    """By how much each of a supplier's sums is more."""
    change: Counter[str] = Counter()
    for sign, shares in ((1, after.shares), (-1, present.shares)):
        for share in shares:
            if share.supplier == supplier:
                for name in _SUMS:
                    change[name] += sign * getattr(share, name)
    return change


_SUMS = [name for name in Share.__slots__ if name not in {"supplier", "until"}]


def _rows(
    supplier: ParticipantId, grid: ParticipantId, operator: ParticipantId, c: Counter[str]
) -> tuple[Adjustment, Adjustment, Adjustment]:
    return (
        Adjustment(supplier, grid, c["network_charge"], c["import_wh"], c["return_wh"]),
        Adjustment(supplier, operator, c["service_fee"], c["import_wh"], 0),
        Adjustment(grid, supplier, c["feed_in"], 0, c["export_wh"]),
    )


def _costs(supplier: ParticipantId, rows: Iterable[Adjustment]) -> set[ParticipantId]:
    """Between the supplier and each operator on balance: a loss towards one is not made up for by a
    gain from another. Where only energy moves, both must agree."""
    more: defaultdict[ParticipantId, NanoEuro] = defaultdict(int)
    for row in rows:
        if row.moves and row.payer != row.payee:
            if row.payer == supplier:
                more[row.payee] += row.amount
            else:
                more[row.payer] -= row.amount
    costs: set[ParticipantId] = set()
    for other, amount in more.items():
        if amount >= 0:
            costs.add(supplier)
        if amount <= 0:
            costs.add(other)
    return costs
