"""Requests that wait for messages to be decided. Lives on the event loop's thread, except for
`publish`, which the sender's thread calls.
"""

import asyncio
from collections.abc import Iterable, Mapping

from gridroam.store.outcome import Outcome


class Watch:
    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._waiting: dict[bytes, set[asyncio.Future[Outcome]]] = {}
        self._released = False

    def follow(self, digest: bytes) -> asyncio.Future[Outcome]:
        """Done when the message is decided. Whoever stops waiting cancels it."""
        future: asyncio.Future[Outcome] = self._loop.create_future()
        self._waiting.setdefault(digest, set()).add(future)
        future.add_done_callback(lambda done: self._drop(digest, done))
        if self._released:
            future.cancel()
        return future

    def awaited(self) -> list[bytes]:
        """The digests that somebody waits for. From any thread."""
        return list(self._waiting)

    def release(self) -> None:
        """Nobody waits any longer, now and later: the process is stopping."""
        self._released = True
        for future in [future for waiting in self._waiting.values() for future in waiting]:
            future.cancel()

    def publish(self, outcomes: Mapping[bytes, Outcome]) -> None:
        """Tells whoever waits for these messages. From any thread."""
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._tell, outcomes)

    def _tell(self, outcomes: Mapping[bytes, Outcome]) -> None:
        for digest in self._waiting.keys() & outcomes.keys():
            for future in list(self._waiting[digest]):
                if not future.done():
                    future.set_result(outcomes[digest])

    def _drop(self, digest: bytes, future: asyncio.Future[Outcome]) -> None:
        waiting = self._waiting.get(digest, set())
        waiting.discard(future)
        if not waiting:
            self._waiting.pop(digest, None)


async def decisions(
    futures: Iterable[asyncio.Future[Outcome]], seconds: float
) -> list[Outcome | None]:
    """What became of each within the time, `None` where it is still under way."""
    waiting = list(futures)
    if waiting:
        await asyncio.wait(waiting, timeout=seconds)
    outcomes = [
        future.result() if future.done() and not future.cancelled() else None for future in waiting
    ]
    for future in waiting:
        future.cancel()
    return outcomes
