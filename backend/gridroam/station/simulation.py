"""Many stations at once that play their plans against a relay, step by step of some clock."""

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from gridroam.messages import Domain
from gridroam.signatures import Signer
from gridroam.station.kit import Relay, Station
from gridroam.station.planning import Plan
from gridroam.station.replay import Replay, moments
from gridroam.station.tally import Tally

_PATIENCE = 60.0
"""Seconds for what is still queued at the end."""


@dataclass(frozen=True, slots=True)
class Identity:
    """A station's number on the ledger, and what it signs with."""

    number: int
    key: Signer


def play(
    plan: Plan,
    stations: Mapping[str, Identity],
    domain: Domain,
    relay: Relay,
    state: Path,
    *,
    step: int,
    go_to: Callable[[int], None],
) -> Tally:
    """Plays everything in the plan. `go_to` returns when the clock shows a moment, of which there
    is one every `step` seconds while anything happens. What the stations keep goes to `state`."""
    tally = Tally()
    with ExitStack() as stack:
        replays = []
        for name, sessions in plan.sessions.items():
            who, path = stations[name], state / f"{stations[name].number}.jsonl"
            station = Station(who.number, who.key, domain, relay, path, on_decided=tally.add)
            stack.enter_context(station)
            replays.append(Replay(station, sessions, station.registers, max(step, 900)))
        pool = stack.enter_context(ThreadPoolExecutor(max(1, len(replays))))
        every = [session for sessions in plan.sessions.values() for session in sessions]
        for moment in sorted(moments(every, step)):
            go_to(moment)
            list(pool.map(lambda replay, until=moment: replay.advance(until), replays))
        list(pool.map(lambda replay: replay.station.flush(_PATIENCE), replays))
    return tally
