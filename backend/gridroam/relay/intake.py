"""Brings messages from the requests to the door. What has arrived from many requests is judged
together, so that they share a look-up, a simulation and a commit; a few threads do so at once, each
with stations of its own, so that a station's messages keep their order.
"""

import asyncio
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

from gridroam.messages import Signed
from gridroam.relay.door import Door, Judged
from gridroam.relay.log import log
from gridroam.relay.problems import Problem
from gridroam.store.outbox import STORED

GROUP = 250
"""Messages that are judged together, so that the first of many does not wait for the last."""
THREADS = 3
"""They mostly wait for the node and the disk."""


@dataclass(frozen=True, eq=False)
class _Job:
    """A request's messages."""

    signed: Sequence[Signed]
    answer: Callable[[list[Judged]], object]

    @cached_property
    def stations(self) -> set[int]:
        return {signed.message.station for signed in self.signed}


class Intake:
    """`on_stored` is called from the threads when something new waits in the outbox."""

    def __init__(self, door: Door, on_stored: Callable[[], None]) -> None:
        self._door = door
        self._on_stored = on_stored
        self._jobs: list[_Job] = []
        self._busy: set[int] = set()
        self._stopping = False
        self._changed = threading.Condition()
        self._threads = [
            threading.Thread(target=self._run, name=f"intake-{n}", daemon=True)
            for n in range(THREADS)
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Returns when everything that had arrived is answered."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join(30)

    def take(
        self, signed: Sequence[Signed], on_judged: Callable[[list[Judged]], None]
    ) -> asyncio.Future[list[Judged]]:
        """One verdict for each message, in order. `on_judged` sees them on the event loop before
        anything else can happen to the messages."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[list[Judged]] = loop.create_future()

        def answer(judged: list[Judged]) -> None:
            if not future.cancelled():
                on_judged(judged)
                future.set_result(judged)

        job = _Job(signed, lambda judged: loop.call_soon_threadsafe(answer, judged))
        with self._changed:
            self._jobs.append(job)
            self._changed.notify()
        return future

    def _run(self) -> None:
        while jobs := self._next_group():
            self._answer(jobs)
            with self._changed:
                self._busy.difference_update(*(job.stations for job in jobs))
                self._changed.notify_all()

    def _next_group(self) -> list[_Job]:
        """Waits for one; empty at the end."""
        with self._changed:
            while not (jobs := self._pick()) and not (self._stopping and not self._jobs):
                self._changed.wait()
            self._jobs = [job for job in self._jobs if job not in jobs]
            self._busy.update(*(job.stations for job in jobs))
            return jobs

    def _pick(self) -> list[_Job]:
        """In order of arrival, but for the jobs of stations that another thread is busy with."""
        picked: list[_Job] = []
        size, blocked = 0, set(self._busy)
        for job in self._jobs:
            if not blocked.isdisjoint(job.stations):
                blocked |= job.stations
                continue
            if picked and size + len(job.signed) > GROUP:
                break
            picked.append(job)
            size += len(job.signed)
        return picked

    def _answer(self, jobs: Sequence[_Job]) -> None:
        judged = self._judge([signed for job in jobs for signed in job.signed])
        start = 0
        for job in jobs:
            end = start + len(job.signed)
            job.answer(judged[start:end])
            start = end
        if any(verdict is STORED for _, verdict in judged):
            self._on_stored()

    def _judge(self, signed: Sequence[Signed]) -> list[Judged]:
        try:
            return self._door.judge(signed)
        except Exception:  # noqa: BLE001  a bug must not end the thread
            log.exception("messages cannot be judged")
            return [(b"", _FAILED)] * len(signed)


_FAILED = Problem("internal-error", "The messages could not be judged; they are not stored.")
