"""What a verification asks a node: a few words of state, and the logs of one participant."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

from web3.exceptions import Web3Exception

from gridroam.audit.source import Block, NodeSource, open_source
from gridroam.chain import abi, events, records
from gridroam.chain.bulk import Read, read
from gridroam.chain.events import Event
from gridroam.chain.logs import Logs
from gridroam.chain.rpc import Rpc
from gridroam.domain.journal import HEAD_BYTES
from gridroam.domain.participants import Role
from gridroam.domain.tariff import Tariff
from gridroam.errors import ChainError, GridroamError

E = TypeVar("E", bound=Event)
_TOPICS_AT_ONCE = 500


class _Filtered(Logs):
    """Logs with these topics only."""

    topics: Sequence[Any] = ()

    def _ask(self, first: int, last: int) -> Sequence[Mapping[str, Any]]:
        query = {
            "address": self._addresses,
            "topics": self.topics,
            "fromBlock": hex(first),
            "toBlock": hex(last),
        }
        found: Sequence[Mapping[str, Any]] | None = self._rpc.one("eth_getLogs", query)
        return found or []


@dataclass(slots=True)
class Anchors:
    """Of one ledger."""

    source: NodeSource
    rpc_url: str
    _tariffs: dict[tuple[int, int, int], Tariff] = field(default_factory=dict)

    def newest(self) -> Block:
        return self.source.blocks([self.source.newest()])[0]

    def block_before(self, time: int) -> Block:
        """The last block with a smaller time, or the chain's first."""
        low, high = 0, self.source.newest()
        while low < high:
            middle = (low + high + 1) // 2
            if self.source.blocks([middle])[0].time < time:
                low = middle
            else:
                high = middle - 1
        return self.source.blocks([low])[0]

    def account(self, participant: int, block: int) -> tuple[records.Account, records.Journal]:
        """At the end of a block. Raises `ChainError` if the node has forgotten that state."""
        views = [
            Read("accounts", (participant,), records.Account),
            Read("journals", (participant,), records.Journal),
        ]
        ledger = self.source.ledger
        try:
            if not ledger.w3.eth.get_code(ledger.address, block):
                return records.Account(0, 0, 0), records.Journal(bytes(HEAD_BYTES), 0)
            account, journal = read(ledger, views, block)
        except (GridroamError, Web3Exception) as error:
            raise ChainError(
                f"The node does not have the state of block {block} any more: {error}",
                "Ask an archive node, or take a statement up to now.",
            ) from error
        return account, journal

    def roots(self, batches: Iterable[int]) -> dict[int, bytes]:
        numbers = sorted(set(batches))
        views = [Read("batchRoot", (number,)) for number in numbers]
        found = read(self.source.ledger, views, self.source.newest())
        return dict(zip(numbers, found, strict=True))

    def tariffs(
        self, grid: int, grid_version: int, operator: int, operator_version: int
    ) -> tuple[Tariff, Tariff]:
        """Versions never change, so that the newest state will do."""
        return (
            self._tariff(grid, Role.GRID_OPERATOR, grid_version),
            self._tariff(operator, Role.STATION_OPERATOR, operator_version),
        )

    def _tariff(self, participant: int, role: Role, version: int) -> Tariff:
        key = participant, int(role), version
        if key not in self._tariffs:
            try:
                self._tariffs[key] = self.source.ledger.tariff(*key)
            except GridroamError as error:
                what = f"participant {participant} has no tariff {version} as {role.name.lower()}"
                raise ValueError(what) from error
        return self._tariffs[key]

    def times(self, blocks: Iterable[int]) -> dict[int, int]:
        """UTC seconds, of those blocks that there are."""
        newest = self.source.newest()
        numbers = sorted({number for number in blocks if number <= newest})
        return {block.number: block.time for block in self.source.blocks(numbers)}

    def keys(self, stations: Sequence[int]) -> set[tuple[int, str]]:
        """Each station with every key that it has or had on file, as a lower-case address."""
        newest = self.source.newest()
        requested = self.logs(events.StationRequested, 0, newest, station=stations)
        rotated = self.logs(events.StationKeyRotated, 0, newest, station=stations)
        known = {(event.station, event.key.lower()) for event in requested}
        return known | {(event.station, event.key.lower()) for event in rotated}

    def logs(self, kind: type[E], first: int, last: int, **indexed: int | Sequence[int]) -> list[E]:
        """The events of a kind with these values in indexed fields, as the node says."""
        description = _event(kind.__name__)
        ledger = self.source.ledger
        logs = _Filtered(Rpc(self.rpc_url), ledger.addresses)
        found: list[E] = []
        for some in _pieces(indexed):
            logs.topics = [
                "0x" + description.topic.hex(),
                *(_topic(some.get(name)) for name, _ in description.indexed),
            ]
            for part in logs.between(first, last):
                made = (events.decode(log) for log in part)
                found += [event for event in made if isinstance(event, kind)]
        return sorted(found, key=lambda event: event.at)


def open_anchors(rpc_url: str, ledger: str) -> Anchors:
    """Raises `NodeUnreachableError` or `NoContractError`."""
    return Anchors(open_source(rpc_url, ledger, trust_node=True), rpc_url)


def _event(name: str) -> abi.Event:
    known = (event for contract in events.CONTRACTS for event in abi.events(contract))
    return next(event for event in known if event.name == name)


def _pieces(indexed: Mapping[str, int | Sequence[int]]) -> Iterable[dict[str, Sequence[int]]]:
    """A node takes only so many values of a topic at once; at most one field has many."""
    every = {name: [v] if isinstance(v, int) else list(v) for name, v in indexed.items()}
    if not all(every.values()):
        return
    long = next((name for name, values in every.items() if len(values) > 1), None)
    if long is None:
        yield cast("dict[str, Sequence[int]]", every)
        return
    values = every[long]
    for start in range(0, len(values), _TOPICS_AT_ONCE):
        yield {**every, long: values[start : start + _TOPICS_AT_ONCE]}


def _topic(values: Sequence[int] | None) -> list[str] | None:
    return None if values is None else [f"0x{value:064x}" for value in values]
