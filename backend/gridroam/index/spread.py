"""Whether a report's boundaries were read, or made: a station that had no reading at a slot
boundary spreads the energy evenly over the time, and exactly so it is known again.
"""

from collections.abc import Sequence
from itertools import pairwise

from gridroam.domain.energy import Reading
from gridroam.domain.message import Report, reading_of
from gridroam.domain.slots import boundaries_between
from gridroam.domain.version import Version
from gridroam.messages import EnergyReport, OpenSession

Registers = tuple[int, int]
"""Import and export, Wh."""


def is_even(start: Reading, report: Report) -> bool:
    """Whether every boundary is exactly what spreading evenly gives, and energy flowed at all."""
    return _are_even(start, report.boundaries, reading_of(report))


def made_by(messages: Sequence[OpenSession | EnergyReport]) -> dict[int, Registers]:
    """The boundaries of a session's reports that nobody read, with their registers."""
    made: dict[int, Registers] = {}
    for before, report in pairwise(messages):
        start = reading_of(before)
        if isinstance(report, EnergyReport) and is_even(start, report):
            made |= zip(boundaries_between(start.time, report.time), report.boundaries, strict=True)
    return made


def made_in(version: Version, reported: dict[int, Registers]) -> frozenset[int]:
    """The boundaries of a later version that nobody read: all of them if it is spread evenly as a
    whole, else those that it keeps of the reports'."""
    start, *within, end = version.moments()
    if _are_even(start, [moment[1:] for moment in within], end):
        return frozenset(moment.time for moment in within)
    return frozenset(m.time for m in within if reported.get(m.time) == m[1:])


def _are_even(start: Reading, boundaries: Sequence[Registers], end: Reading) -> bool:
    energy = (
        end.import_register - start.import_register,
        end.export_register - start.export_register,
    )
    if not boundaries or not any(energy):
        return False
    seconds = end.time - start.time
    for time, registers in zip(boundaries_between(start.time, end.time), boundaries, strict=True):
        elapsed = time - start.time
        made = (
            start.import_register + energy[0] * elapsed // seconds,
            start.export_register + energy[1] * elapsed // seconds,
        )
        if tuple(registers) != made:
            return False
    return True
