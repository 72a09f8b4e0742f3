"""What a check mark says, found out when the page is made: from the chain, never from the index.

For each message of a session: the transaction is asked of the node, the message is read from its
calldata, the signature is recovered and compared with the station's key at that block, and the
ledger's events in the same transaction are compared with what the index says. Who does not trust
the node uses one of their own, or `gridroam audit`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from hexbytes import HexBytes
from web3.exceptions import TransactionNotFound, Web3Exception

from gridroam.chain.bulk import Read, read
from gridroam.chain.calldata import messages_in
from gridroam.chain.events import (
    Event,
    MessageRejected,
    ReportSettled,
    SessionCleared,
    SessionExpired,
    decode,
)
from gridroam.chain.ledger import Ledger
from gridroam.domain.reasons import Reason
from gridroam.domain.vehicle_keys import VehicleKeys
from gridroam.errors import ChainError, GridroamError, MalformedMessageError
from gridroam.evidence.corrections import Corrections, Standing
from gridroam.index.records import Kind, Message, Settlement, Story
from gridroam.messages import OpenSession, Signed, digest, unpack
from gridroam.signatures import recover


class Finding(StrEnum):
    PROVEN = "proven"
    WRONG = "wrong"
    UNKNOWN = "unknown"
    """The node did not say."""


@dataclass(frozen=True, slots=True)
class Check:
    """Of one thing. `code` says which, for words; `detail` what was found instead."""

    code: str
    finding: Finding
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Proof:
    """Of one message."""

    message: Message
    signer: str
    checks: tuple[Check, ...]

    @property
    def finding(self) -> Finding:
        return worst([check.finding for check in self.checks])


def worst(findings: Sequence[Finding]) -> Finding:
    for finding in (Finding.WRONG, Finding.UNKNOWN):
        if finding in findings:
            return finding
    return Finding.PROVEN if findings else Finding.UNKNOWN


def prove(ledger: Ledger, story: Story) -> list[Proof]:
    """Of each message of a session, in the chain's order."""
    settled: dict[int, list[Settlement]] = {}
    for settlement in story.settlements:
        settled.setdefault(settlement.message, []).append(settlement)
    transactions = _Transactions(ledger)
    return [
        _prove(ledger, transactions, message, settled.get(message.id, []), story.session.signed)
        for message in story.messages
    ]


def stands(ledger: Ledger, story: Story, block: int) -> Check | None:
    """Whether the corrections contract has the version in force as the index tells it, with its
    dispute and the meter's word; `None` if nobody acted on the session."""
    session = story.session
    if not (story.versions or session.verified or session.disputed):
        return None
    content = story.versions[-1].draft.content if story.versions else bytes(32)
    try:
        found = Corrections(ledger).standing(session.station, session.session, block)
    except (GridroamError, Web3Exception) as error:
        return Check("standing", Finding.UNKNOWN, str(error))
    told = Standing(content, session.version, session.disputed, session.verified)
    return Check("standing", Finding.PROVEN if found == told else Finding.WRONG)


@dataclass(frozen=True, slots=True)
class _Transaction:
    block: int
    messages: list[bytes]
    """Empty if it was no direct call of the ledger."""
    direct: bool
    events: list[Event]


class _Transactions:
    """Asked of the node, once each."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._known: dict[bytes, _Transaction | None] = {}

    def get(self, tx_hash: bytes) -> _Transaction | None:
        """`None` if the chain has none of this hash. Raises `ChainError`."""
        if tx_hash not in self._known:
            self._known[tx_hash] = self._ask(tx_hash)
        return self._known[tx_hash]

    def _ask(self, tx_hash: bytes) -> _Transaction | None:
        w3 = self._ledger.w3
        try:
            found = w3.eth.get_transaction(HexBytes(tx_hash))
            receipt = w3.eth.get_transaction_receipt(HexBytes(tx_hash))
        except TransactionNotFound:
            return None
        ours = {address.lower() for address in self._ledger.addresses}
        logs = [log for log in receipt["logs"] if log["address"].lower() in ours]
        direct = (found.get("to") or "").lower() == self._ledger.address.lower()
        try:
            messages = messages_in(bytes(found["input"])) if direct else []
        except ValueError:
            messages = []
        events = [event for log in logs if (event := decode(log)) is not None]
        return _Transaction(receipt["blockNumber"], messages, direct, events)


def _prove(
    ledger: Ledger,
    transactions: _Transactions,
    message: Message,
    settled: list[Settlement],
    by_vehicle: bool,
) -> Proof:
    try:
        transaction = transactions.get(message.tx_hash)
        if transaction is None or transaction.block != message.block:
            found = "" if transaction is None else str(transaction.block)
            return Proof(message, "", (Check("transaction", Finding.WRONG, found),))
        checks = [Check("transaction", Finding.PROVEN)]
        if message.kind == Kind.EXPIRY:
            return Proof(message, "", (*checks, _expired(message, transaction)))
        checks.append(_in_calldata(message, transaction))
        signer, signature = _signed(ledger, message)
        checks += [signature, _decided(message, settled, transaction)]
        if by_vehicle and message.kind == Kind.OPENING and message.accepted:
            checks.append(_vehicle_signed(ledger, message))
        return Proof(message, signer, tuple(checks))
    except (ChainError, Web3Exception) as error:
        return Proof(message, "", (Check("node", Finding.UNKNOWN, str(error)),))


def _in_calldata(message: Message, transaction: _Transaction) -> Check:
    if message.body in transaction.messages:
        return Check("calldata", Finding.PROVEN)
    if not transaction.direct:  # through another contract: its input is that contract's affair
        return Check("calldata", Finding.UNKNOWN)
    return Check("calldata", Finding.WRONG)


def _signed(ledger: Ledger, message: Message) -> tuple[str, Check]:
    try:
        signed = unpack(message.body)
    except MalformedMessageError:
        malformed = message.reason == Reason.MALFORMED
        return "", Check("unreadable", Finding.PROVEN if malformed else Finding.WRONG)
    if digest(ledger.domain, signed.message) != message.digest:
        return "", Check("digest", Finding.WRONG)
    if not _says(signed, message):
        return "", Check("content", Finding.WRONG)
    signer = signed.signer(ledger.domain) or ""
    good = bool(signer) and signer in _keys(ledger, message)
    if message.reason == Reason.BAD_SIGNATURE:  # then that is what the check has to find
        return signer, Check("forged", Finding.WRONG if good else Finding.PROVEN, signer)
    if message.reason == Reason.UNKNOWN_STATION:
        return signer, Check("no-key", Finding.WRONG if good else Finding.PROVEN, signer)
    return signer, Check("signature", Finding.PROVEN if good else Finding.WRONG, signer)


def _vehicle_signed(ledger: Ledger, message: Message) -> Check:
    """Whether the vehicle's own key, as the ledger had it at that block, signed the opening."""
    signer = recover(message.digest, unpack(message.body).vehicle_signature)
    view = Read("vehicleKeys", (message.vehicle,), VehicleKeys)
    (keys,) = read(ledger, [view], message.block)
    good = keys.have_signed(signer, message.time)
    return Check("vehicle", Finding.PROVEN if good else Finding.WRONG, signer or "")


def _says(signed: Signed, message: Message) -> bool:
    said = signed.message
    same = (said.station, said.session, said.time) == (
        message.station,
        message.session,
        message.time,
    )
    if isinstance(said, OpenSession):
        return same and said.vehicle == message.vehicle
    return same and said.report == message.report


def _keys(ledger: Ledger, message: Message) -> set[str]:
    """Which keys the station may have signed with, as the registry said at that block."""
    station = ledger.station(message.station, block=message.block)
    former = ledger.former_key(message.station, block=message.block)
    keys = {station.key.lower()}
    if message.time < former.until:
        keys.add(former.key.lower())
    return keys - {"0x" + "0" * 40}


def _decided(message: Message, settled: list[Settlement], transaction: _Transaction) -> Check:
    """Whether the ledger's own events say the same about the message."""
    if not message.accepted:
        rejected = [
            event
            for event in transaction.events
            if isinstance(event, MessageRejected) and event.digest == message.digest
        ]
        found = [event for event in rejected if event.reason == message.reason]
        wrong = ", ".join(event.reason.slug for event in rejected)
        return Check("rejected", Finding.PROVEN if found else Finding.WRONG, wrong)
    if message.kind == Kind.OPENING:
        return _cleared(message, transaction)
    wanted = sorted(_amounts(part) for part in settled)
    got = sorted(
        _event_amounts(event)
        for event in transaction.events
        if isinstance(event, ReportSettled)
        and (event.station, event.session, event.report)
        == (message.station, message.session, message.report)
    )
    return Check("settled", Finding.PROVEN if wanted and wanted == got else Finding.WRONG)


def _cleared(message: Message, transaction: _Transaction) -> Check:
    for event in transaction.events:
        if isinstance(event, SessionCleared) and (event.station, event.session) == (
            message.station,
            message.session,
        ):
            same = (event.vehicle, event.supplier, event.time) == (
                message.vehicle,
                message.supplier,
                message.time,
            )
            return Check("cleared", Finding.PROVEN if same else Finding.WRONG)
    return Check("cleared", Finding.WRONG)


def _expired(message: Message, transaction: _Transaction) -> Check:
    found = any(
        isinstance(event, SessionExpired)
        and (event.station, event.session) == (message.station, message.session)
        for event in transaction.events
    )
    return Check("expired", Finding.PROVEN if found else Finding.WRONG)


def _amounts(part: Settlement) -> tuple[int, ...]:
    return (
        part.supplier,
        part.time,
        part.import_wh,
        part.export_wh,
        part.network_charge,
        part.service_fee,
        part.feed_in,
    )


def _event_amounts(event: ReportSettled) -> tuple[int, ...]:
    return (
        event.supplier,
        event.time,
        event.import_wh,
        event.export_wh,
        event.network_charge,
        event.service_fee,
        event.feed_in,
    )
