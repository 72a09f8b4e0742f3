"""What a batch must have said, from its messages alone, laid beside what it did say."""

from collections.abc import Iterator
from difflib import SequenceMatcher
from itertools import zip_longest
from typing import NamedTuple

from gridroam.audit.difference import NOTHING, Findings, values_of
from gridroam.audit.signatures import Authenticated
from gridroam.chain import events
from gridroam.chain.events import Event, LogPosition
from gridroam.domain.decision import Cleared, Decision, Rejected, Settled
from gridroam.messages import EnergyReport, OpenSession

_KEYS = ("station", "session", "report", "digest", "payer", "payee")
"""Fields by which an event is known again, although others may differ."""


class Derived(NamedTuple):
    """An event that must stand on chain; `message` is the index of its message, if it has one."""

    event: Event
    message: int | None
    name: str


def events_of(
    message: Authenticated, index: int, decision: Decision, at: LogPosition
) -> Iterator[Derived]:
    """What a decision leaves in the log, in its order."""
    if isinstance(decision, Settled):
        for claim in decision.claims:
            opened = events.ClaimOpened(at, claim.payer, claim.payee, claim.amount)
            yield Derived(opened, index, message.name)
    yield Derived(_outcome(message, decision, at), index, message.name)


def _outcome(received: Authenticated, decision: Decision, at: LogPosition) -> Event:
    match decision, received.message:
        case Cleared(), OpenSession() as message:
            return events.SessionCleared(
                at,
                station=message.station,
                vehicle=message.vehicle,
                supplier=decision.supplier,
                session=message.session,
                time=message.time,
                import_register=message.import_register,
                export_register=message.export_register,
                grid_tariff=decision.grid_tariff,
                operator_tariff=decision.operator_tariff,
            )
        case Settled(), EnergyReport() as message:
            return events.ReportSettled(
                at,
                station=message.station,
                supplier=decision.supplier,
                session=message.session,
                report=message.report,
                time=message.time,
                import_wh=decision.import_wh,
                export_wh=decision.export_wh,
                network_charge=decision.network_charge,
                service_fee=decision.service_fee,
                feed_in=decision.feed_in,
                last=message.last,
            )
        case Rejected(), message:
            station = message.station if message else 0
            return events.MessageRejected(at, station, decision.reason, received.digest)
    raise TypeError(f"{decision} of {received}")


def compare(derived: list[Derived], found: tuple[Event, ...], findings: Findings) -> None:
    """Event by event, field by field; what is missing or too much is told as such."""
    keys, found_keys = [_key(d.event) for d in derived], [_key(event) for event in found]
    if keys == found_keys:
        for one, event in zip(derived, found, strict=True):
            _compare_fields(one, event, findings)
        return
    matcher = SequenceMatcher(None, keys, found_keys, autojunk=False)
    for tag, i, i_end, j, j_end in matcher.get_opcodes():
        for one, event in zip_longest(derived[i:i_end], found[j:j_end]):
            if tag == "equal":
                _compare_fields(one, event, findings)
            else:
                _replaced(one, event, findings)


def _replaced(one: Derived | None, event: Event | None, findings: Findings) -> None:
    if one is not None and event is not None and type(one.event) is type(event):
        _compare_fields(one, event, findings)
    elif one is not None:
        on_chain = NOTHING if event is None else event
        findings.add(one.name, "", one.event, on_chain, one.event.at, one.message)
    elif event is not None:
        findings.add("an event", "", NOTHING, event, event.at)


def _compare_fields(one: Derived, event: Event, findings: Findings) -> None:
    name = type(event).__name__
    subject = f"{one.name}: {name}" if one.name else name
    findings.compare(subject, values_of(one.event), event, event.at, one.message)


def _key(event: Event) -> tuple[object, ...]:
    return type(event), *(getattr(event, name, None) for name in _KEYS)
