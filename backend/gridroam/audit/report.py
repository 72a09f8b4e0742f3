"""What an audit found: the verdict, what was counted, every difference, and the totals."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any

from gridroam.audit.difference import Difference
from gridroam.audit.entries import Block
from gridroam.audit.replay import Replay
from gridroam.audit.totals import Totals
from gridroam.chain.ledger import Ledger
from gridroam.errors import InvalidInputError

EURO = 10**9
"""Nano-euro."""


@dataclass(frozen=True, slots=True)
class EnergyTotal:
    """What a supplier's vehicles took from a grid and fed into it, in Wh."""

    supplier: int
    grid_operator: int
    import_wh: int
    export_wh: int


@dataclass(frozen=True, slots=True)
class PairTotal:
    """What was posted from one participant to another, in nano-euro, and what of it is open."""

    payer: int
    payee: int
    amount: int
    claim: int


@dataclass(frozen=True, slots=True)
class AccountTotal:
    """A participant's balance before the first of the blocks and after the last, and what of it is
    held back or owed then, in nano-euro; head and length of its journal."""

    participant: int
    opening: int
    closing: int
    reserved: int
    owed: int
    journal: str
    entries: int


@dataclass(frozen=True, slots=True)
class Vault:
    """In nano-euro. More than the accounts' sum was given to the vault by nobody's deposit."""

    balance: int
    accounts: int

    @property
    def surplus(self) -> int:
        return self.balance - self.accounts


@dataclass(frozen=True, slots=True)
class Report:
    """`differences` are the first of `difference_count`, whenever they came up. Counts, energy and
    what was posted are those from the block `since` on; the rest is as of the last block."""

    chain_id: int
    ledger: str
    registry: str
    first_block: int
    since: int
    last_block: Block
    counts: dict[str, int]
    rejected: dict[str, int]
    energy: tuple[EnergyTotal, ...]
    pairs: tuple[PairTotal, ...]
    accounts: tuple[AccountTotal, ...]
    vault: Vault
    differences: tuple[Difference, ...]
    difference_count: int
    participant: int | None = None
    """Whose energy, pairs and account these are; `None`: everybody's."""

    @property
    def ok(self) -> bool:
        return self.difference_count == 0

    @property
    def verdict(self) -> str:
        return "ok" if self.ok else "differs"

    def of(self, participant: int) -> "Report":
        """With the energy, pairs and account of one participant only; everything was derived, and
        every difference stays. Raises `InvalidInputError` if there is none."""
        if participant not in {a.participant for a in self.accounts}:
            raise InvalidInputError(
                f"There is no participant {participant}.",
                f"The ledger has {len(self.accounts)}, counted from 1.",
            )
        return replace(
            self,
            participant=participant,
            energy=tuple(e for e in self.energy if participant in (e.supplier, e.grid_operator)),
            pairs=tuple(p for p in self.pairs if participant in (p.payer, p.payee)),
            accounts=tuple(a for a in self.accounts if a.participant == participant),
        )

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        block = {"number": self.last_block.number, "time": self.last_block.time}
        return {
            "verdict": self.verdict,
            **{name: value for name, value in asdict(self).items() if name != "last_block"},
            "last_block": block | {"hash": "0x" + self.last_block.hash.hex()},
            "vault": asdict(self.vault) | {"surplus": self.vault.surplus},
        }

    def lines(self) -> list[str]:
        """For people: what was read, each difference, the verdict."""
        return [*self._summary(), *self._differences(), self._conclusion()]

    def _summary(self) -> list[str]:
        n = self.counts
        reasons = ", ".join(f"{count} {slug}" for slug, count in sorted(self.rejected.items()))
        imported, exported = (
            sum(e.import_wh for e in self.energy),
            sum(e.export_wh for e in self.energy),
        )
        posted, claimed = sum(p.amount for p in self.pairs), sum(p.claim for p in self.pairs)
        given = f": {euro(self.vault.surplus)} were given" if self.vault.surplus > 0 else ""
        return [
            f"Ledger    {self.ledger} on chain {self.chain_id}",
            f"Blocks    {self.first_block} to {self.last_block.number}{self._figures()}",
            f"Hash      0x{self.last_block.hash.hex()}",
            f"Batches   {n['batches']:,} with {n['messages']:,} messages",
            f"Cleared   {n['cleared']:,}",
            f"Settled   {n['settled']:,}",
            f"Rejected  {n['rejected']:,}" + (f": {reasons}" if reasons else ""),
            f"Corrected {n['corrected']:,}, by meters verified {n['verified']:,}",
            f"Disputed  {n['disputed']:,}",
            f"Others    {n['registrations']:,} registrations and payments",
            f"Energy    {imported:,} Wh from the grid, {exported:,} Wh into it{self._whose()}",
            f"Posted    {euro(posted)}, {euro(claimed)} of it open{self._whose()}",
            *self._account(),
            f"Vault     {euro(self.vault.balance)}, accounts {euro(self.vault.accounts)}{given}",
            f"State     {n['state']:,} records compared",
        ]

    def _figures(self) -> str:
        return f", figures from {self.since} on" if self.since > self.first_block else ""

    def _whose(self) -> str:
        return f" (participant {self.participant})" if self.participant else ""

    def _account(self) -> list[str]:
        if self.participant is None:
            return []
        (own,) = self.accounts
        return [f"Account   {euro(own.opening)} before, {euro(own.closing)} after{self._whose()}"]

    def _differences(self) -> list[str]:
        hidden = self.difference_count - len(self.differences)
        more = [f"and {hidden:,} more"] if hidden else []
        return [str(difference) for difference in self.differences] + more

    def _conclusion(self) -> str:
        if self.ok:
            return "OK: everything on chain follows from the signed messages and the rules."
        plural = "" if self.difference_count == 1 else "s"
        earlier = sum(d.block is not None and d.block < self.since for d in self.differences)
        apart = f", of those above {earlier:,} before block {self.since}" if earlier else ""
        return f"DIFFERS: {self.difference_count:,} difference{plural}{apart}."


def report_of(
    replay: Replay, opening: Totals, blocks: tuple[int, int, Block], ledger: Ledger, vault: Vault
) -> Report:
    """`opening` is what is not told: the totals before the second of the blocks."""
    closing, findings = Totals.of(replay), replay.findings
    counts = {name: n - opening.counts[name] for name, n in closing.counts.items()}
    rejected = {slug: n - opening.rejected[slug] for slug, n in closing.rejected.items()}
    return Report(
        chain_id=replay.domain.chain_id,
        ledger=replay.domain.ledger,
        registry=ledger.registry_address,
        first_block=blocks[0],
        since=blocks[1],
        last_block=blocks[2],
        counts=counts,
        rejected={slug: n for slug, n in rejected.items() if n},
        energy=tuple(_energy(opening, closing)),
        pairs=tuple(
            PairTotal(*who, pair.amount - opening.posted.get(who, 0), pair.claim)
            for who, pair in sorted(replay.market.accounts.pairs.items())
        ),
        accounts=tuple(_accounts(replay, opening)),
        vault=vault,
        differences=tuple(findings.kept),
        difference_count=findings.count,
    )


def _energy(opening: Totals, closing: Totals) -> Iterator[EnergyTotal]:
    for who, total in sorted(closing.energy.items()):
        before = opening.energy.get(who, (0, 0))
        import_wh, export_wh = total[0] - before[0], total[1] - before[1]
        if import_wh or export_wh or not any(before):
            yield EnergyTotal(*who, import_wh, export_wh)


def _accounts(replay: Replay, opening: Totals) -> Iterator[AccountTotal]:
    accounts = replay.market.accounts
    for number in sorted(replay.market.registry.participants.by_number):
        account, journal = accounts.accounts[number], accounts.journals[number]
        yield AccountTotal(
            number,
            opening.balances.get(number, 0),
            account.balance,
            account.reserved,
            account.owed,
            "0x" + journal.head.hex(),
            journal.count,
        )


def euro(nano: int) -> str:
    """Exact: all nine digits, but for the zeros at the end beyond the cents."""
    whole, rest = divmod(abs(nano), EURO)
    digits = f"{rest:09d}".rstrip("0").ljust(2, "0")
    return f"{'-' if nano < 0 else ''}{whole:,}.{digits} EUR"
