"""How a message ends: cleared, settled or rejected, each with the leaf it leaves in its batch."""

from dataclasses import dataclass
from typing import TypeAlias

from gridroam.domain.accounts import Claim
from gridroam.domain.reasons import Reason
from gridroam.domain.units import Bytes32, NanoEuro, ParticipantId, Version, Wh


@dataclass(frozen=True, slots=True)
class Cleared:
    """The session is open, on these terms."""

    leaf: Bytes32
    supplier: ParticipantId
    grid_tariff: Version
    operator_tariff: Version
    supplier_reserve: NanoEuro
    grid_reserve: NanoEuro


@dataclass(frozen=True, slots=True)
class Settled:
    """Since the last reading."""

    leaf: Bytes32
    supplier: ParticipantId
    grid_operator: ParticipantId
    operator: ParticipantId
    import_wh: Wh
    export_wh: Wh
    network_charge: NanoEuro
    """Supplier to grid operator."""
    service_fee: NanoEuro
    """Supplier to station operator."""
    feed_in: NanoEuro
    """Grid operator to supplier; negative: supplier to grid operator."""
    claims: tuple[Claim, ...]
    """What was not covered, in the order of the postings."""


@dataclass(frozen=True, slots=True)
class Rejected:
    """Nothing changed, unless the reason decides."""

    leaf: Bytes32
    reason: Reason


Decision: TypeAlias = Cleared | Settled | Rejected
