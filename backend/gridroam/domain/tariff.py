"""A tariff: three price levels per direction by time of day, and a fee per session.

A grid operator's is the network charge (import) and the remuneration (export; negative: the
supplier pays). A station operator's is the service fee; it has no export prices.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property
from itertools import chain, cycle

from gridroam.domain.participants import Limits, Role
from gridroam.domain.slots import SLOT, SLOTS_PER_DAY, slot_of_day
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


@dataclass(frozen=True)
class Tariff:
    """One version; never changed, so that what follows from it is worked out once."""

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
        return self.levels >> 2 * slot_of_day(time) & 3

    def import_prices_from(self, time: Timestamp) -> Iterator[MicroEuroPerKwh]:
        """Of the slot that `time` lies in and of every slot after it."""
        return _from(self._import_prices_of_day, time)

    def export_prices_from(self, time: Timestamp) -> Iterator[MicroEuroPerKwh]:
        """The same for what is fed in."""
        return _from(self._export_prices_of_day, time)

    @cached_property
    def import_prices(self) -> tuple[MicroEuroPerKwh, MicroEuroPerKwh, MicroEuroPerKwh]:
        """By `Level`."""
        return self.import_standard, self.import_high, self.import_low

    @cached_property
    def highest_import_price(self) -> MicroEuroPerKwh:
        return max(self.import_prices)

    @cached_property
    def export_prices(self) -> tuple[MicroEuroPerKwh, MicroEuroPerKwh, MicroEuroPerKwh]:
        """By `Level`."""
        return self.export_standard, self.export_high, self.export_low

    @cached_property
    def _import_prices_of_day(self) -> tuple[MicroEuroPerKwh, ...]:
        """By slot."""
        return tuple(self.import_prices[level] for level in _levels_of_day(self.levels))

    @cached_property
    def _export_prices_of_day(self) -> tuple[MicroEuroPerKwh, ...]:
        """By slot."""
        return tuple(self.export_prices[level] for level in _levels_of_day(self.levels))

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


def _levels_of_day(levels: int) -> list[int]:
    return [levels >> 2 * slot & 3 for slot in range(SLOTS_PER_DAY)]


def _are_levels(levels: int) -> bool:
    return max(_levels_of_day(levels)) <= Level.LOW


def _from(day: tuple[MicroEuroPerKwh, ...], time: Timestamp) -> Iterator[MicroEuroPerKwh]:
    return chain(day[slot_of_day(time) :], cycle(day))
