"""Blocks that a node must have served whole: every header hashed and chained to its parent, and
where our contracts may have logged, every transaction and receipt hashed into the header's roots.

So a node cannot leave out or change a transaction or a log without another block hash. Which blocks
may have our logs says the Bloom filter in the header; only those are read whole. Logs come from the
receipts, never from `eth_getLogs`, which proves nothing.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

from gridroam.chain import bloom, envelopes, limits, trie
from gridroam.chain.header import Header, data, header_of
from gridroam.chain.rpc import RefusedError, Rpc
from gridroam.domain.hashing import keccak
from gridroam.errors import ChainError, FalseAnswerError

_Fields = Mapping[str, Any]
AT_ONCE = 50
"""Blocks that are in memory as the node answered them."""
_DENSE = 0.5
"""Share of blocks with our logs, from which on it is quicker to ask for every block whole."""


class Logs(NamedTuple):
    """Of one transaction, ours only. `places` are their indices in the block, `found` is as the
    node answered, `encoded` as they stand in the receipt, one behind another."""

    places: Sequence[int]
    found: list[_Fields]
    encoded: bytes


class Transaction(NamedTuple):
    """One in which our contracts logged. `place` is its index in the block, `to` a lower-case 0x
    address, or empty if it created a contract; `encoded` is hashed."""

    place: int
    hash: bytes
    to: str
    calldata: bytes
    logs: Logs
    encoded: bytes


class Block(NamedTuple):
    """One in which our contracts logged, and their transactions."""

    header: Header
    transactions: list[Transaction]


class Stretch(NamedTuple):
    """All blocks from one to another, each the parent of the next; `blocks` are those with logs of
    ours."""

    first: Header
    last: Header
    blocks: list[Block]


class Blocks:
    """The blocks of a node, as far as they concern some contracts."""

    def __init__(self, rpc: Rpc, addresses: Iterable[str]) -> None:
        self._rpc = rpc
        self._addresses = frozenset(address.lower() for address in addresses)
        self._wanted = [bloom.bits_of(data(address)) for address in self._addresses]
        self._dense = False
        self._receipts_at_once = True

    def header(self, number: int) -> Header:
        """Raises `FalseAnswerError`, or `ChainError` if there is none."""
        return self._headers([number], whole=False)[0][0]

    def read(self, first: int, last: int, most: int | None = None) -> Stretch:
        """Both included, or fewer blocks if these have `most` logs or more. Raises
        `FalseAnswerError` for whatever does not add up."""
        stretch = self._read(first, min(first + AT_ONCE - 1, last))
        while stretch.last.number < last and (most is None or _count(stretch) < most):
            start = stretch.last.number + 1
            more = self._read(start, min(start + AT_ONCE - 1, last))
            _check_chain([stretch.last, more.first])
            stretch = Stretch(stretch.first, more.last, stretch.blocks + more.blocks)
        return stretch

    # ---------------------------------------------------------------------------------- Internal

    def _read(self, first: int, last: int) -> Stretch:
        """Few enough at once, however much is in them."""
        found = self._headers(range(first, last + 1), whole=self._dense)
        headers = [header for header, _ in found]
        _check_chain(headers)
        matching = [
            (header, block) for header, block in found if bloom.may_have(header.bloom, self._wanted)
        ]
        receipts = self._receipts([block for _, block in matching])
        blocks = self._with_logs(matching, receipts)
        self._dense = len(blocks) > _DENSE * len(headers)
        return Stretch(headers[0], headers[-1], blocks)

    def _headers(self, numbers: Sequence[int], *, whole: bool) -> list[tuple[Header, _Fields]]:
        answers = self._rpc.many([("eth_getBlockByNumber", [hex(n), whole]) for n in numbers])
        return [
            (header_of(_there(answer, n), n), answer)
            for n, answer in zip(numbers, answers, strict=True)
        ]

    def _with_logs(
        self, matching: list[tuple[Header, _Fields]], receipts: list[list[_Fields]]
    ) -> list[Block]:
        ours: list[tuple[Header, _Fields, list[tuple[int, Logs]]]] = []
        for (header, block), found in zip(matching, receipts, strict=True):
            logs = self._logs(found, _check_receipts(header, found))
            if logs:
                ours.append((header, block, logs))
        wholes = self._whole([block for _, block, _ in ours])
        return [
            Block(header, _transactions(header, whole, logs))
            for (header, _, logs), whole in zip(ours, wholes, strict=True)
        ]

    def _whole(self, blocks: list[_Fields]) -> list[_Fields]:
        """With their transactions, not only the hashes of them."""
        if all(block["transactions"] and _is_full(block) for block in blocks):
            return blocks
        calls = [("eth_getBlockByHash", [block["hash"], True]) for block in blocks]
        answers = self._rpc.many(calls)
        numbers = [int(block["number"], 16) for block in blocks]
        return [_there(a, n) for a, n in zip(answers, numbers, strict=True)]

    def _receipts(self, blocks: list[_Fields]) -> list[list[_Fields]]:
        if self._receipts_at_once:
            try:
                calls = [("eth_getBlockReceipts", [block["number"]]) for block in blocks]
                return [found or [] for found in self._rpc.many(calls)]
            except RefusedError as error:
                if error.error.get("code") != limits.METHOD_NOT_FOUND:
                    raise
                self._receipts_at_once = False
        return [self._receipts_singly(block) for block in blocks]

    def _receipts_singly(self, block: _Fields) -> list[_Fields]:
        """For nodes without `eth_getBlockReceipts`."""
        hashes = [tx["hash"] if isinstance(tx, dict) else tx for tx in block["transactions"]]
        found = self._rpc.many([("eth_getTransactionReceipt", [one]) for one in hashes])
        missing = [one for one, receipt in zip(hashes, found, strict=True) if not receipt]
        if missing:
            what = f"it has no receipt of transaction {missing[0]}"
            raise FalseAnswerError(f"block {int(block['number'], 16)}", what)
        return found

    def _logs(self, receipts: list[_Fields], encoded: list[bytes]) -> list[tuple[int, Logs]]:
        """Ours, by the index of their transaction."""
        found: list[tuple[int, Logs]] = []
        start = 0
        for index, (receipt, written) in enumerate(zip(receipts, encoded, strict=True)):
            logs = receipt["logs"]
            places = range(start, start + len(logs))
            start = places.stop
            some = self._ours(Logs(places, logs, written))
            if some.found:
                found.append((index, some))
        return found

    def _ours(self, logs: Logs) -> Logs:
        addresses = {log["address"] for log in logs.found}
        ours = {address for address in addresses if address.lower() in self._addresses}
        if ours == addresses:
            return logs
        some = [place for place, log in zip(*logs[:2], strict=True) if log["address"] in ours]
        found = [log for log in logs.found if log["address"] in ours]
        return Logs(some, found, envelopes.logs(found))


def _there(answer: _Fields | None, number: int) -> _Fields:
    if answer is None:
        raise ChainError(
            f"The node has no block {number}.", "Ask a node that keeps the whole history."
        )
    return answer


def _is_full(block: _Fields) -> bool:
    return all(isinstance(tx, dict) for tx in block["transactions"])


def _count(stretch: Stretch) -> int:
    return sum(len(tx.logs.places) for block in stretch.blocks for tx in block.transactions)


def _check_chain(headers: list[Header]) -> None:
    for before, header in pairwise(headers):
        if header.parent != before.hash:
            what = f"its parent is 0x{header.parent.hex()}, block {before.number} is another one"
            raise FalseAnswerError(f"block {header.number}", what)


def _check_receipts(header: Header, receipts: list[_Fields]) -> list[bytes]:
    """Their logs as they are hashed."""
    try:
        logs = [envelopes.logs(one["logs"]) for one in receipts]
        root = trie.root_of(list(map(envelopes.receipt_with, receipts, logs)))
    except (KeyError, TypeError, ValueError) as error:
        raise _unreadable(header, "receipts", error) from error
    if root != header.receipts_root:
        what = f"its receipts do not hash to the root in its header: {_odd(header, receipts)}"
        raise FalseAnswerError(f"block {header.number}", what)
    return logs


def _odd(header: Header, receipts: list[_Fields]) -> str:
    """Which receipt it may be."""
    others = {one.get("blockHash") for one in receipts} - {"0x" + header.hash.hex()}
    if others:
        return f"they are those of block {others.pop()}"
    for one in receipts:
        seen = (data(item) for log in one["logs"] for item in (log["address"], *log["topics"]))
        if bloom.filter_of(seen) != int(one["logsBloom"], 16):
            return f"the logs of transaction {one['transactionHash']} are not as its filter says"
    return f"one of {len(receipts)} is changed, or one is missing"


def _transactions(
    header: Header, block: _Fields, logs: list[tuple[int, Logs]]
) -> list[Transaction]:
    found = block["transactions"]
    try:
        encoded = [envelopes.transaction(one) for one in found]
    except (KeyError, TypeError, ValueError) as error:
        raise _unreadable(header, "transactions", error) from error
    hashes = [keccak(one) for one in encoded]
    if trie.root_of(encoded) != header.transactions_root:
        what = f"its transactions do not hash to the root in its header: {_changed(found, hashes)}"
        raise FalseAnswerError(f"block {header.number}", what)
    if len(found) <= logs[-1][0]:
        what = f"it has {len(found)} transactions and more receipts"
        raise FalseAnswerError(f"block {header.number}", what)
    return [
        Transaction(index, hashes[index], *_target(found[index]), some, encoded[index])
        for index, some in logs
    ]


def _target(tx: _Fields) -> tuple[str, bytes]:
    return (tx["to"] or "").lower(), data(tx["input"])


def _changed(transactions: list[_Fields], hashes: list[bytes]) -> str:
    for one, hashed in zip(transactions, hashes, strict=True):
        if one["hash"] != "0x" + hashed.hex():
            return f"transaction {one['hash']} is changed"
    return f"one of {len(transactions)} is missing, or another one"


def _unreadable(header: Header, which: str, error: Exception) -> ChainError:
    return ChainError(
        f"The {which} of block {header.number} cannot be checked: {error}.",
        "Where a chain's blocks are not Ethereum's, --trust-node takes the node's word.",
    )
