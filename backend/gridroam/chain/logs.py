"""Logs by `eth_getLogs`, whatever the node's limits: on blocks, results, an answer's size, or time.
What is too much is asked again in halves, and the size that worked is kept.

Nothing proves that they are all: `chain.blocks` reads logs that are.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from gridroam.chain.rpc import RefusedError, Rpc
from gridroam.errors import ChainError

Log = Mapping[str, Any]
_GROW_BELOW = 1_000
"""Logs in an answer, below which the next one may be asked for twice as many blocks."""


class Logs:
    """Of some contracts."""

    def __init__(self, rpc: Rpc, addresses: Iterable[str], *, blocks: int = 10_000) -> None:
        self._rpc = rpc
        self._addresses = list(addresses)
        self.blocks = blocks
        """In one request, as far as is known."""

    def between(self, first: int, last: int) -> Iterator[Sequence[Log]]:
        """In the chain's order, some at a time; both blocks included."""
        start, grows = first, True
        while start <= last:
            end = min(start + self.blocks - 1, last)
            try:
                found = self._ask(start, end)
            except RefusedError as error:
                if not error.too_much or start == end:
                    raise _missing(start, error) from error
                self.blocks, grows = (end - start + 1) // 2, False
                continue
            yield found
            start = end + 1
            if grows and len(found) < _GROW_BELOW:
                self.blocks *= 2

    def _ask(self, first: int, last: int) -> Sequence[Log]:
        query = {"address": self._addresses, "fromBlock": hex(first), "toBlock": hex(last)}
        found: Sequence[Log] | None = self._rpc.one("eth_getLogs", query)
        return found or []


def _missing(block: int, error: RefusedError) -> ChainError:
    return ChainError(
        f"The node gives no logs from block {block} on: {error.error}.",
        "It may have pruned them: ask a node that keeps the whole history.",
    )
