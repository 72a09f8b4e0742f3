"""Server-sent events: what happens on the chain, as it is indexed, resumable after a break.

Messages and acts come in the chain's order, of one block the messages first. The id of an event
names its block and its hash, so that a client that was cut off misses nothing; where the chain went
another way meanwhile, it is told with `reset` from which block on it has to ask again.
"""

import re
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Request
from fastapi.concurrency import run_in_threadpool

from gridroam.api.plain import plain
from gridroam.api.problems import Route
from gridroam.api.service import Queries, of
from gridroam.http import documentation, stream
from gridroam.http.problems import Problem, ProblemError
from gridroam.http.stream import StreamResponse
from gridroam.index.queries import Snapshot
from gridroam.index.records import Act, Kind, Message

router = APIRouter(prefix="/v1/chain", route_class=Route, tags=["events"])

_PULSE_SECONDS = 15.0
_POLL_SECONDS = 1.0
_RETRY_MS = 2_000
_PAGE = 500
_MESSAGES = {Kind.OPENING: "cleared", Kind.REPORT: "settled", Kind.EXPIRY: "expired"}
_ACTS = {
    "SessionSuperseded": "superseded",
    "SupplierSwitched": "switched",
    "SessionDisputed": "disputed",
    "CorrectionProposed": "proposed",
    "CorrectionConsented": "consented",
    "SessionCorrected": "corrected",
    "SessionMeterVerified": "verified",
    "ProofRefused": "proof-refused",
}
"""Not the expiry, which is told as a message."""


_ANSWER: documentation.Responses = {
    200: {
        "description": "Events, until the client or the service ends it.",
        "content": {
            stream.MEDIA_TYPE: {
                "schema": {"type": "string"},
                "example": "id: 41-907.3-907-5be1c04a\nevent: disputed\n"
                'data: {"name":"SessionDisputed","block":907,"log":3,"station":2,"session":1,'
                '"details":{"by":1,"reason":1},"parties":[1,4,6]}\n\n',
            }
        },
    }
}


@dataclass(frozen=True, slots=True)
class Place:
    """Up to where everything was told: the id of the last message, block and log of the last act,
    the block, and the first hex digits of its hash, none where it does not vanish any more."""

    message: int
    act: tuple[int, int]
    block: int
    hash: str

    @classmethod
    def read(cls, text: str) -> "Place":
        """Raises `ProblemError`."""
        found = re.fullmatch(r"(\d{1,18})-(\d{1,18})\.(\d{1,18})-(\d{1,18})-([0-9a-f]{0,8})", text)
        if found is None:
            raise ProblemError(Problem("wrong-cursor", "Last-Event-ID is none of ours."))
        message, block, log, at = map(int, found.groups()[:4])
        return cls(message, (block, log), at, found[5])

    @classmethod
    def end_of(cls, now: Snapshot, block: int, hash_: str) -> "Place":
        return cls(now.last_message(block), now.last_act(block), block, hash_)

    def __str__(self) -> str:
        return f"{self.message}-{self.act[0]}.{self.act[1]}-{self.block}-{self.hash}"

    def behind(self, one: Message | Act, hashes: dict[int, str]) -> "Place":
        here = one.block, hashes.get(one.block, "")
        if isinstance(one, Message):
            return Place(one.id, self.act, *here)
        return Place(self.message, (one.block, one.log), *here)


@router.get(
    "/events",
    responses=_ANSWER,
    response_class=StreamResponse,
    summary="What happens, as it is indexed",
)
async def events(
    request: Request,
    participant: Annotated[
        int | None, Query(ge=1, description="only what it is a party of")
    ] = None,
    last_event_id: Annotated[
        str | None, Header(max_length=80, description="the id of the last event")
    ] = None,
) -> StreamResponse:
    """`cleared`, `settled`, `rejected`, `expired`: a message with its outcome. `disputed`,
    `proposed`, `consented`, `corrected`, `verified` (by the meter), `proof-refused` (a record that
    somebody brought), `superseded`, `switched` (to another supplier): an act as in
    `/v1/chain/acts`, with the `parties` of the session; its `station` and `session` say where the
    rest is, its `details` what the event says. `block`: how far the index is; `reset`: the chain
    went another way, ask again for what came after `block`. Begins now, or behind
    `Last-Event-ID`."""
    queries = of(request)
    place = Place.read(last_event_id) if last_event_id else None
    return StreamResponse(_events(queries, place, participant), queries.streams)


async def _events(
    queries: Queries, place: Place | None, participant: int | None
) -> AsyncIterator[str]:
    at = await run_in_threadpool(_now, queries) if place is None else place
    yield stream.opening(_RETRY_MS) + stream.pulse(str(at))
    quiet = 0.0
    # another process may fill the index, of which `live` does not tell
    async with aclosing(queries.index.live.follow(_POLL_SECONDS)) as news:
        while not queries.stopping.is_set():
            text, at = await run_in_threadpool(_page, queries, at, participant)
            if not text and quiet >= _PULSE_SECONDS:
                text = stream.pulse(str(at))
            if text:
                yield text
                quiet = 0.0
                continue
            await anext(news)
            quiet += _POLL_SECONDS


def _now(queries: Queries) -> Place:
    with queries.snapshot() as (now, head):
        return Place.end_of(now, head.block, head.block_hash.hex()[:8])


def _page(queries: Queries, at: Place, participant: int | None) -> tuple[str, Place]:
    """What came behind a place, as text, and the place behind that."""
    with queries.snapshot() as (now, head):
        if not now.is_on_chain(at.block, at.hash):
            back = now.last_common(at.block)
            place = Place.end_of(now, *back)
            return stream.event("reset", str(place), {"block": back[0]}), place
        here = head.block, head.block_hash.hex()[:8]
        found = _found(now, at)
        if not found and here == (at.block, at.hash):
            return "", at
        parts, hashes = [], now.block_hashes()
        for one in found:
            at = at.behind(one, hashes)
            name, parties, data = _told(now, one)
            if participant is None or participant in parties:
                parts.append(stream.event(name, str(at), data))
        if len(found) < _PAGE:
            at = Place(at.message, at.act, *here)
            data = {"block": head.block, "time": head.block_time, "head": head.head}
            parts.append(stream.event("block", str(at), data))
        return "".join(parts) or stream.pulse(str(at)), at


def _found(now: Snapshot, at: Place) -> list[Message | Act]:
    """The next ones, in order."""
    found: list[Message | Act] = [
        *now.messages_after(at.message, _PAGE),
        *now.acts_after(at.act, _ACTS, _PAGE),
    ]
    return sorted(found, key=_order)[:_PAGE]


def _order(one: Message | Act) -> tuple[int, bool, int]:
    return (one.block, True, one.log) if isinstance(one, Act) else (one.block, False, one.id)


def _told(now: Snapshot, one: Message | Act) -> tuple[str, Sequence[int], dict[str, Any]]:
    """An event's name, whom it concerns, and its data."""
    if isinstance(one, Act):
        parties = now.parties(one.station, one.session)
        return _ACTS[one.name], parties, plain(one) | {"parties": list(parties)}
    name = _MESSAGES[one.kind] if one.accepted else "rejected"
    return name, (one.supplier, one.grid_operator, one.station_operator), plain(one)
