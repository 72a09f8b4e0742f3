"""Reads server-sent events, line by line, and remembers where to go on (WHATWG HTML, 9.2.6)."""

import json
from collections.abc import Iterator
from dataclasses import dataclass

from gridroam.relay.client.answers import Listed, read_listed

SILENCE = 45.0
"""Seconds without a byte after which a stream is dead: the relay says something every 15."""


@dataclass(frozen=True, slots=True)
class Event:
    """Something was decided: `name` is cleared, settled, rejected, refused, or returned (its block
    vanished, it will be decided again). `cursor` is where to go on after it."""

    name: str
    cursor: str
    message: Listed


class EventReader:
    """`cursor` is the last id that was seen, also of events without data; `pause` in seconds what
    the relay asks for between two connections."""

    def __init__(self, cursor: str | None) -> None:
        self.cursor = cursor
        self.pause = 0.0
        self._id = cursor
        self._name = ""
        self._data: list[str] = []

    def take(self, line: str) -> Iterator[Event]:
        """A line without its end; gives the event that it completes."""
        if not line:
            yield from self._dispatch()
            return
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "id" and "\0" not in value:
            self._id = value
        elif name == "event":
            self._name = value
        elif name == "data":
            self._data.append(value)
        elif name == "retry" and value.isdecimal():
            self.pause = int(value) / 1000

    def broken(self) -> None:
        """The connection ended: half an event is none."""
        self._id, self._name, self._data = self.cursor, "", []

    def _dispatch(self) -> Iterator[Event]:
        name, data = self._name, "\n".join(self._data)
        self.cursor, self._name, self._data = self._id, "", []
        if data and self.cursor is not None:
            yield Event(name, self.cursor, read_listed(json.loads(data)))
