"""Simulated charging is exact: sums, order, and the ledger's power rule in every slot."""

from itertools import pairwise

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from gridroam.domain.slots import boundaries_between
from gridroam.errors import InvalidInputError
from gridroam.station.meter import Registers, boundaries
from gridroam.station.simulator import (
    Curve,
    SimulatedMeter,
    average_power,
    constant,
    nothing,
    tapered,
)

START = 1_575_874_317
starts = st.integers(START, START + 900)
durations = st.integers(1, 40 * 3600)
energies = st.integers(0, 120_000)


def assert_exact(curve: Curve, start: int, end: int, energy: int) -> None:
    assert curve.energy_at(start) == 0
    assert curve.energy_at(end) == energy
    assert curve.energy_at(end + 10_000) == energy
    assert curve.start >= start
    assert curve.end <= end


def assert_power(curve: Curve, times: list[int], power: int) -> None:
    for before, after in pairwise(times):
        energy = curve.energy_at(after) - curve.energy_at(before)
        assert energy >= 0
        assert energy <= power * (after - before) // 3600 + 1


def times_between(start: int, end: int, asked: list[int]) -> list[int]:
    """Every slot boundary, and some readings at any second."""
    inside = {start + second % (end - start + 1) for second in asked}
    return sorted({start, end, *boundaries_between(start, end), *inside})


asked_seconds = st.lists(st.integers(0, 1 << 20), max_size=8)


@given(starts, durations, energies, st.integers(0, 5_000), asked_seconds)
def test_constant__any_session__exact_and_within_power(start, seconds, energy, spare, asked):
    end = start + seconds
    power = average_power(start, end, energy) + spare
    curve = constant(start, end, energy, power)
    assert_exact(curve, start, end, energy)
    assert_power(curve, times_between(start, end, asked), power)


@given(starts, durations, energies, st.integers(0, 60_000), st.integers(1, 100_000), asked_seconds)
def test_tapered__any_session__exact_and_within_power(
    start, seconds, energy, spare, capacity, asked
):
    end = start + seconds
    power = average_power(start, end, energy) + spare
    curve = tapered(start, end, energy, power, capacity)
    assert_exact(curve, start, end, energy)
    assert_power(curve, times_between(start, end, asked), power)


@given(starts, st.integers(10, 40_000), energies, st.integers(0, 40_000), durations, asked_seconds)
def test_paused__any_window__stands_still_and_stays_exact(
    start, seconds, energy, offset, pause, asked
):
    assume(offset < seconds)
    power = average_power(start, start + seconds, energy)
    at = start + offset
    curve = constant(start, start + seconds, energy, power).paused(at, at + pause)
    end = start + seconds + pause
    assert_exact(curve, start, end, energy)
    assert curve.energy_at(at) == curve.energy_at(at + pause)
    assert_power(curve, times_between(start, end, asked), power)


def test_tapered__enough_time__slows_down_above_80_percent():
    curve = tapered(START, START + 4 * 3600, 50_000, 50_000, 50_000)
    first, last = curve.energy_at(START + 600), 50_000 - curve.energy_at(curve.end - 600)
    assert first == 8_333
    assert last < first // 2


def test_constant__more_than_the_power_allows__says_so():
    with pytest.raises(InvalidInputError, match="do not flow in time"):
        constant(START, START + 3600, 10_000, 9_999)


def test_constant__energy_but_no_power__says_so():
    with pytest.raises(InvalidInputError):
        constant(START, START + 3600, 1, 0)


@given(starts, st.integers(901, 20_000), st.integers(1, 50_000), st.integers(1, 9_000))
def test_meter__both_directions__registers_start_where_the_last_session_ended(
    start, seconds, taken, fed
):
    end = start + seconds
    before = Registers(1_000_000, 5_000)
    importing = constant(start, end, taken, average_power(start, end, taken))
    exporting = constant(start, end, fed, average_power(start, end, fed))
    meter = SimulatedMeter(before, importing, exporting)
    assert meter.registers(start) == before
    assert meter.registers(end) == (1_000_000 + taken, 5_000 + fed)
    row = [before, *boundaries(meter, start, end), meter.registers(end)]
    assert len(row) == 2 + (end - 1) // 900 - start // 900
    assert row == sorted(row)


def test_nothing__any_time__no_energy():
    assert nothing(START).energy_at(START + 99_999) == 0
