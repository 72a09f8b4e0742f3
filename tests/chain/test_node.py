"""A node that is not there, is on another chain, or is none."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest

from gridroam.chain.node import connect
from gridroam.errors import InvalidInputError, NodeUnreachableError, WrongChainError


@contextmanager
def website(status: int, body: bytes) -> Iterator[str]:
    """A server that answers everything in the same way."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def test_connect__nobody_listens__says_where():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"

    with pytest.raises(NodeUnreachableError, match=url):
        connect(url)


def test_connect__secret_in_the_address__is_not_repeated():
    with pytest.raises(NodeUnreachableError) as caught:
        connect("http://user:hunter2@127.0.0.1:1/v3/hunter2?key=hunter2")

    assert "hunter2" not in str(caught.value)


def test_connect__does_not_answer_in_time():
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        with pytest.raises(NodeUnreachableError, match="in time"):
            connect(f"http://127.0.0.1:{silent.getsockname()[1]}", timeout=0.2)


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, b"<html>hello</html>"),
        (200, b""),
        (200, b"[]"),
        (200, b'{"status": "ok"}'),
        (401, b"{}"),
        (502, b"bad gateway"),
    ],
)
def test_connect__something_else_answers(status, body):
    with website(status, body) as url, pytest.raises(NodeUnreachableError, match=url):
        connect(url)


@pytest.mark.parametrize("url", ["127.0.0.1:8545", "ws://127.0.0.1:8545", "ftp://x", "", "http"])
def test_connect__no_http_address(url):
    with pytest.raises(InvalidInputError, match="http://"):
        connect(url)


def test_connect__another_chain(anvil):
    with pytest.raises(WrongChainError, match="31337, not on 1"):
        connect(anvil.url, chain_id=1)


def test_connect__the_chain_expected(anvil):
    assert connect(anvil.url, chain_id=31337).eth.chain_id == 31337
