"""Tells whoever waits that the index moved: for pages that follow the chain."""

import asyncio
import threading
from collections.abc import AsyncGenerator
from contextlib import suppress
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class News:
    """The index is at this block. `rolled_back`: blocks that were told of are no more."""

    block: int
    block_hash: bytes
    block_time: int
    head: int
    rolled_back: bool = False


@dataclass(slots=True)
class Live:
    """Safe to use in several threads and event loops."""

    latest: News | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _waiting: set[tuple[asyncio.AbstractEventLoop, asyncio.Queue[News]]] = field(
        default_factory=set
    )

    def tell(self, news: News) -> None:
        """By the follower, after its transaction."""
        with self._lock:
            self.latest = news
            waiting = list(self._waiting)
        for loop, queue in waiting:
            with suppress(RuntimeError):  # a loop that has ended hears nothing
                loop.call_soon_threadsafe(queue.put_nowait, news)

    async def follow(self, quiet: float) -> AsyncGenerator[News | None, None]:
        """Every move from now on; `None` where there was none for `quiet` seconds. Slow readers may
        skip some: each says where the index is then."""
        mine = asyncio.get_running_loop(), asyncio.Queue[News]()
        with self._lock:
            self._waiting.add(mine)
        try:
            while True:
                try:
                    news = await asyncio.wait_for(mine[1].get(), quiet)
                except TimeoutError:
                    yield None
                    continue
                rolled_back = news.rolled_back
                while not mine[1].empty():
                    news = mine[1].get_nowait()
                    rolled_back = rolled_back or news.rolled_back
                yield News(news.block, news.block_hash, news.block_time, news.head, rolled_back)
        finally:
            with self._lock:
                self._waiting.discard(mine)
