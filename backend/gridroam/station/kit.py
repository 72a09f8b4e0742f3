"""The kit for whoever builds a station: signs openings and reports, keeps them on disk, sends them
through a relay and says what became of each. Works without the relay and catches up later. What
must not be forgotten is `state`'s; readings come from the integrator's meter.
"""

import threading
import time as clock
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from gridroam.domain.slots import MAX_BOUNDARIES, boundaries_between
from gridroam.errors import InvalidInputError, RelayProblemError, RelayUnreachableError
from gridroam.messages import (
    NO_EVIDENCE,
    Domain,
    EnergyReport,
    Message,
    OpenSession,
    Signed,
    sign,
)
from gridroam.relay.client import Answer
from gridroam.relay.schemas import MAX_MESSAGES
from gridroam.signatures import Signer, signer
from gridroam.station.backoff import Backoff
from gridroam.station.meter import Meter, Registers, boundaries
from gridroam.station.receipt import Receipt
from gridroam.station.state import StationState


class Relay(Protocol):
    """The way to the relay: `gridroam.relay.client.RelayClient`."""

    def send(
        self, messages: Sequence[Signed], domain: Domain | None = None, wait: float = 0.0
    ) -> list[Answer]: ...


class Station:
    """One station of the ledger. Calls from several threads wait for each other."""

    def __init__(
        self,
        number: int,
        key: bytes | Signer,
        domain: Domain,
        relay: Relay,
        state_path: Path,
        *,
        wait: float = 20.0,
        on_decided: Callable[[Receipt], None] | None = None,
    ) -> None:
        """`key` signs: any `Signer`, or a secp256k1 private key of 32 bytes; `wait` (s) how long a
        call waits for the ledger. `on_decided` hears of every message that is accepted or rejected,
        also of those that were queued. Raises `StoreError` if the state is in use, damaged or
        another station's."""
        self.number = number
        self._signer = signer(key)
        self._domain = domain
        self._relay = relay
        self._wait = wait
        self._state = StationState(state_path, number, domain)
        self._on_decided = on_decided
        self._lock = threading.RLock()
        self._backoff = Backoff()
        self._asked = 0.0

    @property
    def session(self) -> int:
        """The number of the latest one, 0 before the first."""
        return self._state.latest.session

    @property
    def last_time(self) -> int:
        """Of the last reading, UTC seconds: where the next report's boundaries start."""
        return self._state.latest.time

    @property
    def registers(self) -> Registers:
        """The last reading."""
        return self._state.latest.registers

    @property
    def in_session(self) -> bool:
        return self._state.latest.open

    @property
    def pending(self) -> int:
        """Messages of which it is not known what was decided."""
        return len(self._state.queue)

    def open(
        self,
        vehicle: bytes,
        time: int,
        registers: Registers,
        vehicle_key: bytes | Signer | None = None,
    ) -> Receipt:
        """A vehicle plugged in: asks for its clearing, and waits for it. A vehicle that has a key
        signs with it, too.

        Energy is only settled if the receipt is accepted, now or, where it is queued, later. A
        session that is still open ends at its last reading.
        """
        with self._lock:
            if self.in_session:
                self._end_session()
            session = self._state.latest.session + 1
            opening = OpenSession(self.number, session, vehicle, time, *registers)
            self._keep(opening, vehicle_key=vehicle_key)
            return _receipt(opening, self.flush())

    def report(
        self,
        time: int,
        registers: Registers,
        at_boundaries: Sequence[Registers] = (),
        *,
        last: bool = False,
        evidence: bytes = NO_EVIDENCE,
    ) -> list[Receipt]:
        """Energy flowed. `at_boundaries` has the registers at every slot boundary strictly between
        `last_time` and `time`; a long silence becomes several reports, each with its receipt."""
        with self._lock:
            reports = list(self._reports(time, registers, at_boundaries, last, evidence))
            for report in reports:
                self._keep(report)
            receipts = self.flush() if self._backoff.is_over else []
            return [_receipt(report, receipts) for report in reports]

    def close(
        self,
        time: int,
        registers: Registers,
        at_boundaries: Sequence[Registers] = (),
        *,
        evidence: bytes = NO_EVIDENCE,
    ) -> list[Receipt]:
        """The vehicle unplugged: the final report."""
        return self.report(time, registers, at_boundaries, last=True, evidence=evidence)

    def read(
        self, meter: Meter, time: int, *, last: bool = False, evidence: bytes = NO_EVIDENCE
    ) -> list[Receipt]:
        """A report of what the meter shows."""
        with self._lock:
            between = boundaries(meter, self.last_time, time)
            now = meter.registers(time)
            return self.report(time, now, between, last=last, evidence=evidence)

    def flush(self, patience: float = 0.0) -> list[Receipt]:
        """Sends what is queued, in order, for at most `patience` seconds beyond the first try, and
        gives a receipt for every message that was answered. Call it now and then when offline."""
        deadline = clock.monotonic() + patience
        receipts: list[Receipt] = []
        with self._lock:
            while self._state.queue:
                if self._send_some(receipts):
                    self._backoff.reset()
                    continue
                pause = self._backoff.failed(self._asked)
                if clock.monotonic() + pause > deadline:
                    break
                clock.sleep(pause)
        return receipts

    def shut(self) -> None:
        """Lets go of the state. What is queued is sent by the next `Station` of this state."""
        self._state.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.shut()

    def _keep(
        self, message: Message, *, first: bool = False, vehicle_key: bytes | Signer | None = None
    ) -> None:
        signed = sign(self._domain, message, self._signer, vehicle_key)
        self._state.keep(signed, first=first)

    def _end_session(self) -> None:
        end = self._state.latest
        self._keep(
            EnergyReport(
                self.number, end.session, end.report + 1, end.time, *end.registers, last=True
            )
        )

    def _reports(
        self,
        time: int,
        registers: Registers,
        at_boundaries: Sequence[Registers],
        last: bool,
        evidence: bytes,
    ) -> Iterator[EnergyReport]:
        start = self._state.latest
        if not start.open:
            raise InvalidInputError("The station has no open session.", "Open one first.")
        instants = list(boundaries_between(start.time, time))
        if len(instants) != len(at_boundaries):
            raise InvalidInputError(
                f"{len(at_boundaries)} boundaries where {len(instants)} lie between the readings.",
                f"Give the registers at each quarter hour from {start.time} to {time}.",
            )
        number = start.report
        while len(instants) > MAX_BOUNDARIES:
            number += 1
            until, at_until = instants[MAX_BOUNDARIES], at_boundaries[MAX_BOUNDARIES]
            between = tuple(at_boundaries[:MAX_BOUNDARIES])
            yield EnergyReport(
                self.number,
                start.session,
                number,
                until,
                *at_until,
                last=False,
                boundaries=between,
            )
            instants = instants[MAX_BOUNDARIES + 1 :]
            at_boundaries = at_boundaries[MAX_BOUNDARIES + 1 :]
        yield EnergyReport(
            self.number,
            start.session,
            number + 1,
            time,
            *registers,
            last,
            evidence,
            tuple(at_boundaries),
        )

    def _send_some(self, receipts: list[Receipt]) -> bool:
        """Whether the queue got shorter."""
        self._end_stuck_session()
        batch = list(islice(self._state.queue, MAX_MESSAGES))
        self._asked = 0.0
        try:
            answers = self._relay.send(batch, self._domain, self._wait)
        except RelayUnreachableError:
            return False
        except RelayProblemError as error:
            if error.status < 500 and error.status != 429:
                raise
            self._asked = error.retry_after or 0.0
            return False
        return self._take(batch, answers, receipts)

    def _end_stuck_session(self) -> None:
        """A session whose final report was rejected would block the next one that is queued."""
        state = self._state
        if state.settled.open and isinstance(state.queue[0].message, OpenSession):
            self._keep(state.closing(), first=True)

    def _take(self, batch: list[Signed], answers: list[Answer], receipts: list[Receipt]) -> bool:
        """Takes the answers in order, up to the first that is not decided or voids what follows."""
        for taken, (signed, answer) in enumerate(zip(batch, answers, strict=False)):
            receipt = Receipt(signed.message, answer)
            if receipt.queued:
                receipts.append(receipt)
                return taken > 0
            void = self._state.answered(answer.reason, accepted=answer.accepted)
            for decided in (receipt, *(Receipt(follower, void=True) for follower in void)):
                receipts.append(decided)
                if self._on_decided:
                    self._on_decided(decided)
            if not answer.accepted:
                return True
        return bool(answers)


def _receipt(message: Message, receipts: list[Receipt]) -> Receipt:
    """The latest for this message; queued if there is none."""
    found = [receipt for receipt in receipts if receipt.message == message]
    return found[-1] if found else Receipt(message)
