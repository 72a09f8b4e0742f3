"""Processes that read the chain and recover signatures, one for each core.

They ask the node themselves: what goes between processes is entries that are ready to be applied.
"""

import gc
import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

from gridroam.audit.reader import ProvenReader, Reader
from gridroam.chain.blocks import Blocks
from gridroam.chain.rpc import Rpc
from gridroam.messages import Domain


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


def cores() -> int:
    """That this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on this system
        return os.cpu_count() or 1


def spare_collections() -> None:
    """Messages are made by the million and hold nothing that holds them: looking for such circles
    among them, and among all that was imported, takes a fifth of the time."""
    gc.collect()
    gc.freeze()
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
    """Of processes that `read` works in. They end with this one, however it ends."""
    context = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(processes, context, _begin, (place,))


def read(first: int, last: int) -> bytes:
    """A page, packed, in a process of the pool."""
    return _readers[0](first, last).packed()


_readers: list[Reader] = []


def _begin(place: Place) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the one who started us
    threading.Thread(target=_end_with_parent, daemon=True).start()
    spare_collections()
    _readers[:] = [place.open()]


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
