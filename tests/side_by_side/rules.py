"""One side: the rules in Python, and beside them who may act for whom.

A method bears the name of a contract's function, takes the account that calls it and the same
arguments, and yields the events that must follow. Where it may not be done it raises
`NotAllowedError` with the name of the contract's error.
"""

from collections.abc import Sequence
from copy import deepcopy
from typing import Any

from correction_rules import CorrectionRules
from ledger_rules import LedgerRules
from registry_rules import RegistryRules

from gridroam.chain.abi import snake
from gridroam.chain.events import Event
from gridroam.domain.violation import NotAllowedError


class Rules(RegistryRules, LedgerRules, CorrectionRules):
    """All functions of the contracts but `submit`, whose messages the market decides."""

    def perform(
        self, sender: str, function: str, arguments: Sequence[Any]
    ) -> tuple[list[Event], str]:
        """All of it, or nothing: then with the name of the error."""
        before = deepcopy(self.market), self.held
        try:
            return list(getattr(self, snake(function))(sender, *arguments)), ""
        except NotAllowedError as error:
            self.market, self.held = before
            return [], error.error
