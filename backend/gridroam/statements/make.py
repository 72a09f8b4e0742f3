"""A statement from an index: opening balance, what happened, closing balance. Streams."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from heapq import merge
from itertools import chain

from gridroam.domain.journal import Journal
from gridroam.errors import InvalidInputError
from gridroam.index.queries import Snapshot
from gridroam.index.records import Kind, PaymentKind, Settlement
from gridroam.statements.corrections import details, versions_of
from gridroam.statements.lines import Balance, Header, Line, LineKind
from gridroam.statements.writing import Writer
from gridroam.store import index_money, index_statements
from gridroam.store.index_statements import Entered, Place, Told

_DAY = 86_400


@dataclass(frozen=True, slots=True)
class Statement:
    """`lines` can be read once: a year of a large supplier does not fit into memory."""

    header: Header
    lines: Iterator[Line]


def statement(now: Snapshot, participant: int, since: int, until: int) -> Statement:
    """Of what the chain booked in the period; it ends early where the index does. `lines` lasts as
    long as the snapshot. Raises `InvalidInputError` if there is no such participant or period."""
    head = now.head()
    if head is None or now.participant(participant) is None:
        raise InvalidInputError(f"The index has no participant {participant}.")
    if since >= min(until, head.block_time + 1):
        raise InvalidInputError("The period is empty, or has not begun.", "Give another.")
    until = min(until, head.block_time + 1)
    maker = _Maker(now, participant, Writer(now.connection))
    opening, closing = maker.state_at(since), maker.state_at(until)
    ends = opening.said(), closing.said()
    header = Header(head.chain_id, head.ledger.lower(), participant, since, until, *ends)
    return Statement(header, maker.lines(header, opening))


@dataclass(slots=True)
class _State:
    """Of the account, as far as the lines are told."""

    balance: int
    journal: Journal

    def said(self) -> Balance:
        return Balance(self.balance, self.journal.count, self.head)

    @property
    def head(self) -> str:
        return "0x" + self.journal.head.hex()

    def take(self, entered: Entered, participant: int) -> tuple[int, int]:
        """Amount, and what of it was not paid."""
        amount, unpaid = amount_of(entered, participant), unpaid_of(entered, participant)
        self.journal.append(entered.entry.hash)
        self.balance += amount + unpaid
        return amount, unpaid

    def on(self, line: Line) -> Line:
        return replace(line, balance=self.balance, head=self.head)


@dataclass(slots=True)
class _Maker:
    now: Snapshot
    participant: int
    writer: Writer

    def state_at(self, time: int) -> _State:
        """Before anything that was booked at `time`."""
        connection, day = self.now.connection, time - time % _DAY
        kept = index_money.account_at(connection, self.participant, day)
        if kept is None:
            raise InvalidInputError(f"The index has no participant {self.participant}.")
        state = _State(kept.balance, Journal(kept.journal_head, kept.journal_count))
        later = index_statements.journal(
            connection, self.participant, kept.journal_count + 1, 1 << 62
        )
        for entered in later if time > day else ():
            if entered.time >= time:
                break
            state.take(entered, self.participant)
        return state

    def lines(self, header: Header, state: _State) -> Iterator[Line]:
        connection, who = self.now.connection, self.participant
        what: Iterator[Told | Entered] = merge(
            index_statements.terms(connection, who, header.since, header.until),
            index_statements.journal(
                connection, who, header.opening.entries + 1, header.closing.entries
            ),
            key=_place,
        )
        first = _end(LineKind.OPENING_BALANCE, header.since, header.opening, state)
        told = (line for one in what for line in self._of(one, state))
        for number, line in enumerate(chain([first], told), 1):
            yield _numbered(line, number, header)
        last = _end(LineKind.CLOSING_BALANCE, header.until, header.closing, state)
        yield _numbered(last, number + 1, header)

    def _of(self, what: Told | Entered, state: _State) -> Iterator[Line]:
        if isinstance(what, Told):
            opening = what.message.kind is Kind.OPENING
            kind = LineKind.CLEARED if opening else LineKind.EXPIRED
            yield state.on(self.writer.term(what, kind))
            return
        payment = what.entry.payment
        if what.told is not None and what.entry.settlement is not None:
            yield from (state.on(line) for line in self.writer.carried(what.told.message))
            line = self.writer.settled(what.told, what.entry.settlement)
        elif payment is not None and payment.kind is PaymentKind.CORRECTION:
            line = self.writer.correction(what)
        else:
            line = self.writer.payment(what)
        amount, unpaid = state.take(what, self.participant)
        line = state.on(replace(line, entry=what.entry.entry, amount=amount, unpaid=unpaid))
        yield line
        if line.kind is LineKind.CORRECTION:
            mine = replace(line, participant=self.participant)
            yield from details(mine, *versions_of(line))


def _end(kind: LineKind, time: int, at: Balance, state: _State) -> Line:
    return state.on(Line(0, kind, entry=at.entries, time=time, booked=time))


def _numbered(line: Line, number: int, header: Header) -> Line:
    return replace(
        line,
        line=number,
        chain_id=header.chain_id,
        ledger=header.ledger,
        participant=header.participant,
    )


def amount_of(entered: Entered, participant: int) -> int:
    """What an entry posts to an account; negative: from it."""
    settled, payment = entered.entry.settlement, entered.entry.payment
    if payment is not None:
        return payment.amount
    return posted(settled, participant) if settled is not None else 0


def posted(settled: Settlement | Line, participant: int) -> int:
    """The three postings, as one of the parties sees them."""
    amount = 0
    if settled.supplier == participant:
        amount += settled.feed_in - settled.network_charge - settled.service_fee
    if settled.grid_operator == participant:
        amount += settled.network_charge - settled.feed_in
    if settled.station_operator == participant:
        amount += settled.service_fee
    return amount


def unpaid_of(entered: Entered, participant: int) -> int:
    if entered.entry.payment is not None:
        return entered.entry.payment.unpaid
    owed = sum(claim.amount for claim in entered.claims if claim.payer == participant)
    return owed - sum(claim.amount for claim in entered.claims if claim.payee == participant)


def _place(what: Told | Entered) -> Place:
    return what.place
