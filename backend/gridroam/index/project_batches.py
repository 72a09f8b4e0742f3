"""A batch: its messages, read from the transaction's input, each with the events that it left.

Events say what the ledger decided; the messages say what was signed. Both are laid beside each
other here, and the batch's root must follow from them, so that a node which leaves a log out or
changes one is noticed at once.
"""

from collections.abc import Iterator, Sequence

from eth_hash.auto import keccak

from gridroam.chain import events
from gridroam.chain.calldata import messages_in
from gridroam.domain.batch import merkle_root
from gridroam.errors import ChainError, MalformedMessageError
from gridroam.index import project_sessions
from gridroam.index.desk import Desk
from gridroam.index.received import Received
from gridroam.messages import EnergyReport, Message, digest, unpack

OUTCOMES = (events.SessionCleared, events.ReportSettled, events.MessageRejected)


def apply(desk: Desk, found: Sequence[events.Event], calldata: bytes) -> None:
    """One transaction of `submit`. Raises `ChainError` if events and messages do not fit."""
    recorded = found[-1]
    if not isinstance(recorded, events.BatchRecorded):
        raise _unfit(found[0], "the batch's own event is not the last")
    received = [_read(desk, raw) for raw in _messages(calldata, recorded)]
    _assign(received, found[:-1], recorded)
    leaves = [
        project_sessions.apply(desk, one, recorded, position)
        for position, one in enumerate(received)
    ]
    if merkle_root(leaves) != recorded.root or len(leaves) != recorded.count:
        raise _unfit(recorded, "its root does not follow from its messages and events")
    project_sessions.add_batch(desk, recorded)


def _messages(calldata: bytes, recorded: events.Event) -> list[bytes]:
    try:
        return messages_in(calldata)
    except ValueError as error:
        raise _unfit(recorded, str(error)) from error


def _read(desk: Desk, raw: bytes) -> Received:
    try:
        message = unpack(raw).message
    except MalformedMessageError:
        return Received(raw, keccak(raw), None)
    return Received(raw, digest(desk.domain, message), message)


def _assign(
    received: Sequence[Received], found: Sequence[events.Event], recorded: events.Event
) -> None:
    """Each message takes events up to its outcome."""
    rest = iter(found)
    for one in received:
        one.events += _until_outcome(one.message, rest)
        if not one.events or not isinstance(one.events[-1], OUTCOMES):
            raise _unfit(recorded, "a message has no outcome")
    if next(rest, None) is not None:
        raise _unfit(recorded, "it has more events than messages")


def _until_outcome(message: Message | None, rest: Iterator[events.Event]) -> Iterator[events.Event]:
    for event in rest:
        yield event
        if isinstance(event, OUTCOMES) and not _is_first_part(message, event):
            return


def _is_first_part(message: Message | None, event: events.Event) -> bool:
    """Of a report that a change of supplier splits: it ends before the report does."""
    return (
        isinstance(event, events.ReportSettled)
        and isinstance(message, EnergyReport)
        and event.time < message.time
    )


def _unfit(event: events.Event, what: str) -> ChainError:
    return ChainError(
        f"The node's logs of transaction 0x{event.at.tx_hash.hex()} do not fit its messages: "
        f"{what}.",
        "It leaves out logs or changes them: ask another node.",
    )
