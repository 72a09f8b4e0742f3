"""Brings stored messages to the ledger: the thread that makes batches of them and launches these.

Woken by new messages. Everything is written down first and done second, so that the process can die
at any moment and go on from the database. It may send a message twice, never settle it twice: the
ledger rejects the second, which is then recognised as the first.
"""

import threading
import time
from dataclasses import replace

from gridroam.errors import GridroamError, NodeUnreachableError
from gridroam.relay.choice import Bounds, choose, due_in_ms
from gridroam.relay.flights import Flights
from gridroam.relay.log import log
from gridroam.relay.pace import Pace
from gridroam.store.batches import Batches

_QUICK, _SLOW, _IDLE = 0.005, 0.5, 5.0


class Sender:
    def __init__(
        self, flights: Flights, batches: Batches, pace: Pace, bounds: Bounds, max_in_flight: int
    ) -> None:
        self._flights = flights
        self._batches = batches
        self._bounds = bounds
        self._pace = pace
        self._max_in_flight = max_in_flight
        self._poll = _QUICK
        self._troubles = 0
        self._wake = threading.Event()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="sender", daemon=True)

    def start(self) -> None:
        self._flights.load()
        self._thread.start()

    def stop(self) -> None:
        """What is under way stays so until the next start."""
        self._stopping = True
        self._wake.set()
        self._thread.join(30)
        self._flights.close()

    def wake(self) -> None:
        self._wake.set()

    def _run(self) -> None:
        pause = 0.0
        while not self._stopping:
            self._wake.wait(pause)
            self._wake.clear()
            pause = self._try_turn()

    def _try_turn(self) -> float:
        try:
            pause = self._turn()
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
        landed = self._flights.follow()
        due = self._launch()
        if not len(self._flights):
            return min(due, _SLOW if self._flights.unconfirmed else _IDLE)
        self._poll = _QUICK if landed else min(self._poll * 1.5, _SLOW)
        return min(due, self._poll)

    def _launch(self) -> float:
        """Gives the seconds until a batch is due."""
        free = self._max_in_flight - len(self._flights)
        if free <= 0 or self._pace.rests:
            return _IDLE
        bounds = replace(self._bounds, messages=self._pace.messages)
        waiting = self._batches.waiting((free + 1) * bounds.messages)
        while free > 0:
            choice = choose(waiting, bounds)
            due = due_in_ms(choice, bounds, time.time_ns() // 1_000_000)
            if due is None or due > 0:
                return _IDLE if due is None else due / 1000
            if not self._flights.launch(choice):
                return 0.0  # messages came back that go before these
            self._poll = _QUICK
            gone = {message.id for message in choice.messages}
            waiting = [message for message in waiting if message.id not in gone]
            free -= 1
        return _IDLE
