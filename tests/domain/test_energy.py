"""Slots: what they add up to, and what a station can have delivered in one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridroam.domain.energy import Reading, SlotEnergy, by_slot, exceeds
from gridroam.domain.reasons import Reason
from gridroam.domain.slots import SLOT, boundaries_between, slot_start
from gridroam.domain.stations import Station

times = st.integers(0, 2**40 - 1)
registers = st.integers(0, 2**48 - 1)


@st.composite
def readings(draw: st.DrawFn) -> tuple[Reading, list[tuple[int, int]], Reading]:
    start = draw(times)
    end = start + draw(st.integers(0, 3 * 86_400))
    count = len(list(boundaries_between(start, end)))
    imports = draw(st.lists(registers, min_size=count + 2, max_size=count + 2))
    exports = draw(st.lists(registers, min_size=count + 2, max_size=count + 2))
    pairs = list(zip(sorted(imports), sorted(exports), strict=True))
    return Reading(start, *pairs[0]), pairs[1:-1], Reading(end, *pairs[-1])


@given(readings())
def test_slots__any_readings__add_up_to_the_difference_of_the_registers(
    read: tuple[Reading, list[tuple[int, int]], Reading],
) -> None:
    start, boundaries, end = read
    slots = list(by_slot(start, boundaries, end))
    assert sum(s.import_wh for s in slots) == end.import_register - start.import_register
    assert sum(s.export_wh for s in slots) == end.export_register - start.export_register
    assert sum(s.seconds for s in slots) == end.time - start.time


@given(readings())
def test_slots__any_readings__none_reaches_over_a_boundary(
    read: tuple[Reading, list[tuple[int, int]], Reading],
) -> None:
    start, boundaries, end = read
    for slot in by_slot(start, boundaries, end):
        assert slot.time + slot.seconds <= slot_start(slot.time) + SLOT


@pytest.mark.parametrize(
    ("energy", "power", "seconds", "expected"),
    [
        (5_500, 22_000, 900, False),
        (5_501, 22_000, 900, False),  # registers show whole watt-hours
        (5_502, 22_000, 900, True),
        (1, 22_000, 0, False),
        (2, 22_000, 0, True),
        (0, 0, 900, False),
        (1, 0, 900, True),
    ],
)
def test_exceeds__at_the_edges(energy: int, power: int, seconds: int, expected: bool) -> None:
    assert exceeds(energy, power, seconds) is expected


def test_check__a_register_ran_backwards__comes_before_the_power() -> None:
    station = Station("0x" + "a" * 40, 1, 22_000, 0)
    assert SlotEnergy(0, 900, -1, 10**6).check(station) is Reason.REGISTER_BACKWARDS
    assert SlotEnergy(0, 900, 0, 1).check(station) is Reason.POWER_EXCEEDED
    assert SlotEnergy(0, 900, 5_500, 0).check(station) is Reason.NONE
