"""The words that a batch's events must have in the log, so that millions of them are compared as
bytes. Where they are not the same, `batches` says in which field.

`None` is for what this quick way cannot write; then the slow one compares.
"""

import struct
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

from gridroam.audit.entries import RawLog
from gridroam.audit.signatures import Authenticated
from gridroam.chain import abi
from gridroam.domain.batch import word
from gridroam.domain.decision import Cleared, Decision, Part, Rejected, Settled

_FORMATS = {"bytes": "32s", "int": "32s", "uint": "24xQ", "bool": "24xQ"}
"""Of a word: whole, or its lower 64 bits, which is all that most values need."""


def agrees(
    received: Sequence[Authenticated],
    decisions: Sequence[Decision],
    recorded: tuple[int, bytes, int],
    logs: Sequence[RawLog],
) -> bool:
    """Whether the logs are exactly what the decisions must leave; no says nothing yet."""
    return words_of(received, decisions, recorded) == [log.words for log in logs]


def words_of(
    received: Sequence[Authenticated],
    decisions: Sequence[Decision],
    recorded: tuple[int, bytes, int],
) -> list[bytes] | None:
    """Of each log of a batch; `recorded` is its number, root and count."""
    words: list[bytes] = []
    try:
        for one, decision in zip(received, decisions, strict=True):
            if not _add(words, one, decision):
                return None
        words.append(_packer("BatchRecorded")(*recorded))
    except struct.error:  # a value that needs more than 64 bits
        return None
    return words


def _add(words: list[bytes], received: Authenticated, decision: Decision) -> bool:
    message: Any = received.message
    if isinstance(decision, Settled):
        if decision.switched:
            return False
        _settled(words, message, decision.parts[0])
    elif isinstance(decision, Cleared):
        if decision.superseded:
            return False
        words.append(_cleared(message, decision))
    else:
        words.append(_rejected(message, received.digest, decision))
    return True


def _cleared(message: Any, decision: Cleared) -> bytes:
    return _packer("SessionCleared")(
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


def _settled(words: list[bytes], message: Any, part: Part) -> None:
    words.extend(
        _packer("ClaimOpened")(claim.payer, claim.payee, claim.amount) for claim in part.claims
    )
    words.append(
        _packer("ReportSettled")(
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


def _rejected(message: Any, digest: bytes, decision: Rejected) -> bytes:
    station = message.station if message else 0
    return _packer("MessageRejected")(station, decision.reason, digest)


@cache
def _packer(name: str) -> Callable[..., bytes]:
    """Takes the indexed values of an event and then the others, each in the order of the ABI."""
    (event,) = (event for event in abi.events("Ledger") if event.name == name)
    types = [type_.rstrip("0123456789") for _, type_ in (*event.indexed, *event.data)]
    topic, pack = event.topic, struct.Struct(">32s" + "".join(_FORMATS[t] for t in types)).pack
    return lambda *values: pack(topic, *values)
