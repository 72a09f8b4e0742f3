"""A chain with any number of sessions on it, in a file that `bench_node` serves: for measuring the
audit at sizes that no local node holds.

It begins as a real chain (anvil, the real contracts, a market registered and funded) and goes on
with blocks made here: signed messages in batches of 100, decided by the rules, with the logs,
receipts, roots, filters and hashes that a node would have for them. State roots are made up, which
nobody reads; views are answered from the derived market.
"""

import argparse
import json
import time
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

from bench_fleet import GROUP, Fleet, fleet
from eth_abi.abi import encode

from gridroam import audit
from gridroam.audit import expected
from gridroam.audit.compare import _State
from gridroam.audit.difference import Findings
from gridroam.audit.replay import Replay
from gridroam.audit.signatures import authenticate
from gridroam.chain import abi, bloom, envelopes, rlp, trie
from gridroam.chain.bulk import Read
from gridroam.chain.header import data, hash_of
from gridroam.chain.ledger import Ledger
from gridroam.chain.rpc import Rpc
from gridroam.domain.hashing import keccak
from gridroam.messages import Signed

STATIONS_PER_BLOCK = GROUP
DEPOSIT_EUR = 100_000_000
_EMPTY_BLOOM = "0x" + "0" * 512


class Recorder:
    """Writes blocks to a file, each a line: its header, transactions and receipts as JSON texts.
    The index, with everything else that is asked for, goes into a second file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = path.open("wb")
        self.places: list[tuple[int, int, int, int]] = []
        self.hashes: dict[str, int] = {}

    def add(self, header: dict[str, Any], transactions: list[Any], receipts: list[Any]) -> None:
        parts = [json.dumps(part).encode() for part in (header, transactions, receipts)]
        start = self._file.tell()
        self.places.append((start, len(parts[0]), len(parts[1]), len(parts[2])))
        self.hashes[header["hash"]] = len(self.places) - 1
        self._file.write(b"".join(parts))

    def close(self, answers: dict[str, Any]) -> None:
        self._file.close()
        index = {"places": self.places, "hashes": self.hashes} | answers
        self.path.with_suffix(".index").write_text(json.dumps(index))


def build(path: Path, sessions: int, stations: int) -> None:
    """So many sessions at so many stations, a multiple of 100 of them."""
    with fleet(stations, int(time.time()), deposit=DEPOSIT_EUR) as running:
        ledger = running.ledger
        source = audit.open_source(running.anvil.url, ledger.address, processes=1)
        corrections, window = ledger.corrections_address, ledger.correction_window()
        replay = Replay(ledger.domain, Findings(), corrections, window)
        for page in source.pages(0, source.newest()):
            for entry in page.entries:
                replay.apply(entry)
        recorder = Recorder(path)
        head = _record(recorder, Rpc(running.anvil.url), source.newest())
        maker = _Maker(running, replay, recorder, head)
        for batch, now in _batches(running, sessions):
            maker.add(batch, now)
        recorder.close(_answers(running.ledger, replay, maker.roots))


def _record(recorder: Recorder, rpc: Rpc, last: int) -> dict[str, Any]:
    """The real chain so far; returns its last header."""
    for number in range(last + 1):
        block = rpc.one("eth_getBlockByNumber", hex(number), True)
        receipts = rpc.one("eth_getBlockReceipts", hex(number)) or []
        transactions = block.pop("transactions")
        recorder.add(block, transactions, receipts)
    return dict(block)


def _batches(running: Fleet, sessions: int) -> Iterator[tuple[list[Signed], int]]:
    """Round after round of one session at every station, each batch with its block's time."""
    groups = [range(n, n + GROUP) for n in range(0, len(running.chargers), GROUP)]
    left = sessions
    while left > 0:
        for group in groups:
            some = running.sessions(group[:left], moving=False)
            left -= len(some)
            if some:
                now = running.chargers[group[0]].clock
                yield [session.opening for session in some], now
                yield [session.report for session in some], now


class _Maker:
    """Puts batches into blocks of their own."""

    def __init__(
        self, running: Fleet, replay: Replay, recorder: Recorder, head: dict[str, Any]
    ) -> None:
        self._ledger = running.ledger
        self._market = replay.market
        self._recorder = recorder
        self._head = head
        self._address = running.ledger.address.lower()
        self._bits = bloom.bits_of(data(self._address))
        self._nonce = 0
        self.roots: dict[int, bytes] = {}

    def add(self, batch: list[Signed], time_: int) -> None:
        now = max(time_, int(self._head["timestamp"], 16) + 1)
        packed = [message.pack() for message in batch]
        transaction = self._transaction(self._ledger.submit_calldata(packed))
        receipt = self._receipt(transaction["hash"], self._logs(packed, now))
        header = self._head | {
            "parentHash": self._head["hash"],
            "number": hex(int(self._head["number"], 16) + 1),
            "timestamp": hex(now),
            "gasUsed": receipt["gasUsed"],
            "logsBloom": receipt["logsBloom"],
            "transactionsRoot": _hex(trie.root_of([envelopes.transaction(transaction)])),
            "receiptsRoot": _hex(trie.root_of([envelopes.receipt(receipt)])),
        }
        header["hash"] = _hex(hash_of(header))
        self._head = header
        self._recorder.add(header, [transaction], [receipt])

    def _logs(self, packed: list[bytes], now: int) -> bytes:
        received = authenticate(self._ledger.domain, packed)
        decisions = [
            self._market.process(one.message, one.digest, one.signer, now, one.vehicle_signer)
            for one in received
        ]
        root = self._market.record_batch([decision.leaf for decision in decisions])
        self.roots[self._market.batch_count] = root
        recorded = self._market.batch_count, root, len(packed)
        logs = expected.logs_of(self._address, received, decisions, recorded)
        assert logs is not None
        return logs

    def _transaction(self, calldata: bytes) -> dict[str, Any]:
        self._nonce += 1
        transaction = {
            "type": "0x2",
            "chainId": hex(self._ledger.domain.chain_id),
            "nonce": hex(self._nonce),
            "maxPriorityFeePerGas": "0x1",
            "maxFeePerGas": "0x2",
            "gas": "0xffffff",
            "to": self._address,
            "value": "0x0",
            "input": _hex(calldata),
            "accessList": [],
            "yParity": "0x0",
            "r": "0x1",
            "s": "0x1",
        }
        return transaction | {"hash": _hex(keccak(envelopes.transaction(transaction)))}

    def _receipt(self, tx_hash: str, logs: bytes) -> dict[str, Any]:
        seen, written = self._bits, []
        for place, (_, topics, text) in enumerate(rlp.items(logs)):
            for topic in topics:
                seen |= bloom.bits_of(topic)
            written.append(
                {
                    "address": self._address,
                    "topics": [_hex(topic) for topic in topics],
                    "data": _hex(text),
                    "logIndex": hex(place),
                    "transactionHash": tx_hash,
                }
            )
        return {
            "type": "0x2",
            "status": "0x1",
            "cumulativeGasUsed": "0xf00000",
            "gasUsed": "0xf00000",
            "logs": written,
            "logsBloom": f"0x{seen:0512x}",
            "transactionHash": tx_hash,
        }


def _answers(ledger: Ledger, replay: Replay, roots: dict[int, bytes]) -> dict[str, Any]:
    """What views return at the end, by address and input."""
    market = replay.market
    reads = [(check.read, check.derived) for check in _State(market).checks()]
    reads += [(Read("batchRoot", (number,)), root) for number, root in roots.items()]
    calls = {}
    addresses = {
        "Ledger": ledger.address,
        "Registry": ledger.registry_address,
        "Corrections": ledger.corrections_address,
    }
    for read, value in reads:
        called = _call(addresses[read.contract], read.contract, read.function, *read.arguments)
        calls[called] = _encoded(read, value)
    others = (
        (ledger.address, "Ledger", "registry", (), ledger.registry_address),
        (ledger.address, "Ledger", "corrections", (), ledger.corrections_address),
        (ledger.address, "Ledger", "vault", (), ledger.vault_address),
        (ledger.corrections_address, "Corrections", "window", (), market.corrections.window),
        (ledger.vault_address, "Vault", "ledger", (), ledger.address),
        (ledger.vault_address, "Vault", "token", (), ledger.token),
        (ledger.token, "TestEuro", "decimals", (), 9),
        (ledger.token, "TestEuro", "balanceOf", (ledger.vault_address,), market.accounts.total),
    )
    for to, contract, function, arguments, value in others:
        found = _hex(encode(abi.functions(contract)[function].outputs, [value]))
        calls[_call(to, contract, function, *arguments)] = found
    return {"chain": ledger.domain.chain_id, "ledger": ledger.address, "calls": calls}


def _call(to: str, contract: str, function: str, *arguments: Any) -> str:
    return to.lower() + _hex(abi.functions(contract)[function].calldata(*arguments))


def _encoded(read: Read, value: Any) -> str:
    outputs = abi.functions(read.contract)[read.function].outputs
    if read.record is not None:
        if not is_dataclass(value):
            raise TypeError(f"{value} for {read}")
        value = tuple(_plain(getattr(value, field.name, 0)) for field in fields(read.record))
    return _hex(encode(outputs, [value]))


def _plain(value: Any) -> Any:
    if is_dataclass(value):
        return tuple(_plain(getattr(value, field.name)) for field in fields(value))
    return value


def _hex(value: bytes) -> str:
    return "0x" + value.hex()


def main() -> None:
    parser = argparse.ArgumentParser(description="Writes a chain for bench_node to serve.")
    parser.add_argument("file", type=Path)
    parser.add_argument("--sessions", type=int, default=10_000)
    parser.add_argument("--stations", type=int, default=1_000)
    options = parser.parse_args()
    build(options.file, options.sessions, options.stations)


if __name__ == "__main__":
    main()
