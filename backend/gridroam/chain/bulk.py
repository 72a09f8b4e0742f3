"""Many requests at once: a JSON-RPC batch takes a node fifty times less than the same one by one.

For those who read a whole chain or a contract's whole state.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

from web3 import HTTPProvider, Web3
from web3.types import RPCEndpoint, RPCResponse

from gridroam.chain import abi
from gridroam.chain.ledger import Ledger
from gridroam.errors import ChainError

AT_ONCE = 100
"""Requests in one batch; nodes limit it."""
_CONTRACTS = ("Registry", "Ledger", "Corrections")


@dataclass(frozen=True, slots=True)
class Read:
    """A view of a contract; `record` is the dataclass of the struct that it returns."""

    function: str
    arguments: tuple[Any, ...] = ()
    record: type[Any] | None = None

    @property
    def contract(self) -> str:
        return next(name for name in _CONTRACTS if self.function in abi.functions(name))


def read(ledger: Ledger, reads: Sequence[Read], block: int) -> list[Any]:
    """What each view returns at the end of a block: a record, or a value."""
    calls = [[_call(ledger, one), hex(block)] for one in reads]
    return [
        _value(one, bytes.fromhex(data[2:]))
        for one, data in zip(reads, ask(ledger.w3, "eth_call", calls), strict=True)
    ]


def ask(w3: Web3, method: str, params: Sequence[list[Any]]) -> list[Any]:
    """The node's results of one method for many parameters, as they come.

    Raises `ChainError` if it refuses one of them.
    """
    results: list[Any] = []
    for start in range(0, len(params), AT_ONCE):
        results += _ask(w3, RPCEndpoint(method), params[start : start + AT_ONCE])
    return results


def _ask(w3: Web3, method: RPCEndpoint, params: Sequence[list[Any]]) -> list[Any]:
    provider = cast("HTTPProvider", w3.provider)
    responses = provider.make_batch_request([(method, some) for some in params])
    if not isinstance(responses, list) or len(responses) != len(params):
        # it takes no batches
        responses = [provider.make_request(method, some) for some in params]
    return [_result(method, response) for response in responses]


def _result(method: str, response: RPCResponse) -> Any:
    if response.get("error") or response.get("result") is None:
        raise ChainError(
            f"The node does not answer {method}: {response.get('error', 'nothing found')}.",
            "Ask a node that keeps the whole history.",
        )
    return response["result"]


def _call(ledger: Ledger, one: Read) -> dict[str, str]:
    registry, book, corrections = (
        ledger.registry_address,
        ledger.address,
        ledger.corrections_address,
    )
    to = {"Registry": registry, "Ledger": book, "Corrections": corrections}[one.contract]
    data = abi.functions(one.contract)[one.function].calldata(*one.arguments)
    return {"to": to, "data": "0x" + data.hex()}


def _value(one: Read, data: bytes) -> Any:
    (value,) = abi.functions(one.contract)[one.function].results(data)
    return abi.build(one.record, cast("Sequence[Any]", value)) if one.record else value
