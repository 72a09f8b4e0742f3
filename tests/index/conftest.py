from collections.abc import Iterator

import pytest
from lively import Lively, lively_chain


@pytest.fixture(scope="session")
def lively() -> Iterator[Lively]:
    """One chain with random hostile traffic on it; tests leave it as they found it."""
    with lively_chain() as chain:
        yield chain
