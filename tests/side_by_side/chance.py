"""How likely what is."""

from typing import TypeVar

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

T = TypeVar("T")


def mostly(usual: list[T], unusual: list[T]) -> SearchStrategy[T]:
    """Something usual, nine times in ten; the first of it is the simplest."""
    # no union of both: the representations of what is built on it would be endless
    return st.integers(0, 9).flatmap(lambda n: st.sampled_from(unusual if n == 9 else usual))
