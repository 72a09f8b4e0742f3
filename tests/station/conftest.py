"""A relay that answers as it is told and keeps what it was sent."""

from collections import deque

import pytest

from gridroam.domain.delivery import Status
from gridroam.domain.reasons import Reason
from gridroam.errors import RelayUnreachableError
from gridroam.messages import Domain, OpenSession
from gridroam.relay.client import Answer
from gridroam.station.kit import Station

DOMAIN = Domain(31337, "0x" + "11" * 20)
KEY = bytes([7]) * 32


class FakeRelay:
    """Accepts everything, but for what `answers` says first: a reason to reject with, a status to
    stay in, or an error to raise for the whole request."""

    def __init__(self):
        self.answers = deque()
        self.sent = []
        self.is_down = False

    def send(self, messages, domain=None, wait=0.0):
        if self.is_down:
            raise RelayUnreachableError("down")
        if self.answers and isinstance(self.answers[0], Exception):
            raise self.answers.popleft()
        self.sent.append(list(messages))
        return [self._answer(signed.message) for signed in messages]

    def _answer(self, message):
        told = self.answers.popleft() if self.answers else None
        if isinstance(told, Reason):
            decided = Status.REJECTED if told.decides else Status.REFUSED
            return Answer(None, decided, told)
        if isinstance(told, Status):
            return Answer(None, told)
        is_opening = isinstance(message, OpenSession)
        return Answer(None, Status.CLEARED if is_opening else Status.SETTLED)

    @property
    def messages(self):
        return [signed.message for request in self.sent for signed in request]


@pytest.fixture
def relay():
    return FakeRelay()


@pytest.fixture
def new_station(relay, tmp_path):
    """Stations on one state, one after the other, as after a restart."""
    made = []

    def start():
        if made:
            made[-1].shut()
        station = Station(5, KEY, DOMAIN, relay, tmp_path / "station.jsonl")
        made.append(station)
        return station

    yield start
    made[-1].shut()


@pytest.fixture
def station(new_station):
    return new_station()
