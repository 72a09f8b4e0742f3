"""What the demo shows at its end: the figures, what must hold of them, and their JSON. Where they
are read is in `results`."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from gridroam.audit import Report
from gridroam.chain.records import Account, Pair
from gridroam.demo.incidents import Incident


@dataclass(frozen=True, slots=True)
class Money:
    """Accounts by participant, pairs by payer and payee, sums; all in nano-euro."""

    accounts: Mapping[int, Account]
    pairs: Mapping[tuple[int, int], Pair]
    deposited: int
    withdrawn: int
    holdings: int

    @property
    def total(self) -> int:
        return sum(account.balance for account in self.accounts.values())

    @property
    def paid_in(self) -> int:
        """Less what was withdrawn."""
        return self.deposited - self.withdrawn

    @property
    def is_zero_sum(self) -> bool:
        """Every posting took from one account what it gave to another."""
        return self.total == self.paid_in


@dataclass(frozen=True, slots=True)
class Switch:
    """A session whose car changed its supplier on the road: Wh from the grid before and after."""

    station: str
    from_: str
    to: str
    before_wh: int
    after_wh: int


@dataclass(frozen=True, slots=True)
class Evidence:
    """Sessions whose final report names a meter's record, and what came of the records that were
    brought to the ledger: refused ones by the contract's reason."""

    named: int
    confirmed: int
    corrected: int
    """Of the confirmed ones, those whose registers were others before."""
    refused: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Summary:
    """Energy in Wh: what the accounts have by supplier and grid operator, the sum of all quarter
    hours in both directions, and the file's energy of the sessions that the ledger cleared."""

    names: Mapping[int, str]
    offered: int
    cleared: int
    expired: int
    settled: int
    rejected: Mapping[str, int]
    rejected_reports: Mapping[str, int]
    energy: Mapping[tuple[int, int], tuple[int, int]]
    slots_wh: tuple[int, int]
    file_wh: int
    switches: tuple[Switch, ...]
    evidence: Evidence
    money: Money
    incidents: tuple[Incident, ...]
    messages: int
    batches: int
    gas: int
    audit: Report

    @property
    def import_wh(self) -> int:
        return sum(taken for taken, _ in self.energy.values())

    @property
    def export_wh(self) -> int:
        return sum(fed for _, fed in self.energy.values())

    @property
    def checks(self) -> dict[str, bool]:
        """What must hold, by what it says."""
        money = self.money
        return {
            "every opening was cleared or rejected": self.offered
            == self.cleared + sum(self.rejected.values()),
            "the energy settled is the file's": self.import_wh == self.file_wh,
            "the quarter hours add up to it": self.slots_wh == (self.import_wh, self.export_wh),
            "all accounts sum up to what was paid in": money.is_zero_sum,
            "the vault holds that in tokens": money.holdings == money.total,
            "the audit derives the same": self.audit.ok,
        }

    @property
    def ok(self) -> bool:
        return all(self.checks.values())

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        money, names = self.money, self.names
        return {
            "ok": self.ok,
            "sessions": {
                "offered": self.offered,
                "cleared": self.cleared,
                "rejected": dict(self.rejected),
                "expired": self.expired,
            },
            "reports": {"settled": self.settled, "rejected": dict(self.rejected_reports)},
            "energy": {
                "import_wh": self.import_wh,
                "export_wh": self.export_wh,
                "file_wh_of_cleared": self.file_wh,
                "allocation": [
                    {
                        "supplier": names[supplier],
                        "grid_operator": names[grid],
                        "import_wh": taken,
                        "export_wh": fed,
                    }
                    for (supplier, grid), (taken, fed) in self.energy.items()
                ],
            },
            "switches": [
                {
                    "station": switch.station,
                    "from": switch.from_,
                    "to": switch.to,
                    "import_wh_before": switch.before_wh,
                    "import_wh_after": switch.after_wh,
                }
                for switch in self.switches
            ],
            "evidence": asdict(self.evidence),
            "accounts": {
                "sum_nano_eur": money.total,
                "deposited_nano_eur": money.deposited,
                "withdrawn_nano_eur": money.withdrawn,
                "zero_sum": money.is_zero_sum,
                "balances_nano_eur": {
                    names[number]: account.balance for number, account in money.accounts.items()
                },
            },
            "postings": [
                {
                    "payer": names[payer],
                    "payee": names[payee],
                    "amount_nano_eur": pair.amount,
                    "open_nano_eur": pair.claim,
                }
                for (payer, payee), pair in money.pairs.items()
            ],
            "vault": {
                "holdings_nano_eur": money.holdings,
                "balance_matches": money.holdings == money.total,
            },
            "gas": {
                "total": self.gas,
                "per_session": self.gas // max(1, self.cleared),
                "per_message": self.gas // max(1, self.messages),
                "messages": self.messages,
                "batches": self.batches,
            },
            "incidents": [asdict(incident) for incident in self.incidents],
            "audit": {
                "verdict": self.audit.verdict,
                "differences": [str(difference) for difference in self.audit.differences],
            },
        }
