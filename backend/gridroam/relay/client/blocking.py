"""The client that blocks. May be shared by threads."""

import time
from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import Any, Self, TypeVar

import httpx

from gridroam.domain.delivery import Status
from gridroam.errors import RelayError
from gridroam.messages import Domain, Signed
from gridroam.relay.client import calls
from gridroam.relay.client.answers import Answer, Listed, RelayStatus
from gridroam.relay.client.calls import Call, Page
from gridroam.relay.client.events import SILENCE, Event, EventReader
from gridroam.relay.client.retries import SOME_RETRIES, Retries, is_passing

T = TypeVar("T")


class RelayClient:
    """Speaks to one relay over kept-alive connections. `timeout` (s) is for an answer that need
    not wait; `key` an API key, where the relay's operator asks for one."""

    def __init__(
        self,
        url: str,
        *,
        timeout: float = 10.0,
        retries: Retries = SOME_RETRIES,
        key: str | None = None,
    ) -> None:
        self.url = url.rstrip("/")
        self._timeout = timeout
        self._retries = retries
        self._http = httpx.Client(
            base_url=self.url,
            timeout=timeout,
            headers=headers(key),
            verify=calls.certificates(self.url),
        )

    def send(
        self, messages: Sequence[Signed], domain: Domain | None = None, wait: float = 0.0
    ) -> list[Answer]:
        """Delivers messages, a station's own in their order. With `wait` (s) the relay answers when
        all are decided, or then. `domain` lets the relay tell a wrong chain from a wrong key.
        Raises only where the request as a whole failed, so that the messages have to be sent
        again."""
        return self._do(calls.send(messages, domain, wait))

    def status(self, digest: bytes, wait: float = 0.0) -> Answer:
        """What became of a message; a problem `unknown-message` if the relay has none."""
        return self._do(calls.message(digest, wait))

    def relay(self) -> RelayStatus:
        """Which chain and ledger the relay serves."""
        return self._do(calls.relay())

    def messages(
        self,
        *,
        station: int | None = None,
        since: int | None = None,
        until: int | None = None,
        statuses: Sequence[Status] = (),
        page: int = 100,
    ) -> Iterator[Listed]:
        """All that the relay has taken, the latest first, page by page as they are asked for.
        Times of arrival are UTC seconds, `since` inclusive and `until` exclusive."""
        cursor: str | None = None
        while True:
            call = calls.messages(
                station=station,
                since=since,
                until=until,
                statuses=statuses,
                page=page,
                cursor=cursor,
            )
            found: Page = self._do(call)
            yield from found.entries
            if (cursor := found.after) is None:
                return

    def outcomes(
        self, after: str = "start", *, station: int | None = None, page: int = 100, wait: float = 0
    ) -> Page:
        """What was decided after a cursor, `start` or `now`, as one page; its `after` is always
        there. With `wait` (s) an empty page is held back until something is decided."""
        return self._do(calls.outcomes(after, station, page, wait))

    def stream(self, after: str = "now", *, station: int | None = None) -> Iterator[Event]:
        """What is decided, as it happens, for ever: comes back with its cursor when the connection
        breaks. Raises for what will not pass, as a wrong cursor. Closing the iterator ends it."""
        reader, failed = EventReader(None), 0
        while True:
            try:
                for event in self._connection(reader, after, station):
                    failed = 0
                    yield event
            except RelayError as error:
                if not is_passing(error):
                    raise
            reader.broken()
            time.sleep(max(self._retries.reconnect(failed), reader.pause))
            failed += 1

    def _connection(self, reader: EventReader, after: str, station: int | None) -> Iterator[Event]:
        resume = {} if reader.cursor is None else {"Last-Event-ID": reader.cursor}
        timeout = httpx.Timeout(self._timeout, read=SILENCE)
        params = calls.stream_params(after, station)
        try:
            with self._http.stream(
                "GET", calls.STREAM, params=params, headers=resume, timeout=timeout
            ) as reply:
                if not reply.is_success:
                    reply.read()
                    raise calls.error_of(reply)
                for line in reply.iter_lines():
                    yield from reader.take(line)
        except httpx.TransportError as error:
            raise calls.unreachable(self.url, error) from error

    def close(self) -> None:
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _do(self, call: Call[T]) -> T:
        tried = 0
        while True:
            tried += 1
            try:
                return call.read(self._ask(call))
            except RelayError as error:
                pause = self._retries.pause(tried, error)
                if pause is None:
                    raise
                time.sleep(pause)

    def _ask(self, call: Call[Any]) -> httpx.Response:
        try:
            return self._http.request(
                call.method,
                call.path,
                params=call.params,
                json=call.body,
                timeout=self._timeout + call.wait,
            )
        except httpx.TransportError as error:
            raise calls.unreachable(self.url, error) from error


def headers(key: str | None) -> dict[str, str]:
    return {} if key is None else {"Authorization": f"Bearer {key}"}
