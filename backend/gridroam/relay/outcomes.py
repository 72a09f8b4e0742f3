"""What became of messages, read from the chain: by the receipt of our own batch, or, for a message
that somebody (another relay, or we in another life) brought there before, by its events.
"""

import time
from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Any

from web3.types import RPCEndpoint

from gridroam import messages
from gridroam.chain import abi, events
from gridroam.chain.ledger import Ledger
from gridroam.chain.outgoing import Log, Receipt
from gridroam.domain.delivery import Status
from gridroam.domain.reasons import Reason
from gridroam.errors import ChainError, MalformedMessageError, NodeUnreachableError
from gridroam.messages import EnergyReport, Message, OpenSession
from gridroam.relay.log import log
from gridroam.store.claims import Waiting
from gridroam.store.outcome import Outcome

PERHAPS_BEFORE = frozenset(
    {Reason.SESSION_USED, Reason.STATION_BUSY, Reason.REPORT_USED, Reason.SESSION_NOT_OPEN}
)
"""Reasons that the ledger has for a message that it accepted before: while the session was open, or
when it is over or another one is open; and for other messages."""

_GREATEST_SKEW = 3600
_SEARCH_SECONDS = 30.0
_TOPICS = {event.name: "0x" + event.topic.hex() for event in abi.events("Ledger")}
_CLEARED = _TOPICS["SessionCleared"]
_SETTLED = _TOPICS["ReportSettled"]
_REJECTED = _TOPICS["MessageRejected"]
_NUMBERS = 2 + 2 * 64
"""Digits of 0x and the two words that session and report take in the data of `ReportSettled`."""


def number_of(receipt: Receipt, ledger: str) -> int:
    """Of messages that the ledger decided in the transaction."""
    return len(_decisions(receipt, ledger))


def of_receipt(receipt: Receipt, batch: Sequence[Waiting | None], ledger: str) -> list[Outcome]:
    """One outcome for each message, in the order of the batch; `None` is one that is not known.

    The ledger emits one of three events for each, and for a report over a change of supplier one
    more for the part before it; raises `ChainError` if it did not.
    """
    found = _decisions(receipt, ledger)
    if len(found) != len(batch) or not all(map(_belong, found, batch)):
        raise ChainError(
            f"The events of transaction 0x{receipt.tx_hash.hex()} do not fit its batch.",
            "The node gives wrong receipts, or the contract is another one.",
        )
    return [_outcome(log, receipt.tx_hash, receipt.block) for log in found]


def _decisions(receipt: Receipt, ledger: str) -> list[Log]:
    ours = ledger.lower()
    logs = [
        log
        for log in receipt.logs
        if log["address"].lower() == ours and log["topics"][0] in (_CLEARED, _SETTLED, _REJECTED)
    ]
    return [log for log, after in pairwise([*logs, None]) if log and not _is_part(log, after)]


def _is_part(log: Log, after: Log | None) -> bool:
    """Whether the next event tells of the other part of the same report: the one after a change of
    supplier on the road."""
    if after is None or not log["topics"][0] == after["topics"][0] == _SETTLED:
        return False
    same_station = log["topics"][1] == after["topics"][1]
    return bool(same_station and log["data"][:_NUMBERS] == after["data"][:_NUMBERS])


def _belong(log: Log, message: Waiting | None) -> bool:
    if message is None:
        return True
    if log["topics"][0] == _REJECTED:
        return bytes.fromhex(log["data"][2:]) == message.digest
    station = int(log["topics"][1], 16)
    return station == message.station and (log["topics"][0] == _CLEARED) == message.opening


def _outcome(log: Log, tx_hash: bytes, block: int) -> Outcome:
    if log["topics"][0] == _REJECTED:
        return Outcome(Status.REJECTED, Reason(int(log["topics"][2], 16)), tx_hash, block)
    status = Status.CLEARED if log["topics"][0] == _CLEARED else Status.SETTLED
    return Outcome(status, None, tx_hash, block)


class History:
    """Looks for messages in the chain's past. A search costs a few calls of the node."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._time_of = lru_cache(4096)(self._block_time)
        self._failing_since = self._failed = float("-inf")

    def find(self, body: bytes) -> Outcome | None:
        """What the ledger decided about this very message; `None` if it never accepted it, nor
        refused its opening for good. Raises `ChainError` while blocks vanish; where the node fails
        at it for longer, it does not keep what is asked for, and nothing is found."""
        try:
            found = self._find(body)
        except NodeUnreachableError:
            raise
        except ChainError as error:
            if self._fails_for() < _SEARCH_SECONDS:
                raise
            log.warning("the past cannot be searched", problem=error.message)
            return None
        self._failed = float("-inf")
        return found

    def _fails_for(self) -> float:
        """Seconds, with the failure of now: one long ago that nobody tried again says nothing."""
        now = time.monotonic()
        if now - self._failed > _SEARCH_SECONDS:
            self._failing_since = now
        self._failed = now
        return now - self._failing_since

    def _find(self, body: bytes) -> Outcome | None:
        message = messages.unpack(body).message
        if self._ledger.session(message.station).number < message.session:
            return None
        digest = messages.digest(self._ledger.domain, message)
        for entry in self._logs(message):
            event = events.decode(entry)
            if event is not None and _may_be(event, message, digest) and self._has(event, body):
                return _outcome(entry, event.at.tx_hash, event.at.block)
        return None

    def _logs(self, message: Message) -> list[Log]:
        accepted = _CLEARED if isinstance(message, OpenSession) else _SETTLED
        station = "0x" + message.station.to_bytes(32, "big").hex()
        query = {
            "address": self._ledger.address,
            "topics": [[accepted, _REJECTED], station],
            "fromBlock": hex(self._first_block(message.time - _GREATEST_SKEW)),
            "toBlock": "latest",
        }
        logs: list[Log] = self._ask("eth_getLogs", query)
        return logs

    def _first_block(self, moment: int) -> int:
        """The last block before a time: no message is accepted long before its own."""
        head = int(self._ask("eth_blockNumber"), 16)
        first = 0
        for bit in reversed(range(head.bit_length())):  # asks for the same blocks every time
            later = first + (1 << bit)
            if later <= head and self._time_of(later) < moment:
                first = later
        return first

    def _block_time(self, number: int) -> int:
        return int(self._ask("eth_getBlockByNumber", hex(number), False)["timestamp"], 16)

    def _has(self, event: events.Event, body: bytes) -> bool:
        """Events leave out some fields: the transaction's input has the whole message."""
        transaction = self._ask("eth_getTransactionByHash", "0x" + event.at.tx_hash.hex())
        try:
            batch = self._ledger.decode_submit(bytes.fromhex(transaction["input"][2:]))
        except ValueError:
            return False
        message = messages.unpack(body).message
        return any(_message_in(other) == message for other in batch)

    def _ask(self, method: str, *params: Any) -> Any:
        """Raises `ChainError` where the node has nothing: what is asked for was there before."""
        response = self._ledger.w3.provider.make_request(RPCEndpoint(method), list(params))
        if response.get("result") is None:
            raise ChainError(f"The node does not answer {method}: {response.get('error')}.")
        return response["result"]


def _message_in(body: bytes) -> Message | None:
    try:
        return messages.unpack(body).message
    except MalformedMessageError:
        return None


def _may_be(event: events.Event, message: Message, digest: bytes) -> bool:
    if isinstance(event, events.MessageRejected):
        return event.digest == digest and event.reason.decides
    if isinstance(event, events.SessionCleared):
        return event.session == message.session and isinstance(message, OpenSession)
    if isinstance(event, events.ReportSettled) and isinstance(message, EnergyReport):
        return (event.session, event.report) == (message.session, message.report)
    return False
