"""Finds the messages because of which a batch fails as a whole, by halving it. Pure."""

from collections.abc import Callable, Sequence
from typing import TypeVar

T = TypeVar("T")


def culprits(batch: Sequence[T], fails: Callable[[Sequence[T]], bool]) -> list[T]:
    """Those that fail alone. Empty if the batch does not fail, or only for its size.

    `fails` simulates: n culprits among m messages take about n log2 m calls.
    """
    if not fails(batch):
        return []
    if len(batch) == 1:
        return list(batch)
    half = len(batch) // 2
    return culprits(batch[:half], fails) + culprits(batch[half:], fails)
