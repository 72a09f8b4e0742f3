"""One message of a batch, with the events that it left."""

from dataclasses import dataclass, field

from gridroam.chain.events import Event
from gridroam.messages import Message


@dataclass(slots=True)
class Received:
    """`message` is `None` for bytes that are none; then `digest` is their keccak256."""

    body: bytes
    digest: bytes
    message: Message | None
    events: list[Event] = field(default_factory=list)
    """In their order; the outcome is the last."""
