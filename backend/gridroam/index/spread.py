"""Whether a report's boundaries were read, or made: a station that had no reading at a slot
boundary spreads the energy evenly over the time, and exactly so it is known again.
"""

from gridroam.domain.energy import Reading
from gridroam.domain.message import Report
from gridroam.domain.slots import boundaries_between


def is_even(start: Reading, report: Report) -> bool:
    """Whether every boundary is exactly what spreading evenly gives, and energy flowed at all."""
    energy = (
        report.import_register - start.import_register,
        report.export_register - start.export_register,
    )
    if not report.boundaries or not any(energy):
        return False
    seconds = report.time - start.time
    for time, (imported, exported) in zip(
        boundaries_between(start.time, report.time), report.boundaries, strict=True
    ):
        elapsed = time - start.time
        if imported != start.import_register + energy[0] * elapsed // seconds:
            return False
        if exported != start.export_register + energy[1] * elapsed // seconds:
            return False
    return True
