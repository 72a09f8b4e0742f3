"""News of blocks over a websocket, for who would have to ask again and again without it."""

import json
import threading
from collections.abc import Callable

from websockets.exceptions import WebSocketException
from websockets.sync.client import connect
from websockets.sync.connection import Connection

_RETRY_SECONDS = 2.0
_SILENCE_SECONDS = 60.0
_SUBSCRIBE = {"jsonrpc": "2.0", "id": 1, "method": "eth_subscribe", "params": ["newHeads"]}


class Heads:
    """Calls `on_head` from a thread of its own when a node has a new block. What is missed while
    there is no connection, nobody hears of: who listens asks from time to time all the same."""

    def __init__(self, url: str, on_head: Callable[[], None]) -> None:
        self._url = url
        self._on_head = on_head
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="heads", daemon=True)
        self.is_connected = False

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        self._thread.join(5)

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                with connect(self._url, open_timeout=5, close_timeout=1) as socket:
                    self._listen(socket)
            except (OSError, WebSocketException, ValueError):
                pass
            finally:
                self.is_connected = False
            self._stopping.wait(_RETRY_SECONDS)

    def _listen(self, socket: Connection) -> None:
        socket.send(json.dumps(_SUBSCRIBE))
        if "result" not in json.loads(socket.recv(timeout=5)):
            raise ValueError("the node gives no news of blocks")
        self.is_connected = True
        silence = 0.0
        while not self._stopping.is_set() and silence < _SILENCE_SECONDS:
            try:
                socket.recv(timeout=0.2)
            except TimeoutError:
                silence += 0.2
                continue
            silence = 0.0
            self._on_head()
