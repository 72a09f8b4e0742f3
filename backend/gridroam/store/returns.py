"""How messages come back to the outbox: with a batch that is given back, or after a rejection that
only followed from what was not on the chain yet, or not any more. In the feed they move to its end.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, bindparam, func, select, update

from gridroam.domain.delivery import Status
from gridroam.domain.reasons import Reason
from gridroam.store.batch import State
from gridroam.store.models import batches, feed, is_in, is_one_of, messages
from gridroam.store.outbox import UNDER_WAY
from gridroam.store.outcome import STORED, Outcome

NO_OUTCOME: dict[str, Any] = {"reason": None, "tx_hash": None, "block": None}
_WAITS: dict[str, Any] = {
    "status": Status.STORED.value,
    "batch": None,
    "position": None,
    **NO_OUTCOME,
}
NO_PLACE: dict[str, Any] = dict.fromkeys(("block", "block_hash", "mined_at", "final_at"))
_NEXT_POSITION = update(feed).values(last=feed.c.last + 1).returning(feed.c.last)

_EARLIER = messages.alias("earlier")
_IN_OTHER_BATCH = _EARLIER.c.batch.is_distinct_from(bindparam("batch"))
_OF_NUMBERS = messages.c.id.in_(bindparam("numbers", expanding=True))
_BEHIND_WHAT_WAITS = (
    select(messages.c.id)
    .join(_EARLIER, (_EARLIER.c.station == messages.c.station) & (_EARLIER.c.id < messages.c.id))
    .where(_OF_NUMBERS, is_in(_EARLIER.c.status, *UNDER_WAY), _IN_OTHER_BATCH)
)
_LAST_BEFORE = (
    select(_EARLIER.c.block)
    .where(
        _EARLIER.c.station == messages.c.station,
        _EARLIER.c.stored_at <= messages.c.stored_at,
        _EARLIER.c.id < messages.c.id,
        _IN_OTHER_BATCH,
    )
    .order_by(_EARLIER.c.stored_at.desc(), _EARLIER.c.id.desc())
    .limit(1)
    .correlate(messages)
    .scalar_subquery()
)
_BEFORE_THEIR_TURN = select(messages.c.id).where(_OF_NUMBERS, bindparam("block") <= _LAST_BEFORE)
_FIRSTS = (
    select(messages.c.station, func.min(messages.c.id))
    .where(is_one_of(messages.c.batch, "numbers"))
    .group_by(messages.c.station)
)
_REJECTED = select(messages.c.id, messages.c.station).where(
    is_one_of(messages.c.station, "stations"),
    messages.c.status == Status.REJECTED.value,
    messages.c.reason.in_([reason for reason in Reason if reason.may_pass_later]),
)


def next_position(connection: Connection) -> int:
    """In the feed of outcomes."""
    found: int = connection.execute(_NEXT_POSITION).scalar_one()
    return found


def reconsider(
    connection: Connection, batch: int, block: int, outcomes: Mapping[int, Outcome]
) -> dict[int, Outcome]:
    """Rejections that may pass later become `STORED` if an earlier message of the station was not
    before them on the chain: it is under way, or came in another batch at the same time or later.
    """
    passing = [i for i, o in outcomes.items() if o.reason is not None and o.reason.may_pass_later]
    if not passing:
        return dict(outcomes)
    of_batch = {"numbers": passing, "batch": batch}
    again = set(connection.execute(_BEHIND_WHAT_WAITS, of_batch).scalars())
    again |= set(connection.execute(_BEFORE_THEIR_TURN, {**of_batch, "block": block}).scalars())
    return {i: STORED if i in again else o for i, o in outcomes.items()}


def leave_batch(connection: Connection, batch: int, numbers: Sequence[int]) -> None:
    """Those that are still in it."""
    mine = update(messages).where(messages.c.id.in_(numbers), messages.c.batch == batch)
    connection.execute(mine.values(batch=None, position=None))


def give_back(connection: Connection, numbers: Sequence[int]) -> None:
    """Batches, however many. What had an outcome shows up in the feed once more."""
    position = next_position(connection)
    revive(connection, numbers, position)
    of_batches = {"numbers": list(numbers)}
    mine = is_one_of(messages.c.batch, "numbers")
    decided = update(messages).where(mine, messages.c.status.not_in(UNDER_WAY))
    connection.execute(decided.values(feed=position, **_WAITS), of_batches)
    connection.execute(update(messages).where(mine).values(_WAITS), of_batches)
    returned = update(batches).where(is_one_of(batches.c.id, "numbers"))
    connection.execute(returned.values(state=State.RETURNED.value, **NO_PLACE), of_batches)


def revive(connection: Connection, numbers: Sequence[int], position: int) -> None:
    """What the ledger rejected because something before it, in these batches, had vanished gets
    another chance."""
    found = connection.execute(_FIRSTS, {"numbers": list(numbers)})
    firsts = {station: number for station, number in found}  # noqa: C416
    rejected = connection.execute(_REJECTED, {"stations": list(firsts)})
    again = [number for number, station in rejected if number > firsts[station]]
    revived = update(messages).where(is_one_of(messages.c.id, "again"))
    connection.execute(revived.values(feed=position, **_WAITS), {"again": again})
