"""What a handler of an event gets: the rows, and where in the chain it is."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from gridroam.chain.events import Event
from gridroam.domain.journal import Journal
from gridroam.domain.participants import Role
from gridroam.domain.tariff import Tariff
from gridroam.errors import ChainError
from gridroam.messages import Domain
from gridroam.store import index_schema as schema
from gridroam.store.index_writer import Row, Rows


@dataclass(slots=True)
class Desk:
    """`time` is the block's, `messages` the id of the last message so far."""

    domain: Domain
    rows: Rows = field(default_factory=Rows)
    block: int = 0
    time: int = 0
    messages: int = 0
    expired: Any = None
    """The message's row of an expiry whose batch of one comes next."""
    transaction: Sequence[Event] = ()
    calldata: bytes = b""
    """Of the transaction, where its events do not say all."""
    place: int = 0
    """Of the event that is handled, within what its transaction left."""

    def participant(self, number: int) -> Row:
        """To be changed; how its account was before the day's first change is kept."""
        row = self.known(schema.participants, number)
        day = self.time - self.time % _DAY
        if row["day"] < day:
            row["day"] = day
            kept = {name: row[name] for name in _ACCOUNT}
            self.rows.add(
                schema.account_days, participant=number, day=day, block=self.block, **kept
            )
        return row

    def following(self) -> Iterator[Event]:
        """What the same transaction left after the event that is handled."""
        return islice(self.transaction, self.place + 1, None)

    def known(self, table: Any, *key: Any) -> Row:
        """A row that the chain must have told of before."""
        if self.rows.look(table, *key) is None:
            raise ChainError(
                f"The node's logs speak of {table.name} {key}, of which they never told.",
                "It leaves out logs: ask another node, and rebuild the index.",
            )
        return self.rows.change(table, *key)

    def tariff(self, participant: int, role: Role, version: int) -> Tariff:
        row = self.known(schema.tariffs, participant, int(role), version)
        return Tariff(**{name: row[name] for name in Tariff.__dataclass_fields__})

    def act(self, event: Event, station: int, session: int, **details: object) -> None:
        """Something that happened to a session beside messages."""
        at = event.at
        self.rows.add(
            schema.acts,
            block=at.block,
            log=at.log_index,
            name=type(event).__name__,
            time=self.time,
            tx_hash=at.tx_hash,
            station=station,
            session=session,
            details=json.dumps(details, sort_keys=True),
        )

    def record(self, entry: bytes, *participants: int) -> dict[int, int]:
        """Appends to each one's journal, once; gives the entries' numbers by participant."""
        numbers = {}
        for number in dict.fromkeys(participants):
            row = self.participant(number)
            journal = Journal(row["journal_head"], row["journal_count"])
            journal.append(entry)
            row["journal_head"], row["journal_count"] = journal.head, journal.count
            numbers[number] = journal.count
        return numbers


_DAY = 86_400
_ACCOUNT = ("balance", "owed", "journal_head", "journal_count")

Handler = Callable[[Desk, Any], None]
Handlers = dict[type[Event], Handler]
