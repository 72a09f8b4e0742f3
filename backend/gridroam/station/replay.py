"""A station that works through planned sessions, as fast as it is told that time goes by."""

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from hashlib import sha256

from gridroam.domain.energy import Reading
from gridroam.messages import NO_EVIDENCE
from gridroam.signatures import Signer
from gridroam.station.kit import Station
from gridroam.station.meter import Meter, Registers
from gridroam.station.receipt import Receipt
from gridroam.station.simulator import Curve, SimulatedMeter

Printer = Callable[[Reading, Reading], str]
"""Of a meter that signs: its record of what it counted between two readings."""


@dataclass(frozen=True, slots=True)
class PlannedSession:
    """Which vehicle comes and goes when (UTC seconds), and the energy that flows."""

    vehicle: bytes
    start: int
    end: int
    imported: Curve
    exported: Curve
    key: Signer | None = None
    """The vehicle's, if it has one."""


def moments(sessions: Iterable[PlannedSession], step: int) -> set[int]:
    """Every full `step` of seconds in or right after which something happens."""
    found: set[int] = set()
    for session in sessions:
        first, last = (-(-time // step) * step for time in (session.start, session.end))
        found.update(range(first, last + 1, step))
    return found


class Replay:
    """One station and its sessions, which do not overlap. `registers` is what its meter shows,
    `every` the seconds after which a session that still runs is reported; with a `printer`, final
    reports name the meter's record."""

    def __init__(
        self,
        station: Station,
        plan: Iterable[PlannedSession],
        registers: Registers,
        every: int = 3600,
        printer: Printer | None = None,
    ) -> None:
        self.station = station
        self.registers = registers
        self.printer = printer
        self.records: dict[int, str] = {}
        """By session, as printed."""
        self.counter: Meter | None = None
        """What the station reads instead of its meter, until the running session ends."""
        self.refused: list[PlannedSession] = []
        self._every = every
        self._plan = deque(sorted(plan, key=lambda session: session.start))
        self._running: PlannedSession | None = None

    def is_busy(self, until: int) -> bool:
        """Whether there is anything to do up to a time."""
        return self._running is not None or self._next(until) is not None

    def advance(self, until: int) -> list[Receipt]:
        """Everything that happens up to a time, and reports of what still runs then.

        No energy flows for a vehicle whose opening was rejected.
        """
        receipts: list[Receipt] = []
        while (due := self._running or self._next(until)) is not None:
            if self._running is None:
                receipts.append(self._open(due))
            elif due.end <= until:
                receipts += self._report(due, due.end, last=True)
                self.registers = self._meter(due).registers(due.end)
                self._running = self.counter = None
            else:
                receipts += self._report(due, until, last=False)
                break
        return receipts

    @property
    def meter(self) -> Meter | None:
        """Of the session that runs."""
        return self._meter(self._running) if self._running else None

    def retry(self) -> None:
        """Who was refused tries again, with whatever comes next."""
        self._plan.extendleft(reversed(self.refused))
        self.refused.clear()

    def _next(self, until: int) -> PlannedSession | None:
        return self._plan[0] if self._plan and self._plan[0].start <= until else None

    def _open(self, session: PlannedSession) -> Receipt:
        self._plan.popleft()
        receipt = self.station.open(session.vehicle, session.start, self.registers, session.key)
        if receipt.rejected:
            self.refused.append(session)
        else:
            self._running = session
        return receipt

    def _report(self, session: PlannedSession, time: int, *, last: bool) -> list[Receipt]:
        """Nothing if it is too early, or if the ledger has ended the session."""
        is_due = last or time >= self.station.last_time + self._every
        if not self.station.in_session or not is_due:
            return []
        evidence = self._print(session, time) if last else NO_EVIDENCE
        read = self.counter or self._meter(session)
        return self.station.read(read, time, last=last, evidence=evidence)

    def _print(self, session: PlannedSession, end: int) -> bytes:
        """What the last report refers to."""
        if self.printer is None:
            return NO_EVIDENCE
        first, last = (self._meter(session).registers(time) for time in (session.start, end))
        text = self.printer(Reading(session.start, *first), Reading(end, *last))
        self.records[self.station.session] = text
        return sha256(text.encode()).digest()

    def _meter(self, session: PlannedSession) -> SimulatedMeter:
        return SimulatedMeter(self.registers, session.imported, session.exported)
