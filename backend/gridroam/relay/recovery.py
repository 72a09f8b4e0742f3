"""Recovers who signed, for many messages at once in a process of its own.

It is half of the work of taking a large delivery, and would keep the interpreter that all threads
of the relay share from everything else.
"""

import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool

from gridroam import processes
from gridroam.relay.log import log
from gridroam.signatures import recover

MANY = 16
"""Signatures from which on another process is worth the way there and back."""
_REST_SECONDS = 30.0

Signature = tuple[bytes, bytes]
"""A digest, and what was signed with it."""


class Recovery:
    """For one thread. With `number` processes besides, which start when they are needed; 0 does
    everything here."""

    def __init__(self, number: int = 0) -> None:
        self._number = number
        self._pool: ProcessPoolExecutor | None = None
        self._rests_until = 0.0

    def __call__(self, signatures: Sequence[Signature]) -> list[str | None]:
        """The lower-case address of each signer, `None` where the signature is none."""
        if self._number and len(signatures) >= MANY and time.monotonic() >= self._rests_until:
            try:
                return self._elsewhere(signatures)
            except BrokenProcessPool as error:
                log.warning("a process that recovers signatures ended", problem=str(error))
                self.close()
                self._rests_until = time.monotonic() + _REST_SECONDS
        return _recover_all(signatures)

    def close(self) -> None:
        if self._pool is not None:
            self._pool.shutdown()
            self._pool = None

    def _elsewhere(self, signatures: Sequence[Signature]) -> list[str | None]:
        pool = self._opened()
        share = -(-len(signatures) // self._number)
        shares = [
            pool.submit(_recover_all, signatures[start : start + share])
            for start in range(0, len(signatures), share)
        ]
        return [signer for found in shares for signer in found.result()]

    def _opened(self) -> ProcessPoolExecutor:
        if self._pool is None:
            self._pool = processes.pool(self._number, _begin)
        return self._pool


def _recover_all(signatures: Sequence[Signature]) -> list[str | None]:
    return [recover(digest, signature) for digest, signature in signatures]


def _begin() -> None:
    """There is nothing to prepare."""
