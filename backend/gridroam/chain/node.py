"""The connection to a node. Keeps its HTTP connections alive, for many threads, and says
`NodeUnreachableError` for everything that can go wrong on the way to it and back."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from web3 import HTTPProvider, Web3
from web3.middleware import ExtraDataToPOAMiddleware
from web3.types import RPCEndpoint, RPCResponse

from gridroam.errors import InvalidInputError, NodeUnreachableError, WrongChainError


def connect(rpc_url: str, *, timeout: float = 10.0, chain_id: int | None = None) -> Web3:
    """A client of the node at `rpc_url`, which has answered once.

    Raises `NodeUnreachableError`, and `WrongChainError` if it is not on `chain_id`.
    """
    if urlsplit(rpc_url).scheme not in ("http", "https"):
        raise InvalidInputError(
            f"{public(rpc_url)} is no RPC address.", "It starts with http:// or https://."
        )
    w3 = Web3(_Provider(rpc_url, timeout))
    # blocks of consortium chains carry more extra data than the main chain's
    w3.middleware_onion.inject(ExtraDataToPOAMiddleware, layer=0)
    found = w3.eth.chain_id
    if chain_id not in (None, found):
        raise WrongChainError(
            f"The node at {public(rpc_url)} is on chain {found}, not on {chain_id}.",
            "Check the RPC address and the chain id.",
        )
    return w3


def public(rpc_url: str) -> str:
    """The address without path, query and user, which often hold an access key."""
    parts = urlsplit(rpc_url)
    host = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{host}" if parts.scheme and host else "The given text"


class _Provider(HTTPProvider):
    def __init__(self, rpc_url: str, timeout: float) -> None:
        session = requests.Session()
        for scheme in ("http://", "https://"):
            session.mount(scheme, HTTPAdapter(pool_maxsize=64))
        super().__init__(
            rpc_url,
            request_kwargs={"timeout": timeout},
            session=session,
            exception_retry_configuration=None,
        )
        self._public = public(rpc_url)

    def make_request(self, method: RPCEndpoint, params: Any) -> RPCResponse:
        with self._translated():
            response = super().make_request(method, params)
            if not {"result", "error"} & set(response):
                raise ValueError("no answer to a JSON-RPC request")
            return response

    def make_batch_request(
        self, batch_requests: list[tuple[RPCEndpoint, Any]]
    ) -> list[RPCResponse] | RPCResponse:
        with self._translated():
            return super().make_batch_request(batch_requests)

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except requests.HTTPError as error:
            status = error.response.status_code
            raise self._unreachable(f"answered with HTTP status {status}") from error
        except requests.Timeout as error:
            raise self._unreachable("did not answer in time") from error
        except requests.RequestException as error:
            raise self._unreachable("does not answer") from error
        except ValueError as error:
            raise self._unreachable("answers, but is no Ethereum node") from error

    def _unreachable(self, what: str) -> NodeUnreachableError:
        return NodeUnreachableError(
            f"The node at {self._public} {what}.", "Check that it runs, and its RPC address."
        )
