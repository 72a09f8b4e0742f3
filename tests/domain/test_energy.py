"""Slots: what they add up to, and what a station can have delivered in one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridroam.domain.energy import Course, Reading, by_slot, check, deliverable
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
    ("power", "seconds", "most"),
    [(22_000, 900, 5_501), (22_000, 899, 5_494), (1, 900, 1), (22_000, 0, 1), (0, 900, 0)],
)
def test_deliverable__registers_show_whole_watt_hours(power: int, seconds: int, most: int) -> None:
    assert deliverable(power, seconds) == most


def test_check__a_register_that_ran_backwards_anywhere__comes_before_the_power() -> None:
    station = Station("0x" + "a" * 40, 1, 22_000, 0)
    fits, too_much, backwards = (5_501, 0), (0, 1), (-1, 0)

    def checked(*energy: tuple[int, int]) -> Reason:
        times = tuple(900 * n for n in range(len(energy) + 1))
        return check(Course(times, *map(list, zip(*energy, strict=True))), station)

    assert checked(fits, too_much, backwards) is Reason.REGISTER_BACKWARDS
    assert checked(fits, too_much) is Reason.POWER_EXCEEDED
    assert checked(fits) is Reason.NONE
