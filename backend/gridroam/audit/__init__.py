"""Re-derives every decision, posting and balance of a ledger from the chain alone, and compares.

It trusts no event, no relay and no database: only signatures, the rules in `gridroam.domain`, and
what the contracts keep. `run(source)` gives a `Report`.
"""

from gridroam.audit.auditor import Scope, Step, run
from gridroam.audit.difference import Difference
from gridroam.audit.report import Report
from gridroam.audit.source import NodeSource, ProvenSource, Source, open_source
from gridroam.audit.state import StateFile

__all__ = [
    "Difference",
    "NodeSource",
    "ProvenSource",
    "Report",
    "Scope",
    "Source",
    "StateFile",
    "Step",
    "open_source",
    "run",
]
