"""An answer that many want at once and that costs something: made once, shared, kept for a moment,
so that strangers who ask often cost no more than one who asks now and then.
"""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Generic, TypeVar

T = TypeVar("T")


class Shared(Generic[T]):
    """`make` runs in a thread, one at a time; what it gives is good for so many seconds. For one
    event loop."""

    def __init__(self, make: Callable[[], T], seconds: float) -> None:
        self._make = make
        self._seconds = seconds
        self._made: asyncio.Task[T] | None = None
        self._good_until = 0.0
        self._last: tuple[T, float] | None = None

    async def get(self) -> T:
        """Raises what `make` raised, which is not kept."""
        if self._made is None or (self._made.done() and time.monotonic() >= self._good_until):
            self._made = asyncio.create_task(self._run())
        return await asyncio.shield(self._made)

    async def soon(self, patience: float) -> tuple[T, float] | None:
        """The same, or after so many seconds what was made last; with its age (s). `None` where
        nothing was made yet."""
        with suppress(TimeoutError):
            async with asyncio.timeout(patience):
                await self.get()
        if self._last is None:
            return None
        made, at = self._last
        return made, time.monotonic() - at

    async def _run(self) -> T:
        self._good_until = 0.0
        made = await asyncio.to_thread(self._make)
        now = time.monotonic()
        self._last, self._good_until = (made, now), now + self._seconds
        return made
