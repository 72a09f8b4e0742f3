"""A tariff: three price levels per direction by time of day, and a fee per session.

A grid operator's is the network charge (import) and the remuneration (export; negative: the
supplier pays). A station operator's is the service fee; it has no export prices.
"""

from dataclasses import dataclass
from enum import IntEnum

from gridroam.domain.participants import Limits, Role
from gridroam.domain.slots import SLOT, SLOTS_PER_DAY
from gridroam.domain.units import (
    NANO_PER_MICRO,
    MicroEuro,
    MicroEuroPerKwh,
    NanoEuro,
    Timestamp,
)
from gridroam.domain.violation import require


class Level(IntEnum):
    """The price levels; a map holds 2 bits for each slot."""

    STANDARD = 0
    HIGH = 1
    LOW = 2


@dataclass(frozen=True, slots=True)
class Tariff:
    """One version; never changed."""

    import_standard: MicroEuroPerKwh
    import_high: MicroEuroPerKwh
    import_low: MicroEuroPerKwh
    export_standard: MicroEuroPerKwh
    export_high: MicroEuroPerKwh
    export_low: MicroEuroPerKwh
    session_fee: MicroEuro
    """Due with the final report."""
    valid_from: Timestamp
    """The start of a slot."""
    levels: int
    """A map of the UTC day: slot n has its `Level` in bits 2n and 2n + 1."""

    def level(self, time: Timestamp) -> int:
        """The price level of the slot that `time` lies in."""
        return self.levels >> level_bits(time) & 3

    @property
    def import_prices(self) -> tuple[MicroEuroPerKwh, MicroEuroPerKwh, MicroEuroPerKwh]:
        """By `Level`."""
        return self.import_standard, self.import_high, self.import_low

    @property
    def export_prices(self) -> tuple[MicroEuroPerKwh, MicroEuroPerKwh, MicroEuroPerKwh]:
        """By `Level`."""
        return self.export_standard, self.export_high, self.export_low

    @property
    def fee(self) -> NanoEuro:
        return self.session_fee * NANO_PER_MICRO

    def check(self, role: Role, limits: Limits) -> None:
        """Whether it may be published under the limits of the day."""
        low, high = -limits.max_price, limits.max_price
        prices = all(0 <= price <= high for price in self.import_prices)
        if role == Role.GRID_OPERATOR:
            prices = prices and all(low <= price <= high for price in self.export_prices)
        else:
            prices = prices and not any(self.export_prices)
        fits = prices and self.session_fee <= limits.max_session_fee
        require(fits, "PriceOutOfRange", f"{self}")
        require(_are_levels(self.levels), "InvalidLevels", f"{self.levels:#x}")
        require(self.valid_from % SLOT == 0, "NotSlotAligned", f"{self.valid_from}")


def level_bits(time: Timestamp) -> int:
    """How far down the map the level of the slot that `time` lies in stands."""
    return time // SLOT % SLOTS_PER_DAY * 2


def _are_levels(levels: int) -> bool:
    return all(levels >> 2 * slot & 3 <= Level.LOW for slot in range(SLOTS_PER_DAY))
