"""The contracts' events, decoded once, at the edge, into frozen dataclasses.

One dataclass for each event, its fields as in `contracts/interfaces`, and `at`, where it stands.
Which topic is whose follows from the ABI.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cache
from typing import Any, cast, get_type_hints

from eth_abi.abi import decode as decode_abi
from web3 import Web3
from web3.types import RPCEndpoint, TxReceipt

from gridroam.chain import abi
from gridroam.domain.participants import Limits
from gridroam.domain.reasons import Reason
from gridroam.domain.tariff import Tariff
from gridroam.domain.version import Correction, Version
from gridroam.errors import ChainError


@dataclass(frozen=True, slots=True, order=True)
class LogPosition:
    """Where a log stands. Sorts as the chain does."""

    block: int
    tx_index: int
    log_index: int
    tx_hash: bytes
    block_hash: bytes


@dataclass(frozen=True, slots=True)
class Event:
    """Of a contract, at a place in the chain."""

    at: LogPosition


@dataclass(frozen=True, slots=True)
class ParticipantAdmitted(Event):
    participant: int
    account: str
    roles: int
    market_code: str


@dataclass(frozen=True, slots=True)
class RolesChanged(Event):
    participant: int
    roles: int


@dataclass(frozen=True, slots=True)
class ParticipantSuspended(Event):
    participant: int


@dataclass(frozen=True, slots=True)
class ParticipantReinstated(Event):
    participant: int


@dataclass(frozen=True, slots=True)
class AccountMoved(Event):
    participant: int
    from_: str
    to: str


@dataclass(frozen=True, slots=True)
class LimitsSet(Event):
    limits: Limits


@dataclass(frozen=True, slots=True)
class Paused(Event):
    """No new clearings."""


@dataclass(frozen=True, slots=True)
class Unpaused(Event):
    """New clearings again."""


@dataclass(frozen=True, slots=True)
class DefaultSupplyOffered(Event):
    supplier: int
    operator: int
    offered: bool


@dataclass(frozen=True, slots=True)
class DefaultSupplierSet(Event):
    operator: int
    supplier: int


@dataclass(frozen=True, slots=True)
class MeterRegistered(Event):
    meter: bytes
    grid_operator: int


@dataclass(frozen=True, slots=True)
class MeterKeySet(Event):
    meter: bytes
    curve: int
    x: bytes
    y: bytes
    serial: bytes


@dataclass(frozen=True, slots=True)
class MeterKeyRevoked(Event):
    meter: bytes


@dataclass(frozen=True, slots=True)
class StationRequested(Event):
    station: int
    operator: int
    meter: bytes
    key: str
    max_power: int
    max_feed_in: int
    evse_id: str


@dataclass(frozen=True, slots=True)
class StationApproved(Event):
    station: int
    grid_operator: int


@dataclass(frozen=True, slots=True)
class StationKeyRotated(Event):
    station: int
    key: str
    until: int


@dataclass(frozen=True, slots=True)
class StationKeyRetired(Event):
    station: int
    until: int


@dataclass(frozen=True, slots=True)
class StationKeyRevoked(Event):
    station: int


@dataclass(frozen=True, slots=True)
class StationClosed(Event):
    station: int


@dataclass(frozen=True, slots=True)
class TariffPublished(Event):
    participant: int
    role: int
    version: int
    tariff: Tariff


@dataclass(frozen=True, slots=True)
class VehicleRegistered(Event):
    vehicle: bytes
    supplier: int
    from_: int


@dataclass(frozen=True, slots=True)
class VehicleOffered(Event):
    vehicle: bytes
    from_: int
    to: int
    effective: int


@dataclass(frozen=True, slots=True)
class SupplierChanged(Event):
    vehicle: bytes
    from_: int
    to: int
    effective: int


@dataclass(frozen=True, slots=True)
class VehicleKeySet(Event):
    vehicle: bytes
    key: str
    from_: int


@dataclass(frozen=True, slots=True)
class VehicleKeyRevoked(Event):
    vehicle: bytes


@dataclass(frozen=True, slots=True)
class VehicleKeyCleared(Event):
    vehicle: bytes


@dataclass(frozen=True, slots=True)
class Deposited(Event):
    participant: int
    amount: int


@dataclass(frozen=True, slots=True)
class Withdrawn(Event):
    participant: int
    amount: int


@dataclass(frozen=True, slots=True)
class ClaimOpened(Event):
    payer: int
    payee: int
    amount: int


@dataclass(frozen=True, slots=True)
class Collected(Event):
    payer: int
    payee: int
    amount: int


@dataclass(frozen=True, slots=True)
class SessionCleared(Event):
    station: int
    vehicle: bytes
    supplier: int
    session: int
    time: int
    import_register: int
    export_register: int
    grid_tariff: int
    operator_tariff: int


@dataclass(frozen=True, slots=True)
class ReportSettled(Event):
    station: int
    supplier: int
    session: int
    report: int
    time: int
    import_wh: int
    export_wh: int
    network_charge: int
    service_fee: int
    feed_in: int
    last: bool


@dataclass(frozen=True, slots=True)
class MessageRejected(Event):
    station: int
    reason: Reason
    digest: bytes


@dataclass(frozen=True, slots=True)
class SupplierSwitched(Event):
    station: int
    from_: int
    to: int
    session: int
    time: int
    reserve: int


@dataclass(frozen=True, slots=True)
class SessionSuperseded(Event):
    station: int
    session: int


@dataclass(frozen=True, slots=True)
class SessionExpired(Event):
    station: int
    session: int


@dataclass(frozen=True, slots=True)
class BatchRecorded(Event):
    batch: int
    root: bytes
    count: int


@dataclass(frozen=True, slots=True)
class SessionDisputed(Event):
    station: int
    session: int
    by: int
    reason: int
    evidence: bytes


@dataclass(frozen=True, slots=True)
class CorrectionProposed(Event):
    station: int
    session: int
    by: int
    version: int
    content: bytes
    change: Correction


@dataclass(frozen=True, slots=True)
class CorrectionConsented(Event):
    station: int
    session: int
    by: int
    content: bytes


@dataclass(frozen=True, slots=True)
class SessionCorrected(Event):
    station: int
    session: int
    version: int
    content: bytes
    corrected: Version


@dataclass(frozen=True, slots=True)
class SessionMeterVerified(Event):
    station: int
    session: int
    record: bytes


@dataclass(frozen=True, slots=True)
class ProofRefused(Event):
    proof: int
    reason: bytes


CONTRACTS = ("Ledger", "Registry", "Corrections")
"""Whose events these are."""

Log = Mapping[str, Any]


def kinds() -> list[type[Event]]:
    """Every event that there is."""
    classes = [value for value in globals().values() if isinstance(value, type)]
    return [cls for cls in classes if issubclass(cls, Event) and cls is not Event]


def decode(log: Log) -> Event | None:
    """The event in a log as web3 or the node gives it; `None` for a log of something else."""
    topics = [_bytes(topic) for topic in log["topics"]]
    decoder = _decoders().get(topics[0]) if topics else None
    return decoder(log, topics[1:]) if decoder else None


def of(receipt: TxReceipt) -> list[Event]:
    """What a transaction's contracts said."""
    return [event for log in receipt["logs"] if (event := decode(log)) is not None]


def fetch(w3: Web3, addresses: Iterable[str], from_block: int, to_block: int) -> list[Event]:
    """The events of these contracts in both blocks and between, in the chain's order."""
    logs = _get_logs(w3, list(addresses), from_block, to_block)
    events = [event for log in logs if (event := decode(log)) is not None]
    return sorted(events, key=lambda event: event.at)


def _get_logs(w3: Web3, addresses: list[str], first: int, last: int) -> list[Log]:
    query = {"address": addresses, "fromBlock": hex(first), "toBlock": hex(last)}
    # without web3's formatters, which take longer than all the rest
    response = w3.provider.make_request(RPCEndpoint("eth_getLogs"), [query])
    if "error" not in response:
        return cast("list[Log]", response["result"])
    if first == last:
        raise ChainError(
            f"The node gives no logs of block {first}: {response['error']}.",
            "It may have pruned them: ask a node that keeps the whole history.",
        )
    middle = (first + last) // 2  # nodes limit the range or the number of logs
    left = _get_logs(w3, addresses, first, middle)
    return left + _get_logs(w3, addresses, middle + 1, last)


@cache
def _decoders() -> dict[bytes, Callable[[Log, list[bytes]], Event]]:
    classes = {cls.__name__: cls for cls in kinds()}
    return {
        found.topic: _decoder(found, classes[found.name])
        for contract in CONTRACTS
        for found in abi.events(contract)
        if found.name in classes
    }


def _decoder(event: abi.Event, cls: type[Event]) -> Callable[[Log, list[bytes]], Event]:
    names = [name for name, _ in (*event.indexed, *event.data)]
    hints = get_type_hints(cls)
    read = _reader(event)
    made = [
        (names.index(field.name), abi.converter(hints[field.name])) for field in fields(cls)[1:]
    ]

    def run(log: Log, topics: list[bytes]) -> Event:
        values = read(topics, _bytes(log["data"]))
        return cls(_position(log), *[make(values[i]) for i, make in made])

    return run


def _reader(event: abi.Event) -> Callable[[list[bytes], bytes], Sequence[Any]]:
    """Values in the order of topics and data. Most events are words only, and quickly read."""
    head = [type_ for _, type_ in event.indexed]
    tail = [type_ for _, type_ in event.data]
    words = [abi.word_reader(type_) for type_ in (*head, *tail)]
    if None in words:
        return lambda topics, data: decode_abi(head, b"".join(topics)) + decode_abi(tail, data)
    readers = cast("list[Callable[[bytes], Any]]", words)

    def read(topics: list[bytes], data: bytes) -> list[Any]:
        split = [*topics, *(data[i : i + 32] for i in range(0, len(data), 32))]
        return [read(word) for read, word in zip(readers, split, strict=True)]

    return read


def _position(log: Log) -> LogPosition:
    return LogPosition(
        _int(log["blockNumber"]),
        _int(log["transactionIndex"]),
        _int(log["logIndex"]),
        _bytes(log["transactionHash"]),
        _bytes(log["blockHash"]),
    )


def _bytes(value: str | bytes) -> bytes:
    return bytes.fromhex(value[2:]) if isinstance(value, str) else bytes(value)


def _int(value: str | int) -> int:
    return int(value, 16) if isinstance(value, str) else value
