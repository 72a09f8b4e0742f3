"""What the relays on one PostgreSQL tell each other: that messages were stored, decided, made final
or undone. Only that, no content: who hears it looks into the tables. A sound that is missed costs
a second, because the listener looks once a second in any case.

With SQLite there is nobody else to hear.
"""

import threading
import time
from collections.abc import Callable

import psycopg
from psycopg import sql

from gridroam.errors import StoreError
from gridroam.store.engine import CHANNEL, Store

EVERYTHING = frozenset({"stored", "decided", "final", "undone"})

_LOOK_SECONDS = 1.0
_LISTEN_SECONDS = 0.2
_SILENCE = 0.01
"""Seconds in which many sounds become one."""


class Bell:
    """`hear` gets what was told, from a thread of the bell."""

    def __init__(self, store: Store, hear: Callable[[set[str]], None]) -> None:
        self._store = store
        self._hear = hear
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="bell", daemon=True)

    def start(self) -> None:
        if self._store.is_shared:
            self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        if self._store.is_shared:
            self._thread.join(5)

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                with self._store.connect() as connection:
                    self._listen(connection)
            except (psycopg.Error, StoreError):
                # whoever works with the database says so
                self._stopping.wait(_LOOK_SECONDS)

    def _listen(self, connection: "psycopg.Connection[object]") -> None:
        connection.execute(sql.SQL("LISTEN {}").format(sql.Identifier(CHANNEL)))
        self._hear(set(EVERYTHING))
        looked = time.monotonic()
        while not self._stopping.is_set():
            told = connection.notifies(timeout=_LISTEN_SECONDS, stop_after=1)
            news = {one.payload for one in told}
            if news:
                time.sleep(_SILENCE)
                news |= {one.payload for one in connection.notifies(timeout=0)}
            if time.monotonic() - looked > _LOOK_SECONDS:
                looked = time.monotonic()
                news = set(EVERYTHING)
            if news:
                self._hear(news)
