"""The quarter hours of what one report settled, or of one of the parts that a change of supplier
makes of it: from the reading before, the signed report, and the pinned tariffs."""

from gridroam.domain.energy import Reading, by_slot
from gridroam.domain.message import Report, reading_of
from gridroam.domain.slots import SLOT, boundaries_between, boundary_count, slot_start
from gridroam.domain.tariff import Tariff
from gridroam.index.spread import is_even
from gridroam.statements.lines import SlotLine


def reading_at(start: Reading, report: Report, time: int) -> Reading:
    """What the report says of `time`: its own reading, the one before, or a boundary's.

    Raises `ValueError` for a time that it says nothing of.
    """
    if time == report.time:
        return reading_of(report)
    if time == start.time:
        return start
    place, beside = divmod(time - slot_start(start.time), SLOT)
    fits = len(report.boundaries) == boundary_count(start.time, report.time)
    if beside or not fits or not start.time < time < report.time:
        raise ValueError(f"the report says nothing of {time}")
    return Reading(time, *report.boundaries[place - 1])


def slots_between(
    start: Reading, report: Report, part: tuple[Reading, Reading], grid: Tariff, operator: Tariff
) -> tuple[SlotLine, ...]:
    """Of the part of the report between two of its readings."""
    begin, end = part
    times = boundaries_between(start.time, report.time)
    inside = [
        registers
        for time, registers in zip(times, report.boundaries, strict=True)
        if begin.time < time < end.time
    ]
    even = is_even(start, report)
    made = []
    for slot in by_slot(begin, inside, end):
        level, operator_level = grid.level(slot.time), operator.level(slot.time)
        price, feed_in = grid.import_prices[level], grid.export_prices[level]
        fee = operator.import_prices[operator_level]
        made.append(
            SlotLine(
                slot.time,
                slot.seconds,
                slot.import_wh,
                slot.export_wh,
                level,
                operator_level,
                price,
                feed_in,
                fee,
                slot.import_wh * price,
                slot.import_wh * fee,
                slot.export_wh * feed_in,
                even,
            )
        )
    return tuple(made)
