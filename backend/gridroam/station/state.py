"""What a station must never forget: its numbers, its last reading, and every signed message whose
final answer has not come. Each change is on the disk before it counts; what it means that the
ledger accepted or rejected a message is said here, sending is the kit's.

A number is given to other content only after the ledger or the relay rejected the first for good,
so that never two messages of one number can both be accepted.
"""

from collections import deque
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from gridroam.domain.reasons import Reason
from gridroam.messages import Domain, EnergyReport, Message, OpenSession, Signed, unpack
from gridroam.station.journal import Journal, Record
from gridroam.station.meter import Registers

_COMPACT_AFTER = 2_000
"""Records in the journal; a working day has some hundred."""


@dataclass(frozen=True, slots=True)
class Position:
    """A station's numbers and last reading, as they are after some message."""

    session: int = 0
    report: int = 0
    time: int = 0
    imported: int = 0
    exported: int = 0
    open: bool = False

    @property
    def registers(self) -> Registers:
        return Registers(self.imported, self.exported)

    @classmethod
    def after(cls, m: Message) -> "Position":
        reading = (m.time, m.import_register, m.export_register)
        if isinstance(m, OpenSession):
            return cls(m.session, 0, *reading, open=True)
        return cls(m.session, m.report, *reading, open=not m.last)


class StationState:
    """`latest` is the position after the last signed message, `settled` after the last answered."""

    def __init__(self, path: Path, station: int, domain: Domain) -> None:
        self.station = station
        owner = {"station": station, "chain": domain.chain_id, "ledger": domain.ledger.lower()}
        self._journal = Journal(path, owner)
        self.latest = self.settled = Position()
        self.queue: deque[Signed] = deque()
        for record in self._journal.records:
            self._apply(record)
        self._length = len(self._journal.records)

    def keep(self, signed: Signed, *, first: bool = False) -> None:
        """To be sent, behind everything else or before it."""
        self._write({"signed": signed.pack().hex(), "first": first})

    def answered(self, reason: Reason | None, *, accepted: bool) -> list[Message]:
        """The final answer to the head of the queue. Gives the messages that are void with it."""
        void = self._write({"final": int(reason or 0), "accepted": accepted})
        if self._length > _COMPACT_AFTER and not self.queue:
            self._journal.rewrite(self._snapshot())
            self._length = 1
        return void

    def closing(self) -> EnergyReport:
        """Ends the session at its last settled reading; what was not settled belongs to nobody."""
        s = self.settled
        return EnergyReport(
            self.station, s.session, s.report + 1, s.time, s.imported, s.exported, last=True
        )

    def close(self) -> None:
        self._journal.close()

    def _write(self, record: Record) -> list[Message]:
        self._journal.append(record)
        self._length += 1
        return self._apply(record)

    def _snapshot(self) -> Record:
        return {"latest": asdict(self.latest), "settled": asdict(self.settled)}

    def _apply(self, record: Record) -> list[Message]:
        if "signed" in record:
            self._apply_signed(unpack(bytes.fromhex(record["signed"])), first=record["first"])
        elif "final" in record:
            return self._apply_final(Reason(record["final"]), accepted=record["accepted"])
        else:
            self.latest = Position(**record["latest"])
            self.settled = Position(**record["settled"])
        return []

    def _apply_signed(self, signed: Signed, *, first: bool) -> None:
        if first:
            self.queue.appendleft(signed)
        else:
            self.queue.append(signed)
            self.latest = Position.after(signed.message)

    def _apply_final(self, reason: Reason, *, accepted: bool) -> list[Message]:
        message = self.queue.popleft().message
        if accepted or reason == Reason.REPORT_USED:
            self.settled = Position.after(message)
            return []
        if isinstance(message, OpenSession):
            self.settled = replace(Position.after(message), open=False)
        elif reason == Reason.SESSION_NOT_OPEN or message == self.closing():
            self.settled = replace(self.settled, open=False)
        if self.latest.session == message.session:
            self.latest = self.settled
        if reason == Reason.SESSION_USED:
            self.latest = replace(self.latest, session=max(self.latest.session, message.time))
        return self._drop_followers(message)

    def _drop_followers(self, rejected: Message) -> list[Message]:
        """Without the rejected message the rest of its session can never be accepted."""
        void = [
            signed
            for signed in self.queue
            if isinstance(signed.message, EnergyReport)
            and signed.message.session == rejected.session
        ]
        for signed in void:
            self.queue.remove(signed)
        return [signed.message for signed in void]
