"""Processes that read the chain and recover signatures, one for each core.

They ask the node themselves: what goes between processes is entries that are ready to be applied.
"""

import gc
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

from gridroam import processes as beside
from gridroam.audit.reader import ProvenReader, Reader
from gridroam.chain.blocks import Blocks
from gridroam.chain.rpc import Rpc
from gridroam.messages import Domain
from gridroam.processes import spare_imports


@dataclass(frozen=True)
class Place:
    """Where to read: node, contracts, and what signatures are for."""

    rpc_url: str
    addresses: tuple[str, ...]
    domain: Domain
    timeout: float = 60.0

    def open(self) -> ProvenReader:
        return ProvenReader(self.blocks(), self.domain)

    def blocks(self) -> Blocks:
        return Blocks(Rpc(self.rpc_url, timeout=self.timeout), self.addresses)


def spare_collections() -> None:
    """Messages are made by the million and hold nothing that holds them: looking for such circles
    among them, and among all that was imported, takes a fifth of the time."""
    spare_imports()
    gc.set_threshold(100_000, 50, 100)


@contextmanager
def sparing_collections() -> Iterator[None]:
    """The same for a while."""
    before = gc.get_threshold()
    spare_collections()
    try:
        yield
    finally:
        gc.unfreeze()
        gc.set_threshold(*before)


def pool(place: Place, processes: int) -> ProcessPoolExecutor:
    """Of processes that `read` works in."""
    return beside.pool(processes, _begin, place)


def read(first: int, last: int) -> bytes:
    """A page, packed, in a process of the pool."""
    return _readers[0](first, last).packed()


_readers: list[Reader] = []


def _begin(place: Place) -> None:
    spare_collections()
    _readers[:] = [place.open()]
