"""How a message ends: cleared, settled or rejected, each with the leaf it leaves in its batch."""

from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from gridroam.domain.accounts import Claim
from gridroam.domain.reasons import Reason
from gridroam.domain.units import (
    Bytes32,
    NanoEuro,
    ParticipantId,
    StationId,
    Timestamp,
    Version,
    Wh,
)


@dataclass(frozen=True, slots=True)
class Superseded:
    """A session that the vehicle did not sign and that a signed opening elsewhere has won over."""

    station: StationId
    session: int


class Cleared(NamedTuple):
    """The session is open, on these terms."""

    leaf: Bytes32
    supplier: ParticipantId
    grid_tariff: Version
    operator_tariff: Version
    supplier_reserve: NanoEuro
    grid_reserve: NanoEuro
    superseded: Superseded | None = None


class Part(NamedTuple):
    """What one supplier has of a report: all of it, or what lies on one side of a change."""

    leaf: Bytes32
    supplier: ParticipantId
    grid_operator: ParticipantId
    operator: ParticipantId
    time: Timestamp
    """Of its end."""
    import_wh: Wh
    export_wh: Wh
    network_charge: NanoEuro
    """Supplier to grid operator."""
    service_fee: NanoEuro
    """Supplier to station operator."""
    feed_in: NanoEuro
    """Grid operator to supplier; negative: supplier to grid operator."""
    last: bool
    claims: tuple[Claim, ...]
    """What was not covered, in the order of the postings."""


@dataclass(frozen=True, slots=True)
class Switched:
    """The session has another supplier from `time` on, which holds `reserve` for it."""

    from_: ParticipantId
    to: ParticipantId
    time: Timestamp
    reserve: NanoEuro


class Settled(NamedTuple):
    """Since the last reading, in one part, or in two with a change of supplier between them."""

    leaf: Bytes32
    """The part's, or the inner node above both."""
    parts: tuple[Part, ...]
    switched: Switched | None = None
    """Right before the last part."""


class Rejected(NamedTuple):
    """Nothing changed, unless the reason decides."""

    leaf: Bytes32
    reason: Reason


Decision: TypeAlias = Cleared | Settled | Rejected
