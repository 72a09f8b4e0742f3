"""Why a contract or the node refused, by the name of the contract's own error."""

from collections.abc import Iterator
from contextlib import contextmanager

from eth_abi.abi import decode
from eth_abi.exceptions import DecodingError
from web3.exceptions import ContractLogicError, Web3RPCError

from gridroam.chain import abi
from gridroam.errors import ChainError, RevertedError

_BUILT_IN = {
    bytes.fromhex("08c379a0"): ("Error", ("string",)),
    bytes.fromhex("4e487b71"): ("Panic", ("uint256",)),
}

_OUT_OF_GAS = ("out of gas", "outofgas", "oog")  # as nodes and anvil put it


@contextmanager
def translated() -> Iterator[None]:
    """Inside, what web3 raises for a revert or a refusal of the node is a `ChainError`."""
    try:
        yield
    except ContractLogicError as error:
        raise _reverted(error) from error
    except Web3RPCError as error:
        if any(words in str(error.message).lower() for words in _OUT_OF_GAS):
            raise RevertedError("OutOfGas") from error
        raise ChainError(f"The node refused: {error.message}.") from error


def _reverted(error: ContractLogicError) -> RevertedError:
    data = error.data if isinstance(error.data, str) else ""
    name, values = explain(bytes.fromhex(data.removeprefix("0x")))
    if name:
        return RevertedError(name, values)
    return RevertedError("", (), error.message or "The contract refused without a reason.")


def explain(data: bytes) -> tuple[str, tuple[object, ...]]:
    """Name and values of the error in a revert's data; an empty name if it is none of ours."""
    name, types = (_BUILT_IN | abi.errors()).get(data[:4], ("", ()))
    try:
        return name, decode(types, data[4:])
    except DecodingError:
        return "", ()
