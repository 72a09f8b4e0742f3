"""Who somebody is once signed in: a participant's person with a role. What a role may do is here
and nowhere else."""

from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """Of a person in the console; what a company is on the ledger is another matter."""

    CLERK = "clerk"
    """Sees the participant's figures and its customers."""
    ADMIN = "admin"
    """Also imports and forgets customers, gives meters' series, and reads the access log."""
    AUDITOR = "auditor"
    """Reads everything of the participant, the access log too, and changes nothing."""


class Permission(StrEnum):
    """What a page may ask for."""

    READ = "read"
    SEE_CUSTOMERS = "see-customers"
    CHANGE_CUSTOMERS = "change-customers"
    READ_ACCESS_LOG = "read-access-log"
    GIVE_SERIES = "give-series"


_MAY: dict[Role, frozenset[Permission]] = {
    Role.CLERK: frozenset({Permission.READ, Permission.SEE_CUSTOMERS}),
    Role.ADMIN: frozenset(Permission),
    Role.AUDITOR: frozenset(
        {Permission.READ, Permission.SEE_CUSTOMERS, Permission.READ_ACCESS_LOG}
    ),
}


@dataclass(frozen=True, slots=True)
class Identity:
    """`subject` is the wallet's address, or the issuer and subject of an OpenID provider."""

    participant: int
    subject: str
    role: Role
    method: str

    def may(self, permission: Permission) -> bool:
        return permission in _MAY[self.role]
