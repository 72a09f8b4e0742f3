"""What both halves of the rules stand on: the market, the clock, and who calls."""

from collections import Counter
from dataclasses import dataclass, field

from gridroam.chain.events import LogPosition
from gridroam.domain.accounts import Accounts
from gridroam.domain.market import Market
from gridroam.domain.participants import Participants, Role
from gridroam.domain.slots import SLOT, slot_start
from gridroam.domain.stations import Stations
from gridroam.domain.units import Address, Bytes32, ParticipantId, Timestamp
from gridroam.domain.vehicles import Vehicles
from gridroam.domain.violation import require

SOMEWHERE = LogPosition(0, 0, 0, b"", b"")
"""The place of an event that is expected."""


@dataclass
class Side:
    """`now` is the time of the next block, `held` the token units in the vault."""

    market: Market
    governance: Address
    vault: Address
    held: int
    now: Timestamp
    chain_id: int = 0
    corrections_address: Address = ""
    roots: dict[int, Bytes32] = field(default_factory=dict)
    """Of batches, by number."""
    withdrawn: Counter[Address] = field(default_factory=Counter)
    """Token units that accounts have from the vault; all others are the bank's."""

    @property
    def participants(self) -> Participants:
        return self.market.registry.participants

    @property
    def stations(self) -> Stations:
        return self.market.registry.stations

    @property
    def vehicles(self) -> Vehicles:
        return self.market.vehicles

    @property
    def accounts(self) -> Accounts:
        return self.market.accounts

    def edges(self) -> list[Timestamp]:
        """When something changes by itself, or may be changed from then on."""
        limits, tariffs = self.market.registry.limits, self.market.registry.tariffs.published
        changes = [vehicle.next_from for vehicle in self.vehicles.by_id.values()]
        keys = [keys.from_ for keys in self.vehicles.keys.values()]
        return [
            slot_start(self.now) + SLOT,
            *(versions[-1].valid_from for versions in tariffs.values()),
            *changes,
            *keys,
            *(change + limits.backlog for change in changes),
        ]

    def caller(self, sender: Address) -> ParticipantId:
        number = self.participants.by_account.get(sender, 0)
        require(number, "NotAParticipant", sender)
        return number

    def caller_as(self, sender: Address, role: Role) -> ParticipantId:
        number = self.caller(sender)
        self.participants.require_active(number, role)
        return number
