"""Messages in pages, outcomes from a cursor on, and as a stream that breaks and goes on."""

import asyncio
import random
import threading
import time
from itertools import islice

import pytest
from databases import Server
from plug import Plug
from serving import http, served, settings

from gridroam.chain.anvil import Anvil
from gridroam.chain.ledger import Ledger
from gridroam.domain.delivery import Status
from gridroam.errors import RelayProblemError
from gridroam.http import cursors
from gridroam.relay.client import AsyncRelayClient, Event, RelayClient

pytestmark = pytest.mark.chain


def sessions(plugs: list[Plug], number: int = 1) -> list:
    return [
        message
        for _ in range(number)
        for plug in plugs
        for message in (plug.opening(), plug.report(), plug.last())
    ]


def settle(relay: RelayClient, plugs: list[Plug], number: int = 1) -> list[bytes]:
    """Digests of what was accepted, in the order of the requests."""
    answers = [a for _ in range(number) for a in relay.send(sessions(plugs), wait=20)]
    assert all(answer.accepted for answer in answers)
    return [answer.digest for answer in answers if answer.digest]


# ---------------------------------------------------------------------------------------- Messages


def test_messages__in_pages_of_any_size__are_all_once_and_latest_first(
    relay: RelayClient, all_plugs: list[Plug]
) -> None:
    sent = settle(relay, all_plugs, 2)
    for size in (1, 5, len(sent), 500):
        found = [one.answer.digest for one in relay.messages(page=size)]
        assert found == sent[::-1], f"pages of {size}"


def test_messages__that_come_meanwhile__do_not_shift_the_pages(
    relay: RelayClient, plug: Plug, other_plug: Plug
) -> None:
    before = settle(relay, [plug])
    pages = relay.messages(page=1)
    first = next(pages)
    settle(relay, [other_plug])
    assert [first, *pages] == list(relay.messages(station=plug.station.number))
    assert len(before) == 3


def test_messages__by_station_status_and_time(
    relay: RelayClient, plug: Plug, other_plug: Plug
) -> None:
    settle(relay, [plug, other_plug])
    number = plug.station.number
    assert {one.station for one in relay.messages(station=number)} == {number}
    openings = list(relay.messages(statuses=[Status.CLEARED]))
    assert len(openings) == 2
    assert all(one.opening and one.report is None for one in openings)
    assert len(list(relay.messages(statuses=[Status.CLEARED, Status.SETTLED]))) == 6
    now = int(time.time())
    assert len(list(relay.messages(since=now - 60, until=now + 60))) == 6
    assert list(relay.messages(since=now + 60)) == list(relay.messages(until=now - 60)) == []


def test_message__says_when_it_came_to_each_step(relay: RelayClient, plug: Plug) -> None:
    answer = relay.send([plug.opening()], wait=10)[0]
    known = relay.status(answer.digest or b"")
    times = known.times
    assert known.step == "final"
    steps = [times.stored or 0, times.sent or 0, times.mined or 0, times.final or 0]
    assert steps == sorted(steps)
    assert abs(steps[0] / 1000 - time.time()) < 60


# ---------------------------------------------------------------------------------------- Outcomes


def test_outcomes__from_cursor_to_cursor__are_all_once_in_the_order_of_the_chain(
    relay: RelayClient, all_plugs: list[Plug]
) -> None:
    sent = settle(relay, all_plugs, 2)
    for size in (1, 5, 500):
        found, after = [], "start"
        while (page := relay.outcomes(after, page=size)).entries:
            found += page.entries
            after = page.after
        assert sorted(one.answer.digest for one in found) == sorted(sent)
        blocks = [one.answer.block for one in found]
        assert blocks == sorted(blocks)


def test_outcomes__of_one_station(relay: RelayClient, plug: Plug, other_plug: Plug) -> None:
    settle(relay, [plug, other_plug])
    page = relay.outcomes(station=plug.station.number)
    assert [one.report for one in page.entries] == [None, 1, 2]
    assert relay.outcomes(page.after, station=plug.station.number).entries == []


def test_outcomes__with_wait__answer_as_soon_as_something_is_decided(
    relay: RelayClient, plug: Plug
) -> None:
    after = relay.outcomes("now").after
    threading.Timer(0.5, lambda: relay.send([plug.opening()])).start()
    start = time.monotonic()
    page = relay.outcomes(after, wait=20)
    assert [one.answer.status for one in page.entries] == [Status.CLEARED]
    assert 0.4 < time.monotonic() - start < 10


def test_outcomes__with_wait__that_bring_nothing__end_with_the_time(
    relay: RelayClient, plug: Plug, other_plug: Plug
) -> None:
    after = relay.outcomes("now").after
    threading.Timer(0.2, lambda: relay.send([plug.opening()])).start()
    page = relay.outcomes(after, station=other_plug.station.number, wait=1.5)
    assert page.entries == []


@pytest.mark.parametrize("after", ["", "nonsense", cursors.encode("messages", 1, 2)])
def test_cursor_of_something_else__is_a_problem(relay_url: str, after: str) -> None:
    if after:
        for path, field in (("outcomes", "after"), ("outcomes/stream", "after")):
            reply = http.get(f"{relay_url}/v1/{path}", params={"after": after})
            assert (reply.status_code, reply.json()["code"]) == (422, "wrong-cursor")
            assert reply.json()["field"] == field
    headers = {"last-event-id": after or "x"}
    reply = http.get(f"{relay_url}/v1/outcomes/stream", headers=headers)
    assert (reply.status_code, reply.json()["field"]) == (422, "Last-Event-ID")


# ------------------------------------------------------------------------------------------ Stream


def test_stream__broken_again_and_again__misses_nothing_and_doubles_nothing(
    relay: RelayClient, relay_url: str, all_plugs: list[Plug]
) -> None:
    """What a stream gave, cut off after any number of bytes, is what the feed has."""
    chance = random.Random(7)
    total = 8 * 3 * len(all_plugs)
    seen: list[Event] = []

    def listen() -> None:
        cursor = "start"
        while missing := total - len(seen):
            with RelayClient(relay_url) as events:
                for event in islice(events.stream(cursor), min(missing, chance.randrange(1, 9))):
                    seen.append(event)
                    cursor = event.cursor

    listener = threading.Thread(target=listen, daemon=True)
    listener.start()
    for _ in range(8):
        settle(relay, all_plugs)
    listener.join(20)
    assert not listener.is_alive()
    everything = relay.outcomes(page=500).entries
    assert [event.message for event in seen] == everything
    assert len({event.cursor for event in seen}) == len(seen) == total
    names = {event.name for event in seen}
    assert names == {"cleared", "settled"}
    assert all(event.name == event.message.answer.status.value for event in seen)


def test_stream__goes_on_at_another_relay_of_the_database(
    anvil: Anvil, ledger: Ledger, all_plugs: list[Plug], postgresql: Server
) -> None:
    database = postgresql.database()
    chosen = settings(anvil, ledger.address, database)
    only_answers = settings(anvil, ledger.address, database, send=False, sender_key=None)
    with served(chosen) as one, served(only_answers) as other:

        def decide() -> None:
            with RelayClient(one) as relay:
                settle(relay, all_plugs[:1])

        with RelayClient(one) as relay:
            settle(relay, all_plugs)
            seen = list(islice(relay.stream("start"), 5))
        with RelayClient(other) as relay:
            rest = relay.stream(seen[-1].cursor)
            seen += islice(rest, 3 * len(all_plugs) - 5)
            # what the one decides now, the other hears of
            threading.Timer(0.3, decide).start()
            seen += islice(rest, 3)
            everything = relay.outcomes(page=500).entries
    assert [event.message for event in seen] == everything


def test_stream__of_one_station__begins_now(
    relay: RelayClient, relay_url: str, plug: Plug, other_plug: Plug
) -> None:
    settle(relay, [plug])
    with RelayClient(relay_url) as other:
        events = other.stream(station=plug.station.number)
        threading.Timer(0.5, lambda: settle(relay, [other_plug, plug])).start()
        found = list(islice(events, 3))
        events.close()
    assert {event.message.station for event in found} == {plug.station.number}
    assert [event.message.session for event in found] == [2, 2, 2]


def test_asynchronous_client__does_the_same(relay_url: str, plug: Plug, relay: RelayClient) -> None:
    async def everything() -> tuple[list, list, list]:
        async with AsyncRelayClient(relay_url) as client:
            answers = await client.send([plug.opening(), plug.report()], wait=10)
            listed = [one async for one in client.messages(page=1)]
            streamed = []
            async for event in client.stream("start"):
                streamed.append(event.message)
                if len(streamed) == 2:
                    break
            assert (await client.relay()) == relay.relay()
            assert (await client.status(answers[0].digest)) == answers[0]
            with pytest.raises(RelayProblemError):
                await client.outcomes("nonsense")
            return answers, listed, streamed

    answers, listed, streamed = asyncio.run(everything())
    assert [one.answer for one in listed] == answers[::-1]
    assert sorted(one.answer.digest for one in streamed) == sorted(a.digest for a in answers)
