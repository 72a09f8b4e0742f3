"""What must hold after every step, whatever was done."""

from collections import defaultdict

from ledger_rules import NANO_PER_UNIT
from rules import Rules


def nothing_is_negative(rules: Rules) -> None:
    for account in rules.accounts.accounts.values():
        assert min(account.balance, account.reserved, account.owed) >= 0
    for pair in rules.accounts.pairs.values():
        assert min(pair.amount, pair.claim, pair.import_wh, pair.export_wh) >= 0


def balances_are_what_came_in(rules: Rules) -> None:
    total = sum(account.balance for account in rules.accounts.accounts.values())
    assert total == rules.accounts.total <= rules.held * NANO_PER_UNIT


def what_is_owed_is_claimed(rules: Rules) -> None:
    claims: defaultdict[int, int] = defaultdict(int)
    for (payer, _), pair in rules.accounts.pairs.items():
        claims[payer] += pair.claim
    for number, account in rules.accounts.accounts.items():
        assert account.owed == claims[number]


def what_is_reserved_is_held_for_open_sessions(rules: Rules) -> None:
    held: defaultdict[int, int] = defaultdict(int)
    for session in rules.market.sessions.values():
        if session.occupies:
            held[session.supplier] += session.supplier_reserve
            held[session.grid_operator] += session.grid_reserve
    for number, account in rules.accounts.accounts.items():
        assert account.reserved == held[number]


LAWS = (
    nothing_is_negative,
    balances_are_what_came_in,
    what_is_owed_is_claimed,
    what_is_reserved_is_held_for_open_sessions,
)
