"""The contracts' functions, events and errors as lookup tables, encoded and decoded with eth_abi.

Web3's contract objects do the same for people; these are for millions of logs and messages.
Addresses come out in lower case, as `messages.recover` gives them.
"""

import re
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, fields, is_dataclass
from enum import IntEnum
from functools import cache, partial
from typing import Any, TypeVar, cast, get_args, get_origin, get_type_hints

from eth_abi.abi import decode, encode
from eth_utils.abi import collapse_if_tuple
from eth_utils.crypto import keccak

from gridroam.chain import artifacts

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Function:
    """One function of a contract."""

    name: str
    selector: bytes
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]

    def calldata(self, *arguments: Any) -> bytes:
        return self.selector + encode(self.inputs, arguments)

    def arguments(self, calldata: bytes) -> tuple[Any, ...]:
        return decode(self.inputs, calldata[4:])

    def results(self, data: bytes) -> tuple[Any, ...]:
        return decode(self.outputs, data)


@dataclass(frozen=True, slots=True)
class Event:
    """One event. `names` are in snake case and in the order of the declaration."""

    name: str
    topic: bytes
    names: tuple[str, ...]
    indexed: tuple[tuple[str, str], ...]
    data: tuple[tuple[str, str], ...]


@cache
def functions(contract: str) -> dict[str, Function]:
    """By name. Of an overloaded name only the first."""
    table: dict[str, Function] = {}
    for entry in _entries(contract, "function"):
        inputs, outputs = _types(entry["inputs"]), _types(entry["outputs"])
        function = Function(entry["name"], _hash(entry)[:4], inputs, outputs)
        table.setdefault(entry["name"], function)
    return table


@cache
def events(contract: str) -> tuple[Event, ...]:
    return tuple(_event(entry) for entry in _entries(contract, "event"))


@cache
def errors() -> dict[bytes, tuple[str, tuple[str, ...]]]:
    """Selector -> name and types of every custom error of every contract."""
    return {
        _hash(entry)[:4]: (entry["name"], _types(entry["inputs"]))
        for contract in artifacts.NAMES
        for entry in _entries(contract, "error")
    }


def constructor(contract: str, *arguments: Any) -> bytes:
    """Creation code with the arguments of the constructor."""
    types = [t for e in _entries(contract, "constructor") for t in _types(e["inputs"])]
    return bytes.fromhex(artifacts.bytecode(contract)[2:]) + encode(types, arguments)


def build(cls: type[T], values: Sequence[Any]) -> T:
    """A dataclass from the values of a struct, in its order, nested structs and enums included."""
    return cls(
        *(
            make(value)
            for make, value in zip(_converters(cast("Hashable", cls)), values, strict=True)
        )
    )


@cache
def _converters(cls: type) -> tuple[Callable[[Any], Any], ...]:
    hints = get_type_hints(cls)
    return tuple(converter(hints[field.name]) for field in fields(cls))


def converter(hint: Any) -> Callable[[Any], Any]:
    """From what eth_abi gives to a field of this type."""
    if is_dataclass(hint):
        return lambda values: build(cast("type[Any]", hint), values)
    if isinstance(hint, type) and issubclass(hint, IntEnum):
        return hint
    if get_origin(hint) is tuple and is_dataclass(get_args(hint)[0]):
        make = converter(get_args(hint)[0])
        return lambda values: tuple(map(make, values))
    return _same


def _same(value: Any) -> Any:
    return value


def word_reader(type_: str) -> Callable[[bytes], Any] | None:
    """How a value that fills a word is read; `None` for a type of several words."""
    if type_ == "bool":
        return lambda word: word[31] == 1
    if type_ == "address":
        return lambda word: "0x" + word[12:].hex()
    if type_ == "bytes32":
        return lambda word: word
    if re.fullmatch(r"u?int\d+", type_):
        return partial(int.from_bytes, byteorder="big", signed=type_[0] == "i")
    return None


def snake(name: str) -> str:
    """`importWh` -> `import_wh`; a word that Python keeps for itself gets a `_` behind it."""
    word = re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()
    return word + "_" if word == "from" else word


def _entries(contract: str, kind: str) -> list[dict[str, Any]]:
    return [entry for entry in artifacts.abi(contract) if entry["type"] == kind]


def _event(entry: dict[str, Any]) -> Event:
    parameters = [(snake(p["name"]), collapse_if_tuple(p), p["indexed"]) for p in entry["inputs"]]
    return Event(
        entry["name"],
        _hash(entry),
        tuple(name for name, _, _ in parameters),
        tuple((name, type_) for name, type_, indexed in parameters if indexed),
        tuple((name, type_) for name, type_, indexed in parameters if not indexed),
    )


def _types(parameters: list[Any]) -> tuple[str, ...]:
    return tuple(collapse_if_tuple(parameter) for parameter in parameters)


def _hash(entry: dict[str, Any]) -> bytes:
    return keccak(text=f"{entry['name']}({','.join(_types(entry['inputs']))})")
