"""Whether the relay is well, and what has to be asked for to measure it."""

import time

from gridroam.errors import StoreError
from gridroam.relay import metrics
from gridroam.relay.log import log
from gridroam.relay.service import Relay
from gridroam.store.outbox import Counts

_DEVNET = 31337
"""A chain that makes blocks when it likes."""


def examine(relay: Relay) -> dict[str, str]:
    """What it takes to be ready, each `ok` or what is wrong. Asks the database and the node."""
    found = relay.checks()
    if found["node"] == "ok":
        found["head"] = _head(relay)
    if found["database"] == "ok":
        found["queue"] = _queue(relay)
    return found


def _head(relay: Relay) -> str:
    most = relay.settings.max_head_age
    head = relay.condition().head
    if head is None or not most or relay.domain.chain_id == _DEVNET:
        return "ok"
    age = int(time.time()) - head.time
    return "ok" if age <= most else f"The node's latest block is {age} s old."


def _queue(relay: Relay) -> str:
    most = relay.settings.max_queue_age
    age = _oldest(relay.outbox.counts())
    return "ok" if not most or age <= most else f"A message has waited for {int(age)} s."


def _oldest(counts: Counts) -> float:
    """Seconds that the longest waiting message has waited."""
    return 0.0 if counts.oldest is None else max(time.time() - counts.oldest / 1000, 0.0)


def observe_queue(relay: Relay) -> None:
    """Measures how much waits, and for how long."""
    try:
        counts = relay.outbox.counts()
    except StoreError as error:
        log.warning("the queue cannot be measured", problem=error.message)
    else:
        metrics.outbox(counts.stored, counts.sent, _oldest(counts))


def observe_node(relay: Relay) -> None:
    """Measures head and balance. Takes as long as the node does."""
    try:
        condition = relay.condition()
    except StoreError:
        return  # the queue's observer says it
    head = condition.head
    if head is None:
        metrics.node(up=False)
        return
    metrics.node(up=True, head=head.number, age_seconds=max(time.time() - head.time, 0.0))
    if condition.balance is not None:
        metrics.sender_balance(relay.sender, condition.balance)
