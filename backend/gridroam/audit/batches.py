"""What a batch must have said, from its messages alone, laid beside what it did say."""

from collections.abc import Iterator
from dataclasses import astuple
from difflib import SequenceMatcher
from itertools import zip_longest
from typing import NamedTuple

from gridroam.audit.difference import NOTHING, Findings, values_of
from gridroam.audit.signatures import Authenticated
from gridroam.audit.wire import Opening, Report
from gridroam.chain import events
from gridroam.chain.events import Event, LogPosition
from gridroam.domain.decision import Cleared, Decision, Part, Rejected, Settled, Switched

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
    for event in _events(message, decision, at):
        yield Derived(event, index, message.name)


def _events(received: Authenticated, decision: Decision, at: LogPosition) -> Iterator[Event]:
    match decision, received.message:
        case Cleared(), Opening() as message:
            if decision.superseded:
                yield events.SessionSuperseded(at, *astuple(decision.superseded))
            yield _cleared(message, decision, at)
        case Settled(), Report() as message:
            for part in decision.parts[:-1]:
                yield from _settled(message, part, at)
            if decision.switched:
                yield _switched(message, decision.switched, at)
            yield from _settled(message, decision.parts[-1], at)
        case Rejected(), message:
            station = message.station if message else 0
            yield events.MessageRejected(at, station, decision.reason, received.digest)
        case _:
            raise TypeError(f"{decision} of {received}")


def _cleared(message: Opening, decision: Cleared, at: LogPosition) -> Event:
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


def _settled(message: Report, part: Part, at: LogPosition) -> Iterator[Event]:
    for claim in part.claims:
        yield events.ClaimOpened(at, claim.payer, claim.payee, claim.amount)
    yield events.ReportSettled(
        at,
        station=message.station,
        supplier=part.supplier,
        session=message.session,
        report=message.report,
        time=part.time,
        import_wh=part.import_wh,
        export_wh=part.export_wh,
        network_charge=part.network_charge,
        service_fee=part.service_fee,
        feed_in=part.feed_in,
        last=part.last,
    )


def _switched(message: Report, switched: Switched, at: LogPosition) -> Event:
    return events.SupplierSwitched(
        at,
        station=message.station,
        from_=switched.from_,
        to=switched.to,
        session=message.session,
        time=switched.time,
        reserve=switched.reserve,
    )


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
