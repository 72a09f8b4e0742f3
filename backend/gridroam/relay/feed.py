"""The feed of outcomes, for any number of readers: one task reads what is new from the database,
keeps the latest in memory, and wakes those whom it concerns. Who is further behind reads pages from
the database. Lives on the event loop; `ring` may be called from any thread.
"""

import asyncio
from collections import defaultdict, deque

from gridroam.errors import StoreError
from gridroam.relay.log import log
from gridroam.store.search import Found, Position, Search

START = Position(0, 0)

_LATEST = 4_000
_PAGE = 500
_LOOK_SECONDS = 1.0
"""Between looks where nobody rings: another process may have decided something."""


class Feed:
    def __init__(self, search: Search, loop: asyncio.AbstractEventLoop) -> None:
        self._search = search
        self._loop = loop
        self._latest: deque[Found] = deque()
        self._since: Position | None = None
        """`_latest` has everything after it."""
        self._end = START
        self._readers: defaultdict[int | None, set[asyncio.Future[None]]] = defaultdict(set)
        self._news = asyncio.Event()
        self._stopped = False
        self._task = loop.create_task(self._run())

    def ring(self) -> None:
        """Something may have been decided."""
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._news.set)

    def stop(self) -> None:
        """Nobody waits any longer."""
        self._stopped = True
        self._task.cancel()
        for waiting in [one for many in self._readers.values() for one in many]:
            waiting.cancel()

    @property
    def stopped(self) -> bool:
        return self._stopped

    async def end(self) -> Position:
        """After everything so far."""
        return await asyncio.to_thread(self._search.end_of_feed)

    async def page(
        self, after: Position, station: int | None, limit: int
    ) -> tuple[list[Found], Position]:
        """What comes after a position, and the position to go on from."""
        end = self._end
        if self._since is not None and after >= self._since:
            found = self._in_memory(after, station, limit)
        else:
            found = await asyncio.to_thread(self._search.feed, after, station=station, limit=limit)
        last = found[-1].position if found else None
        if len(found) < limit:
            return found, max(last or after, after, end)
        return found, last or after

    async def wait(self, after: Position, station: int | None, seconds: float) -> None:
        """Until there may be something after the position, the time is over, or the end."""
        is_behind = self._since is not None and after < self._since
        if self._stopped or is_behind or self._in_memory(after, station, 1):
            return
        waiting: asyncio.Future[None] = self._loop.create_future()
        self._readers[station].add(waiting)
        try:
            await asyncio.wait([waiting], timeout=seconds)
        finally:
            waiting.cancel()
            self._readers[station].discard(waiting)
            if not self._readers[station]:
                del self._readers[station]

    def _in_memory(self, after: Position, station: int | None, limit: int) -> list[Found]:
        found: list[Found] = []
        for one in reversed(self._latest):
            if one.position is None or one.position <= after:
                break
            if station is None or one.station == station:
                found.append(one)
        return found[::-1][:limit]

    async def _run(self) -> None:
        while True:
            try:
                await self._read()
            except StoreError as error:
                log.warning("the feed cannot be read", problem=error.message)
            except Exception:  # noqa: BLE001  a bug must not end the task
                log.exception("the feed cannot be read")
            self._news.clear()
            try:
                async with asyncio.timeout(_LOOK_SECONDS):
                    await self._news.wait()
            except TimeoutError:
                pass

    async def _read(self) -> None:
        if self._since is None or not self._readers:
            # only what comes from now on is kept, and only for those who listen
            end = await self.end()
            self._latest.clear()
            self._end = self._since = end
        while True:
            found = await asyncio.to_thread(self._search.feed, self._end, limit=_PAGE)
            self._take(found)
            if len(found) < _PAGE:
                return

    def _take(self, found: list[Found]) -> None:
        for one in found:
            self._latest.append(one)
            self._end = one.position or self._end
        while len(self._latest) > _LATEST:
            gone = self._latest.popleft()
            self._since = gone.position
        for station in {None, *(one.station for one in found)} if found else ():
            for waiting in self._readers.get(station, ()):
                if not waiting.done():
                    waiting.set_result(None)
