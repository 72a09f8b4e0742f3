"""Prices by level, and which version is in force."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_market import GRID, GRID_TARIFF, LIMITS, OPERATOR, OPERATOR_TARIFF, START, World

from gridroam.domain.energy import Course
from gridroam.domain.participants import Role
from gridroam.domain.settlement import price
from gridroam.domain.slots import SLOT, SLOTS_PER_DAY
from gridroam.domain.tariff import Level, Tariff
from gridroam.domain.violation import NotAllowedError

DAY = 86_400
levels = st.lists(st.sampled_from(Level), min_size=SLOTS_PER_DAY, max_size=SLOTS_PER_DAY)


@given(levels, st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 10**6)), max_size=300))
def test_price__any_map__is_the_sum_over_the_levels(
    of_slots: list[Level], energies: list[tuple[int, int]]
) -> None:
    tariff = replace(GRID_TARIFF, levels=sum(n << 2 * i for i, n in enumerate(of_slots)))
    times = tuple(START + i * SLOT for i in range(len(energies) + 1))
    energy = Course(times, [e[0] for e in energies], [e[1] for e in energies])
    amounts = price(energy, tariff, OPERATOR_TARIFF, last=True)

    def total(level: Level, column: int) -> int:
        return sum(e[column] for i, e in enumerate(energies) if of_slots[i % 96] is level)

    imports = (80_000, 120_000, 40_000)
    exports = (60_000, 90_000, 30_000)
    fee = 100_000 * 1000
    assert amounts.network_charge == sum(total(n, 0) * imports[n] for n in Level) + fee
    assert amounts.feed_in == sum(total(n, 1) * exports[n] for n in Level)
    taken = sum(e[0] for e in energies)
    assert amounts.service_fee == taken * 200_000 + 500_000 * 1000


def test_price__not_the_last_report__has_no_session_fee() -> None:
    nothing = Course((START, START + SLOT), [0], [0])
    assert price(nothing, GRID_TARIFF, OPERATOR_TARIFF, last=False) == (0, 0, 0)


def publish(world: World, tariff: Tariff, now: int) -> int:
    return world.market.registry.publish_tariff(GRID, Role.GRID_OPERATOR, tariff, now)


def test_in_force__two_versions__each_from_its_first_second(world: World) -> None:
    tariffs = world.market.registry.tariffs
    publish(world, replace(GRID_TARIFF, valid_from=START + DAY), START)
    assert tariffs.in_force(GRID, Role.GRID_OPERATOR, START - 1) == 0
    assert tariffs.in_force(GRID, Role.GRID_OPERATOR, START + DAY - 1) == 1
    assert tariffs.in_force(GRID, Role.GRID_OPERATOR, START + DAY) == 2
    assert tariffs.in_force(OPERATOR, Role.GRID_OPERATOR, START + DAY) == 0


def test_in_force__older_than_the_last_eight__is_forgotten(world: World) -> None:
    tariffs = world.market.registry.tariffs
    for day in range(1, 9):
        publish(world, replace(GRID_TARIFF, valid_from=START + day * DAY), START + (day - 1) * DAY)
    assert tariffs.in_force(GRID, Role.GRID_OPERATOR, START + DAY) == 2
    assert tariffs.in_force(GRID, Role.GRID_OPERATOR, START + DAY - 1) == 0


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"valid_from": START + DAY + 1}, "NotSlotAligned"),
        ({"valid_from": START + DAY - SLOT}, "TooEarly"),
        ({"import_high": LIMITS.max_price + 1}, "PriceOutOfRange"),
        ({"export_low": -LIMITS.max_price - 1}, "PriceOutOfRange"),
        ({"session_fee": LIMITS.max_session_fee + 1}, "PriceOutOfRange"),
        ({"levels": 0b11 << 190}, "InvalidLevels"),
    ],
)
def test_publish__what_the_rules_forbid__leaves_the_old_version(
    world: World, change: dict[str, int], error: str
) -> None:
    with pytest.raises(NotAllowedError, match=error):
        publish(world, replace(GRID_TARIFF, **({"valid_from": START + DAY} | change)), START)
    assert len(world.market.registry.tariffs.published[GRID, Role.GRID_OPERATOR]) == 1


def test_publish__a_station_operator_with_an_export_price__is_not_allowed(world: World) -> None:
    tariff = replace(OPERATOR_TARIFF, valid_from=START + DAY, export_low=1)
    with pytest.raises(NotAllowedError, match="PriceOutOfRange"):
        world.market.registry.publish_tariff(OPERATOR, Role.STATION_OPERATOR, tariff, START)


def test_publish__while_one_is_pending__is_not_allowed(world: World) -> None:
    publish(world, replace(GRID_TARIFF, valid_from=START + DAY), START)
    with pytest.raises(NotAllowedError, match="VersionPending"):
        publish(world, replace(GRID_TARIFF, valid_from=START + 2 * DAY), START + DAY - 1)
