"""Brings stored messages to the ledger: the thread that makes batches of them and launches these,
from one account, for as long as the account is leased to this process.

Woken by new messages and new blocks. Everything is written down first and done second, so that the
process can die at any moment and another can go on from the database. It may send a message twice,
never settle it twice: the ledger rejects the second, which is then recognised as the first.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from gridroam.errors import GridroamError, LeaseLostError, NodeUnreachableError
from gridroam.relay.choice import Bounds, choose, due_in_ms
from gridroam.relay.flights import Flights
from gridroam.relay.log import log
from gridroam.relay.pace import Pace
from gridroam.relay.purse import Purse
from gridroam.store.batches import Batch, Batches

_QUICK, _IDLE = 0.005, 5.0
_LOOK_SECONDS = 1.0
"""Between looks into the outbox, where nothing says that it has changed."""


@dataclass(frozen=True, slots=True)
class Tempo:
    """How large batches are, how many of them may be under way at once, and the seconds between
    questions for them at most, which may change."""

    bounds: Bounds
    in_flight: int
    poll_seconds: Callable[[], float]


class Sender:
    def __init__(
        self, flights: Flights, batches: Batches, pace: Pace, purse: Purse, tempo: Tempo
    ) -> None:
        self._flights = flights
        self._batches = batches
        self._bounds = tempo.bounds
        self._pace = pace
        self._purse = purse
        self._tempo = tempo
        self._poll = _QUICK
        self._look_at = 0.0
        self._troubles = 0
        self._wake = threading.Event()
        self._stopping = False
        self._loaded = False
        self._thread = threading.Thread(target=self._run, name="sender", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """What is under way stays so until the next start."""
        self._stopping = True
        self._wake.set()
        if self._thread is not threading.current_thread():
            self._thread.join(30)
        self._flights.close()

    @property
    def is_running(self) -> bool:
        """It ends by itself when the account is another process's."""
        return self._thread.is_alive()

    @property
    def is_done(self) -> bool:
        """Whether nothing of the account is under way any more."""
        return self._loaded and not len(self._flights) and not self._flights.unconfirmed

    def wake(self) -> None:
        self._wake.set()

    def _run(self) -> None:
        pause = 0.0
        while not self._stopping:
            if self._wake.wait(pause):
                self._look_at = 0.0
            self._wake.clear()
            if not self._stopping:
                pause = self._try_turn()

    def _try_turn(self) -> float:
        try:
            pause = self._turn()
        except LeaseLostError as error:
            log.error("the account is another process's now", problem=error.message)
            self._stopping = True
            return 0.0
        except NodeUnreachableError as error:
            if not self._troubles:
                log.error("the node is gone", problem=error.message)
            return self._back_off()
        except GridroamError as error:
            log.error("the sender fails", problem=str(error))
            return self._back_off()
        except Exception:  # noqa: BLE001  a bug must not end the thread
            log.exception("the sender fails")
            return self._back_off()
        if self._troubles:
            log.info("the sender works again")
        self._troubles = 0
        return pause

    def _back_off(self) -> float:
        self._troubles += 1
        return min(0.1 * float(2 ** min(self._troubles, 6)), _IDLE)

    def _turn(self) -> float:
        """Gives the seconds until the next."""
        if not self._loaded:
            self._flights.load()
            self._loaded = True
        under_way = len(self._flights)
        landed = self._flights.follow()
        self._purse.look()
        if len(self._flights) != under_way:
            self._look_at = 0.0
        due = self._look()
        if not len(self._flights):
            return min(due, self._slow if self._flights.unconfirmed else _IDLE)
        self._poll = _QUICK if landed else min(self._poll * 1.5, self._tempo.poll_seconds())
        return min(due, self._poll)

    def _look(self) -> float:
        """Into the outbox, if it is time. Gives the seconds until it is."""
        now = time.monotonic()
        if now >= self._look_at:
            due = self._launch()
            now = time.monotonic()
            self._look_at = now + min(due, _LOOK_SECONDS)
        return self._look_at - now

    @property
    def _slow(self) -> float:
        return max(self._tempo.poll_seconds(), 0.5)

    def _launch(self) -> float:
        """Gives the seconds until a batch is due."""
        free = self._tempo.in_flight - len(self._flights)
        while free > 0 and not self._pace.rests:
            bounds = replace(self._bounds, messages=self._pace.messages)
            queue = self._batches.queue(bounds.messages)
            due = due_in_ms(queue, bounds, time.time_ns() // 1_000_000)
            if due is None or due > 0:
                return _IDLE if due is None else due / 1000
            if not self._launch_one(bounds):
                return self._slow
            self._poll = _QUICK
            free -= 1
        return _IDLE

    def _launch_one(self, bounds: Bounds) -> bool:
        """Whether there was anything that may be sent now."""
        if not self._purse.can_pay:
            return False
        clearance = self._flights.cleared_for_launch()
        if clearance is None:
            return False
        batch: Batch | None = None
        with self._batches.claim(bounds.messages) as claim:
            choice = choose(claim.waiting, bounds)
            if choice.messages:
                batch = self._flights.launch(claim, choice, *clearance)
        if batch is None:
            return False
        self._flights.post(batch)
        return True
