"""Which of the waiting messages go into the next batch, and whether it is time. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from gridroam.relay import gas
from gridroam.store.claims import Queue, Waiting

_REST = 4
"""One place in so many is not an opening's, so that the oldest messages are never kept waiting."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """Of a batch: messages, gas, and milliseconds that its oldest message waits."""

    messages: int
    gas: int
    age_ms: int


@dataclass(frozen=True, slots=True)
class Choice:
    """Messages in the order to be sent, and the gas that they use at most."""

    messages: list[Waiting]
    gas: int


def choose(waiting: Sequence[Waiting], bounds: Bounds) -> Choice:
    """The next batch from messages in order of arrival. Openings go first, because drivers wait for
    them, where no earlier message of their station waits; a station's own keep their order."""
    chosen: list[Waiting] = []
    total = gas.BATCH
    for message in _ranked(waiting, bounds.messages):
        needed = gas.of(message.body, opening=message.opening)
        if len(chosen) == bounds.messages or (chosen and total + needed > bounds.gas):
            break
        chosen.append(message)
        total += needed
    return Choice(chosen, total)


def due_in_ms(queue: Queue, bounds: Bounds, now: int) -> int | None:
    """How long what waits may still wait for company; `None` if nothing does."""
    if queue.oldest is None:
        return None
    needed = gas.of_many(queue.openings, queue.messages - queue.openings, queue.body_bytes)
    if queue.messages >= bounds.messages or needed >= bounds.gas:
        return 0
    return max(0, queue.oldest + bounds.age_ms - now)


def _ranked(waiting: Sequence[Waiting], places: int) -> Iterator[Waiting]:
    """The openings that may go first, and the others; of what follows, each in its turn."""
    urgent = _urgent(waiting)
    others = [message for message in waiting if message.id not in urgent]
    kept = places // _REST if others else 0
    first = list(urgent.values())
    now, later = first[: places - kept], first[places - kept :]
    yield from now
    yield from sorted((*later, *others), key=lambda message: message.id)


def _urgent(waiting: Sequence[Waiting]) -> dict[int, Waiting]:
    """Openings that are the first of their station, by id."""
    seen: set[int] = set()
    found: dict[int, Waiting] = {}
    for message in waiting:
        if message.opening and message.station not in seen:
            found[message.id] = message
        seen.add(message.station)
    return found
