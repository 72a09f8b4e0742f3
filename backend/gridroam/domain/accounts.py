"""Double-entry accounts in nano-euro, with reserves, open claims and journals.

Every posting debits one participant and credits another; no balance is ever negative. What a payer
cannot cover stays as an open claim of the pair, and comes before everything later.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from gridroam.domain.difference import Adjustment
from gridroam.domain.journal import (
    Journal,
    collection_entry,
    deposit_entry,
    withdrawal_entry,
)
from gridroam.domain.units import NanoEuro, ParticipantId, Wh
from gridroam.domain.violation import require


@dataclass(slots=True)
class Account:
    """What a participant has, holds back and owes."""

    balance: NanoEuro = 0
    """The reserve included."""
    reserved: NanoEuro = 0
    """Held for open sessions: blocks clearings and withdrawals, never a payment."""
    owed: NanoEuro = 0
    """The sum of the open claims against it."""

    @property
    def payable(self) -> NanoEuro:
        """What a new posting can be paid from: the older claims come first."""
        return max(0, self.balance - self.owed)

    @property
    def free(self) -> NanoEuro:
        """What can be withdrawn or reserved."""
        return 0 if self.owed else max(0, self.balance - self.reserved)

    def covers(self, amount: NanoEuro) -> bool:
        """Whether it can hold `amount` back on top of its reserves."""
        return self.owed == 0 and self.balance >= self.reserved + amount


@dataclass(slots=True)
class Pair:
    """Everything ever posted from one participant to another."""

    amount: NanoEuro = 0
    """Posted, paid or not."""
    claim: NanoEuro = 0
    """Of it, what is still open."""
    import_wh: Wh = 0
    """The energy taken from the grid behind the postings."""
    export_wh: Wh = 0
    """The energy fed into the grid behind the postings."""


@dataclass(frozen=True, slots=True)
class Claim:
    """What of one posting was not covered."""

    payer: ParticipantId
    payee: ParticipantId
    amount: NanoEuro


@dataclass(slots=True)
class Accounts:
    """All accounts, pairs and journals, and the sum of the balances."""

    accounts: defaultdict[ParticipantId, Account] = field(
        default_factory=lambda: defaultdict(Account)
    )
    pairs: defaultdict[tuple[ParticipantId, ParticipantId], Pair] = field(
        default_factory=lambda: defaultdict(Pair)
    )
    journals: defaultdict[ParticipantId, Journal] = field(
        default_factory=lambda: defaultdict(Journal)
    )
    total: NanoEuro = 0
    """Deposited minus withdrawn, and at every moment the sum of all balances."""

    def deposit(self, participant: ParticipantId, amount: NanoEuro) -> None:
        self.accounts[participant].balance += amount
        self.total += amount
        self.record(deposit_entry(participant, amount), participant)

    def withdraw(self, participant: ParticipantId, amount: NanoEuro) -> None:
        account = self.accounts[participant]
        require(account.owed == 0, "ClaimsOpen", f"participant {participant} owes {account.owed}")
        covered = amount <= account.free
        require(covered, "NotCovered", f"participant {participant}: {amount} of {account.free}")
        account.balance -= amount
        self.total -= amount
        self.record(withdrawal_entry(participant, amount), participant)

    def post(
        self,
        payer: ParticipantId,
        payee: ParticipantId,
        amount: NanoEuro,
        import_wh: Wh = 0,
        export_wh: Wh = 0,
    ) -> Claim | None:
        """Posts, pays as far as the payer's money goes, and returns the claim that stays open."""
        if not (amount or import_wh or export_wh):
            return None
        pair = self.pairs[payer, payee]
        pair.amount += amount
        pair.import_wh += import_wh
        pair.export_wh += export_wh
        if payer == payee:
            return None
        account = self.accounts[payer]
        paid = min(amount, account.payable)
        account.balance -= paid
        self.accounts[payee].balance += paid
        if paid == amount:
            return None
        pair.claim += amount - paid
        account.owed += amount - paid
        return Claim(payer, payee, amount - paid)

    def collect(self, payer: ParticipantId, payee: ParticipantId) -> NanoEuro:
        """Pays an open claim as far as the payer's balance goes."""
        pair, account = self.pairs[payer, payee], self.accounts[payer]
        paid = min(pair.claim, account.balance)
        require(paid > 0, "NothingToCollect", f"{payer} to {payee}")
        pair.claim -= paid
        account.owed -= paid
        account.balance -= paid
        self.accounts[payee].balance += paid
        self.record(collection_entry(payer, payee, paid), payer, payee)
        return paid

    def adjust(
        self,
        adjustments: Iterable[Adjustment],
        parties: Iterable[ParticipantId],
        entry: bytes,
    ) -> tuple[Claim, ...]:
        """Posts what a correction changes, in this order, with cover and claims as every posting.
        Returns the claims that stay open."""
        claims = []
        for a in adjustments:
            payer, payee = (a.payer, a.payee) if a.amount >= 0 else (a.payee, a.payer)
            claims.append(self.post(payer, payee, abs(a.amount)))
            pair = self.pairs[a.payer, a.payee]
            pair.import_wh += a.import_wh
            pair.export_wh += a.export_wh
        self.record(entry, *parties)
        return tuple(claim for claim in claims if claim)

    def record(self, entry: bytes, *participants: ParticipantId) -> None:
        """Appends an entry to each one's journal, once."""
        for participant in dict.fromkeys(participants):
            self.journals[participant].append(entry)
