"""Who saw which customer's data, and when. Nothing of the data itself is written down, only the
vehicle's hash on the chain."""

from collections.abc import Callable, Iterable
from enum import StrEnum

from gridroam.access.identity import Identity
from gridroam.store.access import AccessStore, LogRow


class Action(StrEnum):
    SIGN_IN = "sign-in"
    SIGN_OUT = "sign-out"
    SEE = "see"
    SEARCH = "search"
    EXPORT = "export"
    IMPORT = "import"
    FORGET = "forget"
    GIVE_SERIES = "give-series"


class AccessLog:
    def __init__(self, store: AccessStore, now: Callable[[], int]) -> None:
        self._store = store
        self._now = now

    def note(self, who: Identity, action: Action, objects: Iterable[str] = ("",)) -> None:
        """One line for each object."""
        now = self._now()
        self._store.log(
            [
                LogRow(0, now, who.participant, who.subject, who.role.value, action.value, each)
                for each in objects
            ]
        )

    def read(self, participant: int, limit: int, before: int | None = None) -> list[LogRow]:
        return self._store.logged(participant, limit, before)
