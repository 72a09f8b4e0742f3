"""A proxy before a node, on loopback, that does what networks and nodes do on bad days."""

import json
import threading
import time
from collections.abc import Callable
from http.client import HTTPConnection, HTTPException
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import urlsplit

Answer = dict[str, Any]


class Faults:
    """Runs while the `with` block does. Set what should go wrong; `heal` ends it all.

    `down`: connections are cut at once. `delay`: seconds before each answer. `cut_answers`: the
    node gets the request, nobody its answer, for as many requests. `status`: instead of an
    answer. `lie`: called with the request; what it returns, unless it is `None`, is the result."""

    def __init__(self, node: str) -> None:
        self._node = urlsplit(node).netloc
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._server.block_on_close = False
        self.asked: list[str] = []
        self.heal()

    def heal(self) -> None:
        self.down = False
        self.delay = 0.0
        self.cut_answers = 0
        self.status = 200
        self.lie: Callable[[Answer], Any] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.down = True
        self._server.shutdown()
        self._server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        faults = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                answer = faults._answer(body)
                if answer is None:
                    self.close_connection = True
                    return
                try:
                    self.send_response(faults.status)
                    self.send_header("Content-Type", "application/json")
                    self.send_header("Content-Length", str(len(answer)))
                    self.end_headers()
                    self.wfile.write(answer)
                except OSError:
                    self.close_connection = True

            def log_message(self, *_: object) -> None:
                pass

        return Handler

    def _answer(self, body: bytes) -> bytes | None:
        request = json.loads(body)
        self.asked.append(request["method"] if isinstance(request, dict) else "batch")
        if self.down:
            return None
        if self.lie is not None and isinstance(request, dict):
            told = self.lie(request)
            if told is not None:
                return json.dumps({"jsonrpc": "2.0", "id": request["id"], **told}).encode()
        answer = self._forward(body)
        time.sleep(self.delay)
        if self.cut_answers > 0:
            self.cut_answers -= 1
            return None
        return answer

    def _forward(self, body: bytes) -> bytes | None:
        try:
            connection = HTTPConnection(self._node, timeout=30)
            connection.request("POST", "/", body, {"Content-Type": "application/json"})
            answer = connection.getresponse().read()
            connection.close()
        except (OSError, HTTPException):
            return None
        return answer
