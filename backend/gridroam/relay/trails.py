"""Which messages need not be asked about: the plain next ones of stations that the ledger has just
agreed with.

Asking the contract costs the node as much as the message itself. So the relay asks about the first
message of a station, remembers what it said and who signed it, and takes the next without asking if
it follows from that: the same key, the next number, later, registers not backwards, one register
for each boundary, no more power than the ledger has already accepted. That is never a reason to
refuse: what does not follow is asked about. What follows and is rejected by the ledger all the same
is reported as rejected, and the station is asked about for a while.
"""

import time
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from gridroam.domain.slots import boundaries_between, boundary_count
from gridroam.messages import EnergyReport, OpenSession
from gridroam.relay.recovery import Recovery
from gridroam.relay.simulation import Arrival
from gridroam.signatures import recover

TRUST_SECONDS = 3600.0
"""A trail ends so long after the ledger was last asked: keys are changed and revoked."""
WARY_SECONDS = 60.0
"""After a rejection everything of the station is asked about."""

_MOST = 100_000
_SHORTEST = 60
"""Seconds of an interval that shows power: shorter ones show how registers are rounded."""


@dataclass(frozen=True, slots=True)
class _Trail:
    """A station after its last message. Powers in W, the greatest that the ledger accepted."""

    signer: str
    asked: float
    session: int
    report: int
    is_open: bool
    time: int
    imported: int
    exported: int
    max_power: int = 0
    max_feed_in: int = 0


@dataclass(frozen=True, slots=True)
class _Interval:
    seconds: int
    imported: int
    exported: int


class Trails:
    """For one thread, but for `distrust`."""

    def __init__(self, recovery: Recovery | None = None) -> None:
        self._recover = recovery or Recovery()
        self._trails: OrderedDict[int, _Trail] = OrderedDict()
        self._wary: dict[int, float] = {}

    def split(self, arrivals: Sequence[Arrival]) -> tuple[list[Arrival], list[Arrival]]:
        """Those that follow, and those to ask about; a station's own are not separated."""
        stations: dict[int, list[Arrival]] = {}
        for arrival in arrivals:
            if arrival.station in self._trails:
                stations.setdefault(arrival.station, []).append(arrival)
        known = [arrival for own in stations.values() for arrival in own]
        signers = self._recover([(a.digest, a.signed.signature) for a in known])
        signed = dict(zip((a.digest for a in known), signers, strict=True))
        plain = {s for s, own in stations.items() if self._follow(s, own, signed)}
        return (
            [arrival for arrival in arrivals if arrival.station in plain],
            [arrival for arrival in arrivals if arrival.station not in plain],
        )

    def vouch(self, arrival: Arrival) -> None:
        """The ledger would accept it now."""
        signer = recover(arrival.digest, arrival.signed.signature)
        former = self._trails.pop(arrival.station, None)
        if signer is None:
            return
        trail = _after(former, arrival, signer, time.monotonic())
        self._trails[arrival.station] = _learnt(trail, former, arrival.signed.message)
        if len(self._trails) > _MOST:
            self._trails.popitem(last=False)

    def forget(self, stations: Iterable[int]) -> None:
        """Something of theirs was not taken."""
        for station in stations:
            self._trails.pop(station, None)

    def distrust(self, stations: Iterable[int]) -> None:
        """The ledger rejected something of theirs. From any thread."""
        now = time.monotonic()
        for station in stations:
            self._wary[station] = now + WARY_SECONDS

    def _follow(
        self, station: int, own: Sequence[Arrival], signers: Mapping[bytes, str | None]
    ) -> bool:
        trail = self._trails[station]
        if self._is_wary(station):
            return False
        for arrival in own:
            if signers[arrival.digest] != trail.signer or not _follows(trail, arrival):
                return False
            trail = _after(trail, arrival, trail.signer, trail.asked)
        self._trails[station] = trail
        return True

    def _is_wary(self, station: int) -> bool:
        until = self._wary.get(station)
        if until is None:
            return False
        if time.monotonic() < until:
            return True
        self._wary.pop(station, None)
        return False


def _follows(trail: _Trail, arrival: Arrival) -> bool:
    m = arrival.signed.message
    return (
        time.monotonic() - trail.asked < TRUST_SECONDS
        and trail.time <= m.time <= time.time()
        and _is_next(trail, m)
        and _is_within(trail, m)
        and not arrival.signed.vehicle_signature
    )


def _is_next(trail: _Trail, m: OpenSession | EnergyReport) -> bool:
    if isinstance(m, OpenSession):
        return not trail.is_open and m.session == trail.session + 1
    return trail.is_open and (m.session, m.report) == (trail.session, trail.report + 1)


def _is_within(trail: _Trail, m: OpenSession | EnergyReport) -> bool:
    """Whether registers rise, no faster than before."""
    if isinstance(m, OpenSession):
        return m.import_register >= trail.imported and m.export_register >= trail.exported
    if len(m.boundaries) != boundary_count(trail.time, m.time):
        return False
    return all(
        0 <= i.imported * 3600 <= trail.max_power * i.seconds
        and 0 <= i.exported * 3600 <= trail.max_feed_in * i.seconds
        for i in _intervals(trail, m)
    )


def _after(former: _Trail | None, arrival: Arrival, signer: str, asked: float) -> _Trail:
    m = arrival.signed.message
    report, is_last = (m.report, m.last) if isinstance(m, EnergyReport) else (0, False)
    return _Trail(
        signer,
        asked,
        m.session,
        report,
        not is_last,
        m.time,
        m.import_register,
        m.export_register,
        former.max_power if former else 0,
        former.max_feed_in if former else 0,
    )


def _learnt(trail: _Trail, former: _Trail | None, m: OpenSession | EnergyReport) -> _Trail:
    """With the powers that this message shows, if it is the next report."""
    if former is None or not isinstance(m, EnergyReport) or not _is_next(former, m):
        return trail
    shown = [i for i in _intervals(former, m) if i.seconds >= _SHORTEST]
    powers = [i.imported * 3600 // i.seconds for i in shown]
    feed_ins = [i.exported * 3600 // i.seconds for i in shown]
    return replace(
        trail,
        max_power=max(trail.max_power, *powers, 0),
        max_feed_in=max(trail.max_feed_in, *feed_ins, 0),
    )


def _intervals(trail: _Trail, m: EnergyReport) -> Iterator[_Interval]:
    times = [*boundaries_between(trail.time, m.time), m.time]
    readings = [*m.boundaries, (m.import_register, m.export_register)]
    before = (trail.time, trail.imported, trail.exported)
    for at, (imported, exported) in zip(times, readings, strict=False):
        yield _Interval(at - before[0], imported - before[1], exported - before[2])
        before = (at, imported, exported)
