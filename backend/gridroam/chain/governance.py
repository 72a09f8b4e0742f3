"""Who may govern the market, and how long before it takes effect.

The roles of docs/governance.md, brought onto an OpenZeppelin AccessManager. None of them reaches
money or a session: the functions below are all that the registry restricts, and the ledger and the
vault have no function that answers to governance at all.
"""

from dataclasses import dataclass

from gridroam.chain import abi
from gridroam.chain.wallet import Wallet
from gridroam.errors import InvalidInputError

DAY = 86_400

ADMIN = 0
"""AccessManager's own role: it seats the others. Nobody else can."""


@dataclass(frozen=True, slots=True)
class Role:
    """`functions` are the registry's; `delay` is in seconds, from announcement to effect."""

    number: int
    name: str
    functions: tuple[str, ...]
    delay: int


COUNCIL = Role(ADMIN, "council", (), 14 * DAY)
ADMISSION = Role(1, "admission", ("admit", "setRoles", "reinstate"), DAY)
LIMITS = Role(2, "limits", ("setLimits",), 14 * DAY)
GUARDIAN = Role(3, "guardian", ("suspend", "pause", "unpause"), 0)

ROLES = (ADMISSION, LIMITS, GUARDIAN)


@dataclass(frozen=True, slots=True)
class Seats:
    """The account of each role: multisigs, in a market that is meant."""

    council: str
    admission: str
    limits: str
    guardian: str

    def of(self, role: Role) -> str:
        account: str = getattr(self, role.name)
        return account


def check(seats: Seats, deploying: str) -> None:
    """Raises `InvalidInputError` if the deploying account is to hold a seat.

    Its key lay on the machine that deployed.
    """
    if deploying.lower() in {seats.of(role).lower() for role in (COUNCIL, *ROLES)}:
        raise InvalidInputError(
            f"{deploying} deploys and is to govern, too.",
            "Deploy from an account that is thrown away afterwards.",
        )


def establish(wallet: Wallet, authority: str, registry: str, seats: Seats) -> None:
    """Gives each role its functions and its account, then the wallet's own power away for good.

    `wallet` is the one that deployed `authority` and holds its admin role without a delay. Whatever
    fails on the way, the wallet still holds it and may call this again.

    Raises `InvalidInputError` as `check` does.
    """
    check(seats, wallet.address)
    manager = abi.functions("AccessManager")
    for role in ROLES:
        selectors = [abi.functions("Registry")[name].selector for name in role.functions]
        wallet.call(authority, manager["setTargetFunctionRole"], registry, selectors, role.number)
        wallet.call(authority, manager["labelRole"], role.number, role.name)
        wallet.call(authority, manager["setRoleGuardian"], role.number, GUARDIAN.number)
        wallet.call(authority, manager["grantRole"], role.number, seats.of(role), role.delay)
    wallet.call(authority, manager["grantRole"], ADMIN, seats.council, COUNCIL.delay)
    wallet.call(authority, manager["renounceRole"], ADMIN, wallet.address)
