"""A node between the audit and the real one: passes JSON-RPC on, and lies or refuses as told."""

import json
import os
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import requests

Lie = Callable[[str, list[Any], Any], Any]
"""From method, parameters and the true result to what is answered."""
Refuse = Callable[[str, list[Any]], dict[str, Any] | None]
"""The error that a request is answered with, if any."""


@dataclass
class Node:
    """How it behaves; may change while it runs."""

    behind: str
    lie: Lie | None = None
    refuse: Refuse | None = None
    batch_limit: int | None = None
    """Requests in a batch; more are refused as a whole. 0: it takes no batches."""
    statuses: list[int] = field(default_factory=list)
    """HTTP statuses of the next answers, instead of any content."""
    asked: Counter[str] = field(default_factory=Counter)
    url: str = ""

    def answer(self, request: Any) -> Any:
        if not isinstance(request, list):
            return self._all([request])[0]
        if self.batch_limit is not None and len(request) > self.batch_limit:
            return {"jsonrpc": "2.0", "id": None, "error": {"code": -32600, "message": "batch"}}
        return self._all(request)[::-1]  # in an order of its own

    def _all(self, requests_: list[dict[str, Any]]) -> list[dict[str, Any]]:
        self.asked.update(one["method"] for one in requests_)
        answers = requests.post(self.behind, json=requests_, timeout=60).json()
        return [self._one(*pair) for pair in zip(requests_, answers, strict=True)]

    def _one(self, request: dict[str, Any], answer: dict[str, Any]) -> dict[str, Any]:
        method, params = request["method"], request["params"]
        if self.refuse and (error := self.refuse(method, params)):
            return {"jsonrpc": "2.0", "id": request["id"], "error": error}
        if self.lie and "result" in answer:
            return answer | {"result": self.lie(method, params, answer["result"])}
        return answer


def die(*_: int) -> None:
    """For another process to do instead of its work."""
    os._exit(9)


@contextmanager
def node_before(url: str, **behaviour: Any) -> Iterator[Node]:
    """On a free port of this machine, as long as the block runs."""
    node = Node(url, **behaviour)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            status = node.statuses.pop(0) if node.statuses else 200
            content = json.dumps(node.answer(request)).encode() if status == 200 else b"later"
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    node.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield node
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
