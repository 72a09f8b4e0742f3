"""A session's story: opening, reports, and how it ended, each with its place in a batch."""

from dataclasses import dataclass, field
from typing import Any

from gridroam.chain import abi, events
from gridroam.chain.ledger import Ledger
from gridroam.domain.batch import Pinned
from gridroam.errors import ChainError, InvalidInputError
from gridroam.evidence.batches import Told, told_in
from gridroam.messages import EnergyReport, OpenSession

_KINDS = ("SessionCleared", "ReportSettled", "SessionExpired")


@dataclass(frozen=True, slots=True)
class Story:
    """`expiry_batch` is 0 if the session ended with a final report."""

    opening: Told
    reports: tuple[Told, ...]
    expiry_batch: int = 0
    expiry_meta: int = 0

    @property
    def evidence(self) -> bytes:
        """What the last report refers to, 32 zero bytes if nothing."""
        message = self.reports[-1].message if self.reports else None
        return message.evidence if isinstance(message, EnergyReport) else bytes(32)

    def as_argument(self) -> tuple[Any, ...]:
        """As the contracts take it: `IStory.Story`."""
        return (
            (
                _head(self.opening),
                self.opening.meta,
                self.opening.supplier_reserve,
                self.opening.grid_reserve,
                _place(self.opening),
            ),
            [
                (
                    _head(told),
                    [(p.meta, p.network_charge, p.service_fee, p.feed_in) for p in told.parts],
                    _place(told),
                )
                for told in self.reports
            ],
            self.expiry_batch,
            self.expiry_meta,
        )


@dataclass
class _Found:
    opening: Told | None = None
    reports: list[Told] = field(default_factory=list)


def story_of(ledger: Ledger, station: int, session: int, *, first_block: int = 0) -> Story:
    """From the chain's events, and the state at their blocks: the node must keep both.

    Raises `InvalidInputError` if the session was not cleared or has not ended, `ChainError`.
    """
    happened = _events(ledger, station, session, first_block)
    transactions = list(dict.fromkeys(e.at.tx_hash for e in happened if not _is_expiry(e)))
    found = _Found()
    for tx_hash in transactions:
        for told in told_in(ledger, tx_hash):
            _sort(told, found, station, session)
    if found.opening is None:
        raise InvalidInputError(f"Session {session} of station {station} was never cleared.")
    expiry = next((e for e in happened if isinstance(e, events.SessionExpired)), None)
    last = found.reports[-1].message if found.reports else None
    if isinstance(last, EnergyReport) and last.last:
        return Story(found.opening, tuple(found.reports))
    if expiry is None:
        raise InvalidInputError(
            f"Session {session} of station {station} has not ended.",
            "Wait for its final report, or for somebody to expire it.",
        )
    batch, meta = _expiry(ledger, station, expiry)
    return Story(found.opening, tuple(found.reports), batch, meta)


def _sort(told: Told, found: _Found, station: int, session: int) -> None:
    message = told.message
    if message is None or (message.station, message.session) != (station, session):
        return
    if isinstance(message, OpenSession) and told.meta:
        found.opening = told
    elif told.parts:
        found.reports.append(told)


def _events(ledger: Ledger, station: int, session: int, first_block: int) -> list[events.Event]:
    w3 = ledger.w3
    kinds = [e.topic for e in abi.events("Ledger") if e.name in _KINDS]
    query: Any = {
        "address": ledger.address,
        "fromBlock": first_block,
        "toBlock": "latest",
        "topics": [["0x" + topic.hex() for topic in kinds], f"0x{station:064x}"],
    }
    logs = w3.eth.get_logs(query)
    found = [event for event in map(events.decode, logs) if event is not None]
    return [event for event in found if getattr(event, "session", None) == session]


def _is_expiry(event: events.Event) -> bool:
    return isinstance(event, events.SessionExpired)


def _expiry(ledger: Ledger, station: int, event: events.SessionExpired) -> tuple[int, int]:
    """The batch of one that it left, and the words of its leaf."""
    block = event.at.block
    query: Any = {"address": ledger.address, "fromBlock": block, "toBlock": block}
    for log in ledger.w3.eth.get_logs(query):
        recorded = events.decode(log)
        if isinstance(recorded, events.BatchRecorded) and recorded.at.tx_hash == event.at.tx_hash:
            session = ledger.session(station, block)
            time = ledger.w3.eth.get_block(block)["timestamp"]
            pinned = Pinned(
                session.supplier,
                session.grid_operator,
                session.station_operator,
                session.grid_tariff,
                session.operator_tariff,
            )
            return recorded.batch, pinned.meta(time)
    raise ChainError(f"The expiry of station {station} in block {block} left no batch.")


def _head(told: Told) -> bytes:
    if told.message is None:
        raise ChainError("A message of the story cannot be read.")
    return told.message.head()


def _place(told: Told) -> tuple[int, list[bytes]]:
    return told.batch, list(told.proof)
