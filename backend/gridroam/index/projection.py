"""From the chain's entries to rows. One table says which handler makes rows of which event; what
stands in batches goes by its messages (`project_batches`)."""

from collections.abc import Iterable

from gridroam.audit.entries import is_batch
from gridroam.index import (
    project_batches,
    project_corrections,
    project_money,
    project_parties,
    project_sessions,
    project_vehicles,
)
from gridroam.index.desk import Desk, Handlers
from gridroam.index.reading import Entry

HANDLERS: Handlers = {
    **project_parties.HANDLERS,
    **project_vehicles.HANDLERS,
    **project_money.HANDLERS,
    **project_sessions.HANDLERS,
    **project_corrections.HANDLERS,
}


def apply(desk: Desk, entries: Iterable[Entry]) -> None:
    """Raises `ChainError` if what the node says does not fit together."""
    for entry in entries:
        desk.block, desk.time = entry.block, entry.time
        if is_batch(entry.events):
            project_batches.apply(desk, entry.events, entry.calldata)
            continue
        desk.transaction, desk.calldata = entry.events, entry.calldata
        for desk.place, event in enumerate(entry.events):
            handler = HANDLERS.get(type(event))
            if handler is not None:
                handler(desk, event)
