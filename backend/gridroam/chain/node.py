"""The connection to a chain: to one node, or to several of which the first that is well is asked.
Keeps HTTP connections alive, for many threads, and says `NodeUnreachableError` for everything that
can go wrong on the way to a node and back."""

import itertools
from typing import Any, cast
from urllib.parse import urlsplit

from web3 import HTTPProvider, Web3
from web3.middleware import ExtraDataToPOAMiddleware
from web3.types import RPCEndpoint, RPCResponse

from gridroam.chain.failover import Failover
from gridroam.chain.wire import Wire, WireError
from gridroam.errors import InvalidInputError, NodeUnreachableError, WrongChainError

_HTTP, _WEBSOCKET = ("http", "https"), ("ws", "wss")


def connect(rpc_url: str, *, timeout: float = 10.0, chain_id: int | None = None) -> Web3:
    """A client of the node at `rpc_url`, which has answered once. Several addresses are separated
    by commas; of these only those of HTTP count here.

    Raises `NodeUnreachableError`, and `WrongChainError` if one is not on `chain_id`.
    """
    nodes = [Node(url, timeout) for url in _addresses(rpc_url)]
    w3 = Web3(nodes[0] if len(nodes) == 1 else Failover(nodes))
    # blocks of consortium chains carry more extra data than the main chain's
    w3.middleware_onion.inject(ExtraDataToPOAMiddleware, layer=0)
    expected = chain_id or w3.eth.chain_id
    for node in nodes:
        node.expect(expected)
        _check_chain(node, expected, only=len(nodes) == 1)
    if isinstance(w3.provider, Failover):
        w3.provider.watch()
    return w3


def websockets_of(rpc_url: str) -> list[str]:
    """The addresses that tell of new blocks."""
    return [url for url in _split(rpc_url) if urlsplit(url).scheme in _WEBSOCKET]


def _addresses(rpc_url: str) -> list[str]:
    several = _split(rpc_url)
    found = [url for url in several if len(several) == 1 or urlsplit(url).scheme not in _WEBSOCKET]
    for url in found or [""]:
        if urlsplit(url).scheme not in _HTTP:
            raise InvalidInputError(
                f"{public(url)} is no RPC address.", "It starts with http:// or https://."
            )
    return found


def _split(rpc_url: str) -> list[str]:
    return [url.strip() for url in rpc_url.split(",")]


def _check_chain(node: "Node", expected: int, *, only: bool) -> None:
    try:
        found = node.chain_id()
    except NodeUnreachableError:
        if only:
            raise
        return  # another one has answered; this one is not asked before it says its chain
    if found != expected:
        raise WrongChainError(
            f"The node at {node.name} is on chain {found}, not on {expected}.",
            "Check the RPC address and the chain id.",
        )


def public(rpc_url: str) -> str:
    """The address without path, query and user, which often hold an access key."""
    parts = urlsplit(rpc_url)
    host = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{host}" if parts.scheme and host else "The given text"


class Node(HTTPProvider):
    """One address. `name` is what may be shown of it."""

    def __init__(self, rpc_url: str, timeout: float) -> None:
        super().__init__(rpc_url, exception_retry_configuration=None)
        self.name = public(rpc_url)
        self._wire = Wire(rpc_url, timeout)
        self._numbers = itertools.count(1)
        self._expected = 0
        self._is_ours = True

    def expect(self, chain_id: int) -> None:
        """Asks it for nothing else before it has said once that it is on this chain."""
        self._expected, self._is_ours = chain_id, False

    def head(self) -> int:
        """The number of the last block that it has."""
        self._check_chain()
        return self._number("eth_blockNumber")

    def chain_id(self) -> int:
        return self._number("eth_chainId")

    def _check_chain(self) -> None:
        if self._is_ours:
            return
        found = self.chain_id()
        if found != self._expected:
            raise self._unreachable(f"is on chain {found}, not on {self._expected}")
        self._is_ours = True

    def _number(self, method: str) -> int:
        result = self._respond(method, []).get("result")
        try:
            return int(cast("str", result), 16)
        except (TypeError, ValueError) as error:
            raise self._unreachable("answers, but is no Ethereum node") from error

    def make_request(self, method: RPCEndpoint, params: Any) -> RPCResponse:
        self._check_chain()
        return self._respond(method, params)

    def _respond(self, method: str, params: Any) -> RPCResponse:
        response = self._ask(self._request(method, params))
        if not isinstance(response, dict) or not {"result", "error"} & set(response):
            raise self._unreachable("answers, but is no Ethereum node")
        return cast("RPCResponse", response)

    def make_batch_request(
        self, batch_requests: list[tuple[RPCEndpoint, Any]]
    ) -> list[RPCResponse] | RPCResponse:
        self._check_chain()
        requests = [self._request(method, params) for method, params in batch_requests]
        responses = self._ask(requests)
        if not isinstance(responses, list):
            return cast("RPCResponse", responses)
        places = {request["id"]: place for place, request in enumerate(requests)}
        return sorted(responses, key=lambda response: places.get(response.get("id"), -1))

    def _request(self, method: str, params: Any) -> dict[str, Any]:
        number = next(self._numbers)
        return {"jsonrpc": "2.0", "id": number, "method": method, "params": params or []}

    def _ask(self, request: Any) -> Any:
        try:
            return self._wire.ask(request)
        except WireError as error:
            raise self._unreachable(error.what) from error

    def _unreachable(self, what: str) -> NodeUnreachableError:
        return NodeUnreachableError(
            f"The node at {self.name} {what}.", "Check that it runs, and its RPC address."
        )
