"""Companies, their roles, the market's limits, and who supplies by default.

Which account may act for whom is the contract's affair: here, acts carry participants' numbers.
"""

from dataclasses import dataclass, field, fields
from enum import IntEnum

from gridroam.domain.units import (
    NO_KEY,
    NOBODY,
    Address,
    MicroEuro,
    MicroEuroPerKwh,
    ParticipantId,
    Seconds,
    Wh,
)
from gridroam.domain.violation import require


class Role(IntEnum):
    """Bits of a participant's `roles`; one company may hold several."""

    SUPPLIER = 1
    GRID_OPERATOR = 2
    STATION_OPERATOR = 4


ALL_ROLES = Role.SUPPLIER | Role.GRID_OPERATOR | Role.STATION_OPERATOR

_HOUR = 3600
_SIXTY_DAYS = 60 * 24 * _HOUR


@dataclass(slots=True)
class Participant:
    """A company that takes part."""

    account: Address
    """May act for the participant; holds no money by being it."""
    roles: int
    """A bit set of `Role`."""
    active: bool = True
    """A suspended participant gets no new clearings; what runs, settles."""
    default_supplier: ParticipantId = NOBODY
    """Who supplies unregistered vehicles at this station operator's stations."""


@dataclass(frozen=True, slots=True)
class Limits:
    """The market's limits, set by governance within `LIMIT_BOUNDS`."""

    skew: Seconds
    """How far a message's time may lie ahead of the block's."""
    backlog: Seconds
    """How old an opening may be."""
    silence: Seconds
    """Without an accepted message, after which anybody may expire a session."""
    notice: Seconds
    """From the publication of a tariff to its first second."""
    reserve_wh: Wh
    """Energy per direction that a payer has to cover at clearing."""
    max_price: MicroEuroPerKwh
    """What no price exceeds, of either sign."""
    max_session_fee: MicroEuro
    """What no session fee exceeds."""


LIMIT_BOUNDS = {
    "skew": (0, _HOUR),
    "backlog": (_HOUR, _SIXTY_DAYS),
    "silence": (_HOUR, _SIXTY_DAYS),
    "notice": (_HOUR // 4, _SIXTY_DAYS),
    "reserve_wh": (0, 10**6),
    "max_price": (0, 10**8),
    "max_session_fee": (0, 10**9),
}


@dataclass(slots=True)
class Participants:
    """Everybody, by number; the limits; and the consents to default supply."""

    limits: Limits | None = None
    by_number: dict[ParticipantId, Participant] = field(default_factory=dict)
    by_account: dict[Address, ParticipantId] = field(default_factory=dict)
    default_offers: set[tuple[ParticipantId, ParticipantId]] = field(default_factory=set)
    """(supplier, station operator): the supplier agrees to supply unregistered vehicles there."""

    def __getitem__(self, number: ParticipantId) -> Participant:
        self.require_known(number)
        return self.by_number[number]

    def is_active(self, number: ParticipantId, role: Role) -> bool:
        participant = self.by_number.get(number)
        return participant is not None and participant.active and participant.roles & role != 0

    def require_known(self, number: ParticipantId) -> None:
        require(number in self.by_number, "NoSuchParticipant", f"participant {number}")

    def require_active(self, number: ParticipantId, role: Role) -> None:
        require(self[number].active, "NotActive", f"participant {number}")
        require(self[number].roles & role, "MissingRole", f"participant {number} is no {role.name}")

    def default_supplier(self, operator: ParticipantId) -> ParticipantId:
        """The default supplier that still agrees, or `NOBODY`."""
        participant = self.by_number.get(operator)
        supplier = participant.default_supplier if participant else NOBODY
        return supplier if (supplier, operator) in self.default_offers else NOBODY

    # ---------------------------------------------------------------------------------- governance

    def set_limits(self, limits: Limits) -> None:
        for limit in fields(limits):
            low, high = LIMIT_BOUNDS[limit.name]
            value = getattr(limits, limit.name)
            require(low <= value <= high, "LimitOutOfRange", f"{limit.name} {value}")
        self.limits = limits

    def admit(self, account: Address, roles: int) -> ParticipantId:
        """Admits a company under the next number."""
        _check_roles(roles)
        number = len(self.by_number) + 1
        self._take(account, number)
        self.by_number[number] = Participant(account, roles)
        return number

    def set_roles(self, number: ParticipantId, roles: int) -> None:
        _check_roles(roles)
        self[number].roles = roles

    def suspend(self, number: ParticipantId) -> None:
        self[number].active = False

    def reinstate(self, number: ParticipantId) -> None:
        self[number].active = True

    # -------------------------------------------------------------------------------- participants

    def move_account(self, number: ParticipantId, to: Address) -> None:
        previous = self[number].account
        self._take(to, number)
        if previous != to:
            del self.by_account[previous]
        self[number].account = to

    def offer_default_supply(
        self, supplier: ParticipantId, operator: ParticipantId, offered: bool
    ) -> None:
        self.require_active(supplier, Role.SUPPLIER)
        if offered:
            self.default_offers.add((supplier, operator))
        else:
            self.default_offers.discard((supplier, operator))

    def set_default_supplier(self, operator: ParticipantId, supplier: ParticipantId) -> None:
        self.require_active(operator, Role.STATION_OPERATOR)
        agreed = supplier == NOBODY or (supplier, operator) in self.default_offers
        require(agreed, "NoConsent", f"supplier {supplier} to operator {operator}")
        self[operator].default_supplier = supplier

    def _take(self, account: Address, number: ParticipantId) -> None:
        require(account != NO_KEY, "InvalidAccount", account)
        holder = self.by_account.get(account, number)
        require(holder == number, "AccountTaken", account)
        self.by_account[account] = number


def _check_roles(roles: int) -> None:
    require(0 < roles <= ALL_ROLES, "InvalidRoles", str(roles))
