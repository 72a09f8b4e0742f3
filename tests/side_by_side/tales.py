"""Stories of sessions as the contract takes them, kept from what was submitted."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from gridroam.domain.batch import Pinned
from gridroam.domain.decision import Cleared, Decision, Settled
from gridroam.domain.session import Session
from gridroam.domain.units import StationId, Timestamp
from gridroam.domain.version import Version
from gridroam.evidence.batches import Part, Told, proof_of
from gridroam.evidence.story import Story
from gridroam.messages import EnergyReport, Message, unpack

Key = tuple[StationId, int]


@dataclass
class Tale:
    """Of one session. `versions` are those that were in force, `cut` says that a report is left
    out."""

    key: Key
    opening: Told
    reports: tuple[Told, ...] = ()
    expiry: tuple[int, int] = (0, 0)
    versions: list[Version] = field(default_factory=list)
    cut: bool = False

    @property
    def is_closed(self) -> bool:
        """By a final report."""
        message = self.reports[-1].message if self.reports else None
        return isinstance(message, EnergyReport) and message.last

    @property
    def evidence(self) -> bytes:
        return Story(self.opening, self.reports).evidence

    def shortened(self) -> "Tale":
        """Without its first report, if it has one."""
        return replace(self, reports=self.reports[1:], cut=bool(self.reports))

    def as_argument(self) -> tuple[Any, ...]:
        return Story(self.opening, self.reports, *self.expiry).as_argument()


@dataclass
class Tales:
    """Of all sessions that were cleared. `_batch` is the one under way."""

    by_key: dict[Key, Tale] = field(default_factory=dict)
    _batch: list[tuple[Message, Told] | None] = field(default_factory=list)

    def hear(self, packed: bytes, decision: Decision, session: Session, now: Timestamp) -> None:
        """What became of a message; its place is known when the batch is recorded."""
        heard = None
        if isinstance(decision, Cleared):
            message, meta = unpack(packed).message, session.pinned.meta(now)
            reserves = decision.supplier_reserve, decision.grid_reserve
            heard = message, Told(message, 0, (), meta, *reserves)
        elif isinstance(decision, Settled):
            message = unpack(packed).message
            heard = message, Told(message, 0, (), parts=_parts(decision, session, now))
        self._batch.append(heard)

    def record(self, number: int, leaves: Sequence[bytes]) -> None:
        for index, heard in enumerate(self._batch):
            if heard is not None:
                message, told = heard
                told = replace(told, batch=number, proof=tuple(proof_of(leaves, index)))
                self._tell((message.station, message.session), message, told)
        self._batch.clear()

    def _tell(self, key: Key, message: Message, told: Told) -> None:
        if isinstance(message, EnergyReport):
            self.by_key[key].reports += (told,)
        else:
            self.by_key[key] = Tale(key, told)

    def expire(self, key: Key, batch: int, meta: int) -> None:
        self.by_key[key].expiry = batch, meta


def _parts(decision: Settled, session: Session, now: Timestamp) -> tuple[Part, ...]:
    tariffs = session.grid_tariff, session.operator_tariff
    return tuple(
        Part(
            Pinned(p.supplier, p.grid_operator, p.operator, *tariffs).meta(now, p.time),
            p.network_charge,
            p.service_fee,
            p.feed_in,
        )
        for p in decision.parts
    )
