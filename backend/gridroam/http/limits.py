"""Limits: how often, how much at once. Each forgets whom it has not seen, so that strangers cannot
fill the memory with names.
"""

import ipaddress
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from functools import lru_cache

_MOST_KEYS = 20_000


class Rates:
    """A bucket for each key that fills up at `per_second` to `burst`. A rate of 0 is no limit.

    Not for several threads at once."""

    def __init__(
        self, per_second: float, burst: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._per_second = per_second
        self._burst = max(burst, 1.0)
        self._clock = clock
        self._buckets: OrderedDict[Hashable, tuple[float, float]] = OrderedDict()

    def wait(self, key: Hashable) -> float:
        """Seconds until one would be allowed; takes nothing."""
        if self._per_second <= 0:
            return 0.0
        missing = 1.0 - self._level(key, self._clock())
        return max(missing / self._per_second, 0.0)

    def take(self, key: Hashable, cost: float = 1.0) -> float:
        """0 if allowed, which takes `cost`; else the seconds until it would be, and takes nothing.
        What costs more than the burst needs a full bucket and leaves it in debt."""
        if self._per_second <= 0:
            return 0.0
        now = self._clock()
        level = self._level(key, now)
        needed = min(cost, self._burst)
        if level < needed:
            return (needed - level) / self._per_second
        self._set(key, level - cost, now)
        return 0.0

    def charge(self, key: Hashable, cost: float = 1.0) -> None:
        """Takes in any case; the debt is bounded by one burst."""
        if self._per_second > 0:
            now = self._clock()
            self._set(key, max(self._level(key, now) - cost, -self._burst), now)

    def __len__(self) -> int:
        return len(self._buckets)

    def _level(self, key: Hashable, now: float) -> float:
        level, at = self._buckets.get(key, (self._burst, now))
        return min(level + (now - at) * self._per_second, self._burst)

    def _set(self, key: Hashable, level: float, now: float) -> None:
        self._buckets[key] = level, now
        self._buckets.move_to_end(key)
        if len(self._buckets) > _MOST_KEYS:
            self._buckets.popitem(last=False)


class Budget:
    """How much of something there may be at once."""

    def __init__(self, most: int, on_change: Callable[[int], None] | None = None) -> None:
        self._most = most
        self._used = 0
        self._on_change = on_change or (lambda _: None)

    @property
    def used(self) -> int:
        return self._used

    def take(self, amount: int) -> bool:
        """Whether there was room for it; what is larger than everything never fits."""
        if self._used + amount > self._most:
            return False
        self._used += amount
        self._on_change(amount)
        return True

    def give_back(self, amount: int) -> None:
        self._used -= amount
        self._on_change(-amount)

    @contextmanager
    def share(self) -> Iterator["Share"]:
        """A part of the budget that grows, and comes back at the end of the block."""
        share = Share(self)
        try:
            yield share
        finally:
            self.give_back(share.taken)


class Share:
    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self.taken = 0

    def grow(self, amount: int) -> bool:
        fits = self._budget.take(amount)
        self.taken += amount if fits else 0
        return fits


@lru_cache(4096)
def client_key(host: str) -> str:
    """Whom a limit counts: an IPv4 address, or an IPv6 network of 64 bits, which is what one
    customer has."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped:
            return str(address.ipv4_mapped)
        return str(ipaddress.ip_network((address, 64), strict=False))
    return host
