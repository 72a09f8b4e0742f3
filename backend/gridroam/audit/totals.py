"""What a ledger comes to at one block, to be told from what it came to at another."""

from collections import Counter
from dataclasses import dataclass
from typing import Self

from gridroam.audit.replay import Replay

Pair = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Totals:
    """Counts; energy by (supplier, grid operator), import and export in Wh; what was posted from
    one to the other, and every balance, in nano-euro."""

    counts: Counter[str]
    rejected: Counter[str]
    energy: dict[Pair, tuple[int, int]]
    posted: dict[Pair, int]
    balances: dict[int, int]

    @classmethod
    def of(cls, replay: Replay) -> Self:
        accounts = replay.market.accounts
        return cls(
            Counter(replay.counts),
            Counter(replay.rejected),
            {who: (e.import_wh, e.export_wh) for who, e in replay.energy.items()},
            {who: pair.amount for who, pair in accounts.pairs.items()},
            {who: account.balance for who, account in accounts.accounts.items()},
        )

    @classmethod
    def nothing(cls) -> Self:
        return cls(Counter(), Counter(), {}, {}, {})
