"""What each message did: rows of messages, sessions, settlements, postings and quarter hours."""

from dataclasses import dataclass, replace

from gridroam.chain import events
from gridroam.domain.batch import (
    Pinned,
    cleared_leaf,
    expired_digest,
    expired_leaf,
    node,
    rejected_leaf,
    settled_leaf,
)
from gridroam.domain.clearing import reserves_of
from gridroam.domain.participants import Role
from gridroam.domain.session import State
from gridroam.domain.units import NOBODY
from gridroam.errors import ChainError
from gridroam.index import project_quarters, project_vehicles
from gridroam.index.desk import Desk, Handlers
from gridroam.index.project_money import Posting, post, reserve
from gridroam.index.received import Received
from gridroam.index.records import Kind
from gridroam.messages import NO_EVIDENCE, EnergyReport, OpenSession, unpack
from gridroam.signatures import recover
from gridroam.store import index_schema as schema
from gridroam.store.index_writer import Row


def apply(desk: Desk, one: Received, recorded: events.BatchRecorded, position: int) -> bytes:
    """Gives the leaf that the message leaves in its batch."""
    desk.messages += 1
    row = _message_row(desk, one, recorded, position)
    match one.events[-1], one.message:
        case events.SessionCleared() as cleared, OpenSession() as opening:
            _supersede(desk, one.events)
            leaf = _clear(desk, cleared, opening, row)
            _session(desk, opening)["signed"] = _has_signed(desk, one, opening)
        case events.ReportSettled(), EnergyReport() as report:
            leaf = _settle(desk, one, report, row)
        case events.MessageRejected() as rejected, message:
            leaf = rejected_leaf(one.digest, desk.time, rejected.reason)
            row["reason"] = int(rejected.reason)
            if rejected.reason.decides and isinstance(message, OpenSession):
                _refuse(desk, message, rejected, row)
        case outcome, _:
            raise ChainError(f"{type(outcome).__name__} cannot come of message {position}.")
    desk.rows.add(schema.messages, **row, leaf=leaf)
    return leaf


def _message_row(desk: Desk, one: Received, recorded: events.BatchRecorded, position: int) -> Row:
    message = one.message
    row: Row = {
        "id": desk.messages,
        "block": recorded.at.block,
        "batch": recorded.batch,
        "position": position,
        "kind": int(Kind.MALFORMED),
        "digest": one.digest,
        "body": one.body,
        "station": 0,
        "session": 0,
        "report": 0,
        "time": 0,
        "reason": 0,
        "vehicle": None,
    }
    if message is None:
        return row
    row |= {"station": message.station, "session": message.session, "time": message.time}
    station = desk.rows.look(schema.stations, message.station)
    row["grid_operator"] = station["grid_operator"] if station else NOBODY
    row["station_operator"] = station["operator"] if station else NOBODY
    if isinstance(message, OpenSession):
        row["kind"], row["vehicle"] = int(Kind.OPENING), message.vehicle
        own = project_vehicles.supplier_at(desk, message.vehicle, message.time)
        operator = row["station_operator"]
        row["supplier"] = own or project_vehicles.default_supplier(desk, operator)
        return row
    row["kind"], row["report"] = int(Kind.REPORT), message.report
    session = desk.rows.look(schema.sessions, message.station, message.session)
    if session:
        row |= {name: session[name] for name in ("vehicle", *_PARTIES)}
    return row


_PARTIES = ("supplier", "grid_operator", "station_operator")


# ---------------------------------------------------------------------------------------- openings


def _clear(desk: Desk, event: events.SessionCleared, opening: OpenSession, row: Row) -> bytes:
    station = desk.known(schema.stations, opening.station)
    row["supplier"] = event.supplier
    reserves = _reserves(desk, event, station)
    session = _open_session(desk, opening, row, State.OPEN)
    session["grid_tariff"], session["operator_tariff"] = event.grid_tariff, event.operator_tariff
    session["supplier_reserve"], session["grid_reserve"] = reserves
    session["held"] = reserves[0]
    reserve(desk, event.supplier, reserves[0])
    reserve(desk, station["grid_operator"], reserves[1])
    vehicle = desk.rows.change(schema.vehicles, opening.vehicle, since=desk.time)
    vehicle["sessions"] += 1
    vehicle["last_time"] = max(vehicle["last_time"], opening.time)
    if project_vehicles.supplier_at(desk, opening.vehicle, opening.time):
        vehicle["station"], vehicle["session"] = opening.station, opening.session
    station["sessions"] += 1
    return cleared_leaf(row["digest"], desk.time, _pinned(session), *reserves)


def _session(desk: Desk, message: OpenSession | EnergyReport) -> Row:
    return desk.known(schema.sessions, message.station, message.session)


def _has_signed(desk: Desk, one: Received, opening: OpenSession) -> bool:
    """Whether the vehicle has keys, and one of them signed."""
    keys, signature = project_vehicles.keys_of(desk, opening.vehicle), unpack(one.body)
    if keys is None or not signature.vehicle_signature:
        return False
    return keys.have_signed(recover(one.digest, signature.vehicle_signature), opening.time)


def _supersede(desk: Desk, found: list[events.Event]) -> None:
    """The vehicle was in a session elsewhere that it had not signed."""
    for event in found:
        if isinstance(event, events.SessionSuperseded):
            session = desk.known(schema.sessions, event.station, event.session)
            session["state"] = int(State.SUPERSEDED)
            station = desk.known(schema.stations, event.station)
            station["session_state"] = int(State.SUPERSEDED)
            desk.act(event, event.station, event.session)


def _pinned(session: Row) -> Pinned:
    return Pinned(*(session[name] for name in (*_PARTIES, "grid_tariff", "operator_tariff")))


def _reserves(desk: Desk, event: events.SessionCleared, station: Row) -> tuple[int, int]:
    grid, operator = station["grid_operator"], station["operator"]
    found = reserves_of(
        desk.known(schema.market, 1)["reserve_wh"],
        desk.tariff(grid, Role.GRID_OPERATOR, event.grid_tariff),
        desk.tariff(operator, Role.STATION_OPERATOR, event.operator_tariff),
        feeds_in=station["max_feed_in"] != 0,
    )
    return (sum(found), 0) if event.supplier == grid else found


def _refuse(desk: Desk, opening: OpenSession, event: events.MessageRejected, row: Row) -> None:
    session = _open_session(desk, opening, row, State.REFUSED)
    session["reason"] = int(event.reason)
    vehicle = desk.rows.change(schema.vehicles, opening.vehicle, since=desk.time)
    vehicle["last_time"] = max(vehicle["last_time"], opening.time)


def _open_session(desk: Desk, opening: OpenSession, row: Row, state: State) -> Row:
    session = desk.rows.change(
        schema.sessions,
        opening.station,
        opening.session,
        vehicle=opening.vehicle,
        **{name: row[name] for name in _PARTIES},
        state=int(state),
        opened=opening.time,
        time=opening.time,
        import_start=opening.import_register,
        export_start=opening.export_register,
        import_register=opening.import_register,
        export_register=opening.export_register,
        opening=row["id"],
        block=row["block"],
    )
    _touch(desk, opening, state)
    return session


def _touch(desk: Desk, message: OpenSession | EnergyReport, state: State) -> None:
    station = desk.known(schema.stations, message.station)
    station["session"], station["session_state"] = message.session, int(state)
    station["time"], station["touched"] = message.time, desk.time
    station["import_register"] = message.import_register
    station["export_register"] = message.export_register


# ----------------------------------------------------------------------------------------- reports


def _settle(desk: Desk, one: Received, report: EnergyReport, row: Row) -> bytes:
    session = _session(desk, report)
    parts = project_quarters.parts_of(session, report, one.events)
    since = session["time"]
    claims: list[events.ClaimOpened] = []
    leaves: list[bytes] = []
    for event in one.events:
        match event:
            case events.ClaimOpened():
                claims.append(event)
            case events.SupplierSwitched():
                _switch(desk, event, session)
            case events.ReportSettled():
                part = _Part(event, since, len(leaves) + 1, claims)
                leaves.append(_settle_part(desk, part, session, row))
                since, claims = event.time, []
    project_quarters.add(desk, session, report, parts)
    row |= {name: session[name] for name in _PARTIES}
    _advance(desk, session, report)
    return leaves[0] if len(leaves) == 1 else node(*leaves)


@dataclass(frozen=True, slots=True)
class _Part:
    """Of a report: one, or two where a change of supplier splits it."""

    event: events.ReportSettled
    since: int
    number: int
    claims: list[events.ClaimOpened]


def _switch(desk: Desk, event: events.SupplierSwitched, session: Row) -> None:
    """The old supplier's reserve is free, the new one holds its own."""
    reserve(desk, session["supplier"], -session["held"])
    reserve(desk, event.to, event.reserve)
    session["held"], session["supplier"] = event.reserve, event.to
    if session["former_supplier"]:
        desk.rows.change(schema.session_suppliers, event.from_, event.station, event.session)
    else:
        session["former_supplier"] = event.from_
    told = {"from": event.from_, "to": event.to, "effective": event.time, "reserve": event.reserve}
    desk.act(event, event.station, event.session, **told)


def _settle_part(desk: Desk, part: _Part, session: Row, row: Row) -> bytes:
    event = part.event
    parties = event.supplier, session["grid_operator"], session["station_operator"]
    pinned = _pinned(session)._replace(supplier=event.supplier)
    amounts = event.network_charge, event.service_fee, event.feed_in
    leaf = settled_leaf(row["digest"], desk.time, pinned, event.time, amounts)
    for posting in postings(event, parties, part.claims):
        post(desk, posting)
    _add_claims(desk, part, row["id"])
    numbers = desk.record(leaf, *parties)
    desk.rows.add(
        schema.settlements,
        message=row["id"],
        part=part.number,
        block=event.at.block,
        station=event.station,
        session=event.session,
        report=event.report,
        since=part.since,
        time=event.time,
        supplier=parties[0],
        grid_operator=parties[1],
        station_operator=parties[2],
        import_wh=event.import_wh,
        export_wh=event.export_wh,
        network_charge=event.network_charge,
        service_fee=event.service_fee,
        feed_in=event.feed_in,
        last=event.last,
        leaf=leaf,
        supplier_entry=numbers[parties[0]],
        grid_entry=numbers[parties[1]],
        operator_entry=numbers[parties[2]],
    )
    for name in ("network_charge", "service_fee", "feed_in"):
        session[name] += getattr(event, name)
    return leaf


def postings(
    event: events.ReportSettled,
    parties: tuple[int, int, int],
    claims: list[events.ClaimOpened],
) -> list[Posting]:
    """The three, in the ledger's order, each with what of it was not covered."""
    supplier, grid, operator = parties
    payer, payee = (grid, supplier) if event.feed_in >= 0 else (supplier, grid)
    made = [
        Posting(supplier, grid, event.network_charge, import_wh=event.import_wh),
        Posting(supplier, operator, event.service_fee, import_wh=event.import_wh),
        Posting(payer, payee, abs(event.feed_in), export_wh=event.export_wh),
    ]
    rest = list(claims)
    for number, posting in enumerate(made):
        same = rest and (rest[0].payer, rest[0].payee) == (posting.payer, posting.payee)
        if same and rest[0].amount <= posting.amount:
            made[number] = replace(posting, claim=rest.pop(0).amount)
    if rest:
        raise ChainError("The node's logs have a claim without its posting.")
    return made


def _add_claims(desk: Desk, part: _Part, message: int) -> None:
    for claim in part.claims:
        desk.rows.add(
            schema.claims,
            block=claim.at.block,
            log=claim.at.log_index,
            payer=claim.payer,
            payee=claim.payee,
            amount=claim.amount,
            time=desk.time,
            message=message,
            part=part.number,
            station=part.event.station,
            session=part.event.session,
        )


def _advance(desk: Desk, session: Row, report: EnergyReport) -> None:
    vehicle = desk.rows.change(schema.vehicles, session["vehicle"], since=desk.time)
    vehicle["import_wh"] += report.import_register - session["import_register"]
    vehicle["export_wh"] += report.export_register - session["export_register"]
    vehicle["last_time"] = max(vehicle["last_time"], report.time)
    session["time"], session["reports"] = report.time, report.report
    session["import_register"] = report.import_register
    session["export_register"] = report.export_register
    if report.last:
        session["evidence"] = None if report.evidence == NO_EVIDENCE else report.evidence
        end(desk, session, State.CLOSED)
    _touch(desk, report, State(session["state"]))


def end(desk: Desk, session: Row, state: State) -> None:
    """The reserves are free again."""
    session["state"], session["ended"] = int(state), desk.time
    reserve(desk, session["supplier"], -session["held"])
    reserve(desk, session["grid_operator"], -session["grid_reserve"])
    session["held"] = 0


def _expired(desk: Desk, event: events.SessionExpired) -> None:
    """Its batch of one is told of by the next event."""
    session = desk.known(schema.sessions, event.station, event.session)
    end(desk, session, State.EXPIRED)
    station = desk.known(schema.stations, event.station)
    station["session_state"] = int(State.EXPIRED)
    desk.act(event, event.station, event.session)
    place = event.station, event.session, session["reports"]
    desk.expired = {
        "kind": int(Kind.EXPIRY),
        "station": event.station,
        "session": event.session,
        "report": session["reports"],
        "time": session["time"],
        "digest": expired_digest(*place),
        "leaf": expired_leaf(*place, desk.time, _pinned(session)),
        "body": b"",
        "vehicle": session["vehicle"],
        **{name: session[name] for name in _PARTIES},
    }


def _recorded(desk: Desk, event: events.BatchRecorded) -> None:
    """Outside a transaction of messages: an expiry's."""
    row, desk.expired = desk.expired, None
    if row is None or row["leaf"] != event.root:
        raise ChainError(
            f"The node's logs of transaction 0x{event.at.tx_hash.hex()} do not fit: a batch's root "
            "does not follow from the expiry before it.",
            "It leaves out logs or changes them: ask another node.",
        )
    desk.messages += 1
    place = {"id": desk.messages, "block": event.at.block, "batch": event.batch, "position": 0}
    desk.rows.add(schema.messages, **place, **row)
    add_batch(desk, event)


def add_batch(desk: Desk, recorded: events.BatchRecorded) -> None:
    at = recorded.at
    desk.rows.add(
        schema.batches,
        number=recorded.batch,
        root=recorded.root,
        count=recorded.count,
        block=at.block,
        time=desk.time,
        tx_index=at.tx_index,
        tx_hash=at.tx_hash,
    )


HANDLERS: Handlers = {events.SessionExpired: _expired, events.BatchRecorded: _recorded}
"""Of events that stand outside batches."""
