"""An answer that many want at once and that costs something: made once, shared, kept for a moment,
so that strangers who ask often cost no more than one who asks now and then.
"""

import asyncio
import time
from collections.abc import Callable
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

    async def get(self) -> T:
        """Raises what `make` raised, which is not kept."""
        if self._made is None or (self._made.done() and time.monotonic() >= self._good_until):
            self._made = asyncio.create_task(self._run())
        return await asyncio.shield(self._made)

    async def _run(self) -> T:
        self._good_until = 0.0
        made = await asyncio.to_thread(self._make)
        self._good_until = time.monotonic() + self._seconds
        return made
