"""Serves a chain that `bench_chain` wrote, over JSON-RPC, as quickly as Python can: what it answers
is copied from the file."""

import json
import mmap
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

SOME_CODE = "0x00"


class Chain:
    """Safe to use in several threads."""

    def __init__(self, path: Path) -> None:
        with path.open("rb") as file:
            self._blocks = mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ)
        index = json.loads(path.with_suffix(".index").read_text())
        self._places: list[list[int]] = index["places"]
        self._hashes: dict[str, int] = index["hashes"]
        self._calls: dict[str, str] = index["calls"]
        self._simple = {
            "eth_blockNumber": hex(len(self._places) - 1),
            "eth_chainId": hex(index["chain"]),
            "eth_getCode": SOME_CODE,
        }

    def answer(self, request: dict[str, Any]) -> bytes:
        result = self._result(request["method"], request["params"])
        return b'{"jsonrpc":"2.0","id":%d,"result":%s}' % (request["id"], result)

    def _result(self, method: str, params: list[Any]) -> bytes:
        match method:
            case "eth_getBlockByNumber":
                return self._block(int(params[0], 16), whole=params[1])
            case "eth_getBlockByHash":
                return self._block(self._hashes[params[0]], whole=params[1])
            case "eth_getBlockReceipts":
                start, header, transactions, receipts = self._places[int(params[0], 16)]
                start += header + transactions
                return self._blocks[start : start + receipts]
            case "eth_call":
                return json.dumps(self._calls[params[0]["to"].lower() + params[0]["data"]]).encode()
        return json.dumps(self._simple[method]).encode()

    def _block(self, number: int, *, whole: bool) -> bytes:
        start, header, transactions, _ = self._places[number]
        head = self._blocks[start : start + header - 1]
        listed = self._blocks[start + header : start + header + transactions] if whole else b"[]"
        return b'%s,"transactions":%s}' % (head, listed)


def serve(path: Path) -> None:
    chain = Chain(path)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if isinstance(request, list):
                content = b"[%s]" % b",".join(map(chain.answer, request))
            else:
                content = chain.answer(request)
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    print(f"http://127.0.0.1:{server.server_address[1]}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    serve(Path(sys.argv[1]))
