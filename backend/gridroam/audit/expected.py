"""The logs that a batch must have left, as they are encoded in its receipt, so that millions of
them are compared as bytes. Where they are not the same, `batches` says in which field.

`None` is for what this quick way cannot write; then the slow one compares.
"""

import struct
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

from gridroam.audit.signatures import Authenticated
from gridroam.chain import abi, envelopes
from gridroam.domain.batch import word
from gridroam.domain.decision import Cleared, Decision, Part, Rejected, Settled
from gridroam.domain.units import Address

_Packers = dict[str, Callable[..., bytes]]
_FORMATS = {"bytes": "32s", "int": "32s", "uint": "24xQ", "bool": "24xQ"}
"""Of a word: whole, or its lower 64 bits, which is all that most values need."""
_TOPIC = 0xA0
"""Stands before the 32 bytes of each topic."""
_WORD_DIGITS = 64


def logs_of(
    ledger: Address,
    received: Sequence[Authenticated],
    decisions: Sequence[Decision],
    recorded: tuple[int, bytes, int],
) -> bytes | None:
    """One behind another; `recorded` is the batch's number, root and count."""
    logs: list[bytes] = []
    packers = _packers(ledger)
    try:
        for one, decision in zip(received, decisions, strict=True):
            if not _add(logs, packers, one, decision):
                return None
        logs.append(packers["BatchRecorded"](*recorded))
    except struct.error:  # a value that needs more than 64 bits
        return None
    return b"".join(logs)


def _add(logs: list[bytes], packers: _Packers, received: Authenticated, decision: Decision) -> bool:
    message: Any = received.message
    if isinstance(decision, Settled):
        if decision.switched:
            return False
        _settled(logs, packers, message, decision.parts[0])
    elif isinstance(decision, Cleared):
        if decision.superseded:
            return False
        logs.append(_cleared(packers, message, decision))
    else:
        logs.append(_rejected(packers, message, received.digest, decision))
    return True


def _cleared(packers: _Packers, message: Any, decision: Cleared) -> bytes:
    return packers["SessionCleared"](
        message.station,
        message.vehicle,
        decision.supplier,
        message.session,
        message.time,
        message.import_register,
        message.export_register,
        decision.grid_tariff,
        decision.operator_tariff,
    )


def _settled(logs: list[bytes], packers: _Packers, message: Any, part: Part) -> None:
    logs.extend(
        packers["ClaimOpened"](claim.payer, claim.payee, claim.amount) for claim in part.claims
    )
    logs.append(
        packers["ReportSettled"](
            message.station,
            part.supplier,
            message.session,
            message.report,
            part.time,
            part.import_wh,
            part.export_wh,
            part.network_charge,
            part.service_fee,
            word(part.feed_in),
            part.last,
        )
    )


def _rejected(packers: _Packers, message: Any, digest: bytes, decision: Rejected) -> bytes:
    station = message.station if message else 0
    return packers["MessageRejected"](station, decision.reason, digest)


@cache
def _packers(ledger: Address) -> _Packers:
    """By an event's name; each takes the indexed values and then the others, in the ABI's order."""
    return {event.name: _packer(ledger, event) for event in abi.events("Ledger")}


def _packer(ledger: Address, event: abi.Event) -> Callable[..., bytes]:
    indexed, data = (
        [_FORMATS.get(type_.rstrip("0123456789"), "32s") for _, type_ in values]
        for values in (event.indexed, event.data)
    )
    before, between = (
        bytes.fromhex(head)
        for head in envelopes.log_heads(
            ledger, 1 + len(indexed), len("0x") + _WORD_DIGITS * len(data)
        )
    )
    head = before + bytes([_TOPIC]) + event.topic
    topics = "".join(["B" + format_ for format_ in indexed])
    pack = struct.Struct(f">{len(head)}s{topics}{len(between)}s{''.join(data)}").pack
    match len(indexed):
        case 1:
            return lambda a, *rest: pack(head, _TOPIC, a, between, *rest)
        case 2:
            return lambda a, b, *rest: pack(head, _TOPIC, a, _TOPIC, b, between, *rest)
        case _:
            return lambda a, b, c, *rest: pack(
                head, _TOPIC, a, _TOPIC, b, _TOPIC, c, between, *rest
            )
