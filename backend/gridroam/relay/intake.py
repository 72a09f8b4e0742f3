"""Brings messages from the requests to the door. One thread judges what has arrived from all of
them together, so that many requests share a look-up, a simulation and a commit.

More threads made it slower: the node simulates behind the block that it is mining.
"""

import asyncio
import queue
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from gridroam.messages import Signed
from gridroam.relay.door import Door, Judged
from gridroam.relay.log import log
from gridroam.relay.problems import Problem, ProblemError
from gridroam.store.outcome import STORED

GROUP = 250
"""Messages that are judged together, so that the first of many does not wait for the last."""

_GATHER_SECONDS = 0.002
"""For which a group waits for more requests, if there was more than one in the last."""


@dataclass(frozen=True, slots=True)
class _Job:
    """A request's messages."""

    signed: Sequence[Signed]
    answer: Callable[[list[Judged]], object]


class Intake:
    """`on_stored` is called from the thread when something new waits in the outbox."""

    def __init__(self, door: Door, on_stored: Callable[[], None]) -> None:
        self._door = door
        self._on_stored = on_stored
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._stopped = False
        self._thread = threading.Thread(target=self._run, name="intake", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Returns when everything that had arrived is answered."""
        self._stopped = True
        self._jobs.put(None)
        self._thread.join(30)
        self._door.close()

    def take(
        self, signed: Sequence[Signed], on_judged: Callable[[list[Judged]], None]
    ) -> asyncio.Future[list[Judged]]:
        """One verdict for each message, in order. `on_judged` sees them on the event loop before
        anything else can happen to the messages. Raises `ProblemError` after the end."""
        if self._stopped:
            raise ProblemError(Problem("stopping", "No more messages are taken.", retry_after=2))
        loop = asyncio.get_running_loop()
        future: asyncio.Future[list[Judged]] = loop.create_future()

        def answer(judged: list[Judged]) -> None:
            if not future.cancelled():
                on_judged(judged)
                future.set_result(judged)

        self._jobs.put(_Job(signed, lambda judged: loop.call_soon_threadsafe(answer, judged)))
        return future

    def _run(self) -> None:
        crowded = False
        while (job := self._jobs.get()) is not None:
            if crowded:
                time.sleep(_GATHER_SECONDS)
            jobs = self._with_others(job)
            crowded = len(jobs) > 1
            self._answer(jobs)

    def _with_others(self, job: _Job) -> list[_Job]:
        jobs, size = [job], len(job.signed)
        while size < GROUP and not self._jobs.empty():
            other = self._jobs.get()
            if other is None:
                self._jobs.put(None)
                break
            jobs.append(other)
            size += len(other.signed)
        return jobs

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
