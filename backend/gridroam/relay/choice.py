"""Which of the waiting messages go into the next batch, and whether it is time. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from gridroam.relay import gas
from gridroam.store.batches import Waiting

HEAD_START_MS = 2_000
"""An opening goes before reports that came this much earlier: a driver waits for it."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """Of a batch: messages, gas, and milliseconds that its oldest message waits."""

    messages: int
    gas: int
    age_ms: int


@dataclass(frozen=True, slots=True)
class Choice:
    """Messages in the order to be sent. `full`: no other fits."""

    messages: list[Waiting]
    gas: int
    full: bool


def choose(waiting: Sequence[Waiting], bounds: Bounds) -> Choice:
    """The next batch from messages in order of arrival. A station's own keep their order."""
    chosen: list[Waiting] = []
    total = gas.BATCH
    for message in _by_rank(waiting):
        needed = gas.of(message.body, opening=message.opening)
        if len(chosen) == bounds.messages or (chosen and total + needed > bounds.gas):
            return Choice(chosen, total, full=True)
        chosen.append(message)
        total += needed
    return Choice(chosen, total, full=len(chosen) == bounds.messages)


def due_in_ms(choice: Choice, bounds: Bounds, now: int) -> int | None:
    """How long the batch may still wait for company; `None` if there is nothing to send."""
    if not choice.messages:
        return None
    oldest = min(message.stored_at for message in choice.messages)
    return 0 if choice.full else max(0, oldest + bounds.age_ms - now)


def _by_rank(waiting: Sequence[Waiting]) -> list[Waiting]:
    ranks: dict[int, int] = {}
    station_rank: dict[int, int] = {}
    for message in waiting:
        behind = station_rank.get(message.station)
        ahead = HEAD_START_MS if message.opening and behind is None else 0
        rank = message.stored_at - ahead
        ranks[message.id] = station_rank[message.station] = max(
            rank, rank if behind is None else behind
        )
    return sorted(waiting, key=lambda message: (ranks[message.id], message.id))
