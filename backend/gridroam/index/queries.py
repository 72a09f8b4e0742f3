"""Everything that can be asked of the index, typed. One `Snapshot` is one moment: its answers fit
together, and its `head` says of which block they are.

    index = Index.open("index.db")
    with index.snapshot() as now:
        page = now.sessions(Wanted(supplier=1, fed_back=True), limit=50)
"""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy import Connection

from gridroam.domain.participants import Limits, Role
from gridroam.domain.tariff import Tariff
from gridroam.errors import InvalidInputError
from gridroam.index import records, story
from gridroam.index.live import Live
from gridroam.index.records import Page, ProposalState, StationState, Step
from gridroam.store import (
    index_corrections,
    index_money,
    index_parties,
    index_series,
    index_sessions,
)
from gridroam.store.index_engine import IndexStore
from gridroam.store.index_sessions import SORTS, Refused, Wanted

__all__ = ["SORTS", "Index", "Refused", "Snapshot", "Wanted"]

MOST = 1_000
"""Items on a page."""


class Index:
    """A database that a follower fills. Safe to use in several threads."""

    def __init__(self, store: IndexStore) -> None:
        self.store = store
        self.live = Live()
        """Tells of new blocks, if the follower runs in this process."""

    @classmethod
    def open(cls, where: str, *, any_version: bool = False) -> "Index":
        """`where` is a file for SQLite, or a database URL. Raises `StoreError`, also for an index
        that another version wrote; with `any_version` it may be one, to be made anew."""
        return cls(IndexStore.open(where, any_version=any_version))

    @contextmanager
    def snapshot(self) -> Iterator["Snapshot"]:
        with self.store.read() as connection:
            yield Snapshot(connection)

    def close(self) -> None:
        self.store.close()


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Lists come in pages: give `next` of one as `after` for the following; `limit` is 1 to 1,000.
    Periods are UTC seconds: `since` is included, `until` is not."""

    connection: Connection

    def head(self) -> records.Head | None:
        """`None` if nothing is indexed yet."""
        return index_parties.head(self.connection)

    def limits(self) -> Limits | None:
        return index_parties.limits(self.connection)

    # ----------------------------------------------------------------------------------- who is who

    def participants(
        self, role: Role | None = None, *, after: str | None = None, limit: int = MOST
    ) -> Page[records.Participant]:
        """With balance, reserve and claims; by number."""
        return index_parties.participants(self.connection, role, after, _checked(limit))

    def participant(self, number: int) -> records.Participant | None:
        return index_parties.participant(self.connection, number)

    def participant_of(self, account: str) -> records.Participant | None:
        """Whose account an address is."""
        return index_parties.participant_of(self.connection, account)

    def tariffs(self, participant: int, role: Role | None = None) -> list[records.TariffVersion]:
        return index_parties.tariffs(self.connection, participant, role)

    def tariff(self, participant: int, role: Role, version: int) -> Tariff | None:
        return index_parties.tariff(self.connection, participant, role, version)

    def meters(
        self, grid_operator: int | None = None, *, after: str | None = None, limit: int = MOST
    ) -> Page[records.Meter]:
        return index_parties.meters(self.connection, grid_operator, after, _checked(limit))

    def meter(self, meter: bytes) -> records.Meter | None:
        return index_parties.meter(self.connection, meter)

    def stations(
        self,
        *,
        operator: int | None = None,
        grid_operator: int | None = None,
        meter: bytes | None = None,
        state: StationState | None = None,
        text: str = "",
        after: str | None = None,
        limit: int = MOST,
    ) -> Page[records.Station]:
        """By number; `text` is sought in the EVSE id."""
        return index_parties.stations(
            self.connection, operator, grid_operator, meter, state, text, after, _checked(limit)
        )

    def station(self, number: int) -> records.Station | None:
        return index_parties.station(self.connection, number)

    def vehicles(
        self, supplier: int | None = None, *, after: str | None = None, limit: int = MOST
    ) -> Page[records.Vehicle]:
        """By id; of a supplier also those that will be its."""
        return index_parties.vehicles(self.connection, supplier, after, _checked(limit))

    def vehicle(self, vehicle: bytes) -> records.Vehicle | None:
        return index_parties.vehicle(self.connection, vehicle)

    def supplies(self, vehicle: bytes) -> list[records.Supply]:
        """Who supplied it since when, as it was agreed."""
        return index_parties.supplies(self.connection, vehicle)

    # -------------------------------------------------------------------------- sessions, messages

    def sessions(
        self,
        wanted: Wanted | None = None,
        *,
        sort: str = "opened",
        descending: bool = True,
        after: str | None = None,
        limit: int = 100,
    ) -> Page[records.Session]:
        """`sort` is one of `SORTS`. By any but `opened` give a period, not too long."""
        if sort not in SORTS:
            raise InvalidInputError(f"Sessions have no order {sort!r}.", f"One of {list(SORTS)}.")
        return index_sessions.sessions(
            self.connection, wanted or Wanted(), sort, descending, after, _checked(limit)
        )

    def session(self, station: int, session: int) -> records.Session | None:
        return index_sessions.session(self.connection, station, session)

    def story(self, station: int, session: int) -> records.Story | None:
        """Everything about one session."""
        return story.tell(self.connection, station, session)

    def counts(self, wanted: Wanted | None = None) -> records.Counts:
        """How many sessions are so and so. Give a period."""
        return index_sessions.counts(self.connection, wanted or Wanted())

    def rejections(
        self, wanted: Refused | None = None, *, after: str | None = None, limit: int = 100
    ) -> Page[records.Message]:
        """Whatever was not accepted, the newest first."""
        return index_sessions.rejections(
            self.connection, wanted or Refused(), after, _checked(limit)
        )

    def messages(self, digest: bytes) -> list[records.Message]:
        """Every time that a message of this digest came to the ledger."""
        return index_sessions.messages_by(self.connection, digest)

    def messages_after(self, number: int, limit: int = 100) -> list[records.Message]:
        """In the chain's order, from behind the message with this id."""
        return index_sessions.messages_after(self.connection, number, _checked(limit))

    def last_message(self, up_to: int | None = None) -> int:
        """The id of the last one, or of the last one up to a block; 0: there is none."""
        return index_sessions.last_message(self.connection, up_to)

    def is_on_chain(self, block: int, hash_begins: str) -> bool:
        """Whether a block that was told of is still there, by the first hex digits of its hash.
        Of blocks so old that they do not vanish any more, always."""
        return index_parties.is_on_chain(self.connection, block, hash_begins)

    def block_hashes(self) -> dict[int, str]:
        """The first hex digits of the hash of each block that can still vanish."""
        return index_parties.block_hashes(self.connection)

    def last_common(self, before: int) -> tuple[int, str]:
        """The newest block before one that vanished, with the first hex digits of its hash."""
        return index_parties.last_common(self.connection, before)

    def batches(self, *, after: str | None = None, limit: int = 100) -> Page[records.Batch]:
        """The newest first."""
        return index_sessions.batches(self.connection, after, _checked(limit))

    def batch(self, number: int) -> tuple[records.Batch, list[records.Message]] | None:
        """With its messages, in their order."""
        found = index_sessions.batch(self.connection, number)
        return (found, index_sessions.messages_in(self.connection, number)) if found else None

    def acts(
        self,
        *names: str,
        participant: int | None = None,
        after: str | None = None,
        limit: int = 100,
    ) -> Page[records.Act]:
        """Expiries, disputes, corrections and the like, the newest first; of the sessions that a
        participant has or had a part in, or whose correction needs its consent."""
        return index_money.acts(self.connection, names, participant, after, _checked(limit))

    def acts_after(
        self, place: tuple[int, int], names: Collection[str], limit: int = 100
    ) -> list[records.Act]:
        """Those with these names, in the chain's order, from behind a block and log."""
        return index_money.acts_after(self.connection, place, names, _checked(limit))

    def last_act(self, up_to: int | None = None) -> tuple[int, int]:
        """Block and log of the last one, or of the last one up to a block; zeros: there is none."""
        return index_money.last_act(self.connection, up_to)

    def parties(self, station: int, session: int) -> tuple[int, ...]:
        """Everyone who has a part in a session, in any of its versions or proposals."""
        return index_corrections.parties_of(self.connection, station, session)

    def versions(self, station: int, session: int) -> list[records.SessionVersion]:
        """From the first on; none if nobody acted on the session."""
        return index_corrections.versions_of(self.connection, station, session)

    def proposals(
        self,
        *,
        awaiting: int | None = None,
        session: tuple[int, int] | None = None,
        state: ProposalState | None = None,
        after: str | None = None,
        limit: int = 100,
    ) -> Page[records.Proposal]:
        """Corrections that were proposed, the newest first. `awaiting`: the open ones that need
        this participant's consent; `session`: those of station and session."""
        return index_corrections.proposals(
            self.connection, awaiting, session, state, after, _checked(limit)
        )

    # --------------------------------------------------------------------------------------- money

    def pairs(self, participant: int | None = None) -> list[records.Pair]:
        """Everything ever posted between two, in both directions, and the open claims."""
        return index_money.pairs(self.connection, participant)

    def posted(
        self, participant: int | None, since: int, until: int, *, by_day: bool = False
    ) -> list[records.Posted]:
        """What was posted between two, by the UTC days on which the chain did it: both ends of the
        period are the start of a day."""
        return index_money.posted(self.connection, participant, since, until, by_day=by_day)

    def payments(
        self,
        participant: int | None = None,
        *,
        since: int | None = None,
        until: int | None = None,
        after: str | None = None,
        limit: int = 100,
    ) -> Page[records.Payment]:
        """Deposits, withdrawals, collections, corrections; the newest first."""
        return index_money.payments(
            self.connection, participant, since, until, after, _checked(limit)
        )

    def journal(
        self, participant: int, *, after: str | None = None, limit: int = 100
    ) -> Page[records.JournalEntry]:
        """Everything that happened to an account, from its first entry on."""
        return index_money.journal(self.connection, participant, after, _checked(limit))

    # ------------------------------------------------------------------------------- quarter hours

    def series(
        self,
        participant: int,
        role: Role,
        since: int,
        until: int,
        step: Step = Step.SLOT,
        *,
        most: int | None = None,
    ) -> list[records.SlotSum]:
        """A participant's energy and money by quarter hour or UTC day, in one of its roles; the
        first `most` of them."""
        return index_series.series(self.connection, participant, role, since, until, step, most)

    def totals(self, participant: int, role: Role, since: int, until: int) -> records.Totals:
        """The sum of the same."""
        return index_series.totals(self.connection, participant, role, since, until)

    def allocations(
        self,
        since: int,
        until: int,
        *,
        grid_operator: int | None = None,
        supplier: int | None = None,
        step: Step = Step.SLOT,
        most: int | None = None,
    ) -> list[records.Allocation]:
        """Energy by slot, grid operator and supplier; the first `most` rows."""
        return index_series.allocations(
            self.connection, grid_operator, supplier, since, until, step, most
        )


def _checked(limit: int) -> int:
    if not 1 <= limit <= MOST:
        raise InvalidInputError(f"The limit is {limit}.", f"It is 1 to {MOST}.")
    return limit
