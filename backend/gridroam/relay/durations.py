"""A Prometheus histogram that counts many equal values at once.

Of a batch of a hundred messages most were stored in the same moment; the client library's histogram
counts them one by one, which was a fifth of the sender's work.
"""

import threading
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from math import inf

from prometheus_client import CollectorRegistry
from prometheus_client.core import HistogramMetricFamily
from prometheus_client.registry import Collector


class Durations(Collector):
    """In seconds, by the values of one label. `buckets` are their upper ends, ascending."""

    def __init__(
        self,
        name: str,
        documentation: str,
        label: str,
        *,
        buckets: Sequence[float],
        registry: CollectorRegistry,
    ) -> None:
        self._name, self._documentation = name, documentation
        self._labelnames = (label,)  # as the library's own metrics call it
        self._ends = [*buckets, inf]
        self._counts: dict[str, list[int]] = {}
        self._sums: dict[str, float] = {}
        self._lock = threading.Lock()
        registry.register(self)

    def observe(self, what: str, seconds: float, number: int) -> None:
        """So many times. From any thread."""
        with self._lock:
            counts = self._counts.setdefault(what, [0] * len(self._ends))
            counts[bisect_left(self._ends, seconds)] += number
            self._sums[what] = self._sums.get(what, 0.0) + seconds * number

    def describe(self) -> Iterator[HistogramMetricFamily]:
        yield self._family()

    def collect(self) -> Iterator[HistogramMetricFamily]:
        family = self._family()
        with self._lock:
            for what, counts in self._counts.items():
                family.add_metric([what], self._cumulated(counts), self._sums[what])
        yield family

    def _family(self) -> HistogramMetricFamily:
        return HistogramMetricFamily(self._name, self._documentation, labels=self._labelnames)

    def _cumulated(self, counts: Sequence[int]) -> list[tuple[str, float]]:
        found, total = [], 0
        for end, count in zip(self._ends, counts, strict=True):
            total += count
            found.append(("+Inf" if end == inf else str(float(end)), float(total)))
        return found
