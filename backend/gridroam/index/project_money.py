"""Rows of money: accounts, pairs, claims, and journal entries that no report left."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from gridroam.chain import events
from gridroam.domain.journal import collection_entry, deposit_entry, withdrawal_entry
from gridroam.index.desk import Desk, Handlers
from gridroam.index.records import PaymentKind
from gridroam.store import index_schema as schema

_DAY = 86_400


@dataclass(frozen=True, slots=True)
class Posting:
    """`claim` is what of it the payer could not cover."""

    payer: int
    payee: int
    amount: int
    claim: int = 0
    import_wh: int = 0
    export_wh: int = 0


def post(desk: Desk, posting: Posting) -> None:
    """As the ledger does; a posting with neither amount nor energy leaves no trace."""
    if not (posting.amount or posting.import_wh or posting.export_wh):
        return
    pair = desk.rows.change(schema.pairs, posting.payer, posting.payee)
    pair["amount"] += posting.amount
    pair["claim"] += posting.claim
    pair["import_wh"] += posting.import_wh
    pair["export_wh"] += posting.export_wh
    desk.rows.sum(
        schema.pair_days,
        posting.payer,
        posting.payee,
        desk.time - desk.time % _DAY,
        amount=posting.amount,
        import_wh=posting.import_wh,
        export_wh=posting.export_wh,
        postings=1,
    )
    if posting.payer == posting.payee:
        return
    paid = posting.amount - posting.claim
    payer, payee = desk.participant(posting.payer), desk.participant(posting.payee)
    payer["balance"] -= paid
    payer["owed"] += posting.claim
    payee["balance"] += paid


def move_energy(desk: Desk, payer: int, payee: int, import_wh: int, export_wh: int) -> None:
    """Behind the postings between two, without one: more, or less."""
    if not (import_wh or export_wh):
        return
    pair = desk.rows.change(schema.pairs, payer, payee)
    pair["import_wh"] += import_wh
    pair["export_wh"] += export_wh
    day = desk.time - desk.time % _DAY
    energy = {"import_wh": import_wh, "export_wh": export_wh}
    desk.rows.sum(schema.pair_days, payer, payee, day, **energy)


def reserve(desk: Desk, participant: int, amount: int) -> None:
    """Holds so much more back; negative: lets it go."""
    desk.participant(participant)["reserved"] += amount


def pay(  # noqa: PLR0917
    desk: Desk,
    event: events.Event,
    kind: PaymentKind,
    entry: bytes,
    amounts: Mapping[int, int],
    others: Mapping[int, int],
    unpaid: Mapping[int, int] = MappingProxyType({}),
    **more: int,
) -> None:
    """An entry in the journal of each participant in `amounts`."""
    for participant, number in desk.record(entry, *amounts).items():
        desk.rows.add(
            schema.payments,
            participant=participant,
            entry=number,
            kind=int(kind),
            amount=amounts[participant],
            unpaid=unpaid.get(participant, 0),
            other=others.get(participant, 0),
            hash=entry,
            block=event.at.block,
            time=desk.time,
            tx_index=event.at.tx_index,
            log=event.at.log_index,
            tx_hash=event.at.tx_hash,
            **more,
        )


def _deposited(desk: Desk, event: events.Deposited) -> None:
    number, amount = event.participant, event.amount
    desk.participant(number)["balance"] += amount
    pay(desk, event, PaymentKind.DEPOSIT, deposit_entry(number, amount), {number: amount}, {})


def _withdrawn(desk: Desk, event: events.Withdrawn) -> None:
    number, amount = event.participant, event.amount
    desk.participant(number)["balance"] -= amount
    entry = withdrawal_entry(number, amount)
    pay(desk, event, PaymentKind.WITHDRAWAL, entry, {number: -amount}, {})


def _collected(desk: Desk, event: events.Collected) -> None:
    payer, payee, amount = event.payer, event.payee, event.amount
    row = desk.known(schema.pairs, payer, payee)
    row["claim"] -= amount
    desk.participant(payer)["owed"] -= amount
    desk.participant(payer)["balance"] -= amount
    desk.participant(payee)["balance"] += amount
    entry = collection_entry(payer, payee, amount)
    amounts, others = {payer: -amount, payee: amount}, {payer: payee, payee: payer}
    pay(desk, event, PaymentKind.COLLECTION, entry, amounts, others)


HANDLERS: Handlers = {
    events.Deposited: _deposited,
    events.Withdrawn: _withdrawn,
    events.Collected: _collected,
}
