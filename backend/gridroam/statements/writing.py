"""How rows of the index become a statement's lines."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from sqlalchemy import Connection

from gridroam.domain.energy import Reading
from gridroam.domain.journal import correction_entry
from gridroam.domain.message import reading_of
from gridroam.domain.participants import Role
from gridroam.domain.tariff import Tariff
from gridroam.errors import InvalidInputError, StoreError
from gridroam.index.records import Kind, Message, PaymentKind, Settlement
from gridroam.messages import NO_EVIDENCE, EnergyReport, unpack
from gridroam.statements import proofs
from gridroam.statements.corrections import message_of
from gridroam.statements.lines import Line, LineKind
from gridroam.statements.parts import reading_at, slots_between
from gridroam.store import index_parties, index_statements
from gridroam.store.index_statements import Entered, Told

_KEPT_BATCHES = 64
_PAYMENTS = {
    PaymentKind.DEPOSIT: LineKind.DEPOSIT,
    PaymentKind.WITHDRAWAL: LineKind.WITHDRAWAL,
    PaymentKind.COLLECTION: LineKind.COLLECTION,
}


@dataclass(slots=True)
class _Last:
    """Of a session: the last message told of, the reading before it, and its own."""

    message: int
    before: Reading
    reading: Reading


@dataclass(slots=True)
class Writer:
    """Goes through messages in the chain's order. Lines get their number and balance elsewhere."""

    connection: Connection
    _last: dict[tuple[int, int], _Last] = field(default_factory=dict)
    _leaves: dict[int, list[bytes]] = field(default_factory=dict)
    _tariffs: dict[tuple[int, Role, int], Tariff] = field(default_factory=dict)

    def term(self, told: Told, kind: LineKind) -> Line:
        """An opening, or an expiry."""
        message = told.message
        line = self._line(told, kind)
        if message.kind is not Kind.OPENING:
            self._last.pop((message.station, message.session), None)
            return replace(line, time=line.booked, vehicle="")
        reading = reading_of(unpack(message.body).message)
        self._last[message.station, message.session] = _Last(message.id, reading, reading)
        return replace(
            line,
            supplier_reserve=told.supplier_reserve,
            grid_reserve=told.grid_reserve,
            since=reading.time,
            until=reading.time,
            import_start=reading.import_register,
            export_start=reading.export_register,
            import_register=reading.import_register,
            export_register=reading.export_register,
        )

    def carried(self, message: Message) -> Iterator[Line]:
        """What a settled message builds on, if it was not told of."""
        if (message.station, message.session) in self._last:
            return
        for told in index_statements.earlier(self.connection, message):
            if told.message.kind is Kind.OPENING:
                yield self.term(told, LineKind.CARRIED)
            else:
                part = index_statements.parts(self.connection, told.message)[-1]
                reading = reading_of(unpack(told.message.body).message)
                place = told.message.station, told.message.session
                self._last[place] = _Last(told.message.id, reading, reading)
                line = self._amounts(self._line(told, LineKind.CARRIED, part), part)
                yield replace(_between(line, (reading, reading)), import_wh=0, export_wh=0)

    def settled(self, told: Told, part: Settlement) -> Line:
        """A report, or one part of it."""
        message, report = told.message, unpack(told.message.body).message
        last = self._last[message.station, message.session]
        if last.message != message.id:
            last.before, last.message = last.reading, message.id
            last.reading = reading_of(report)
        if not isinstance(report, EnergyReport):
            raise TypeError("an opening settles nothing")
        try:
            ends = (
                reading_at(last.before, report, part.since),
                reading_at(last.before, report, part.time),
            )
        except ValueError as error:
            raise StoreError(
                f"The index contradicts itself about session {message.session} of station "
                f"{message.station}: {error}.",
                "Somebody changed it: make it anew with gridroam index rebuild.",
            ) from error
        line = self._amounts(self._line(told, LineKind.SETTLED, part), part)
        grid = self._tariff(part.grid_operator, Role.GRID_OPERATOR, told.grid_tariff)
        operator = self._tariff(part.station_operator, Role.STATION_OPERATOR, told.operator_tariff)
        if part.last:
            del self._last[message.station, message.session]
        slots = slots_between(last.before, report, ends, grid, operator)
        return replace(_between(line, ends), slots=slots)

    def payment(self, entered: Entered) -> Line:
        payment = entered.entry.payment
        if payment is None:
            raise TypeError("it is no payment")
        return Line(
            0,
            _PAYMENTS[payment.kind],
            time=payment.time,
            booked=payment.time,
            block=payment.block,
            tx="0x" + payment.tx_hash.hex(),
            leaf="0x" + payment.hash.hex(),
            other=payment.other,
        )

    def correction(self, entered: Entered) -> Line:
        """The entry of a version that came into force."""
        payment = entered.entry.payment
        if payment is None:
            raise TypeError("it is no correction")
        made = self.version(payment.station, payment.session, payment.version)
        return replace(made, leaf="0x" + payment.hash.hex())

    def version(self, station: int, session: int, number: int) -> Line:
        """Of a session, from the second on."""
        made = index_statements.corrected(self.connection, station, session, number)
        content = made.after.content
        return Line(
            0,
            LineKind.CORRECTION,
            time=made.time,
            booked=made.time,
            block=made.block,
            tx="0x" + made.tx_hash.hex(),
            digest="0x" + content.hex(),
            leaf="0x" + correction_entry(station, session, number, content).hex(),
            message=message_of(made.before, made.after),
            station=station,
            evse_id=made.evse_id,
            session=session,
            version=number,
        )

    # ------------------------------------------------------------------------------------- internal

    def _line(self, told: Told, kind: LineKind, part: Settlement | None = None) -> Line:
        message = told.message
        beside = proofs.path(self._leaves_of(message.batch), message.position)
        leaf = message.leaf
        if part is not None and part.leaf != message.leaf:
            beside = [*self._other_parts(message, part), *beside]
            leaf = part.leaf
        return Line(
            0,
            kind,
            time=message.time,
            booked=message.block_time,
            block=message.block,
            tx="0x" + message.tx_hash.hex(),
            batch=message.batch,
            path=proofs.join(beside),
            digest="0x" + message.digest.hex(),
            leaf="0x" + leaf.hex(),
            message="0x" + message.body.hex() if message.body else "",
            station=message.station,
            evse_id=told.evse_id,
            session=message.session,
            report=message.report,
            version=1,
            vehicle="0x" + message.vehicle.hex() if message.vehicle else "",
            supplier=message.supplier,
            grid_operator=message.grid_operator,
            station_operator=message.station_operator,
            grid_tariff=told.grid_tariff,
            operator_tariff=told.operator_tariff,
            evidence=_evidence(message),
        )

    def _amounts(self, line: Line, part: Settlement) -> Line:
        return replace(
            line,
            last=part.last,
            supplier=part.supplier,
            import_wh=part.import_wh,
            export_wh=part.export_wh,
            network_charge=part.network_charge,
            service_fee=part.service_fee,
            feed_in=part.feed_in,
        )

    def _other_parts(self, message: Message, part: Settlement) -> list[bytes]:
        parts = index_statements.parts(self.connection, message)
        return [one.leaf for one in parts if one.part != part.part]

    def _leaves_of(self, batch: int) -> list[bytes]:
        if batch not in self._leaves:
            if len(self._leaves) >= _KEPT_BATCHES:
                del self._leaves[next(iter(self._leaves))]
            self._leaves[batch] = index_statements.leaves(self.connection, batch)
        return self._leaves[batch]

    def _tariff(self, participant: int, role: Role, version: int) -> Tariff:
        key = participant, role, version
        if key not in self._tariffs:
            found = index_parties.tariff(self.connection, participant, role, version)
            if found is None:
                raise InvalidInputError(f"The index has no tariff {version} of {participant}.")
            self._tariffs[key] = found
        return self._tariffs[key]


def _between(line: Line, ends: tuple[Reading, Reading]) -> Line:
    begin, end = ends
    return replace(
        line,
        since=begin.time,
        until=end.time,
        import_start=begin.import_register,
        export_start=begin.export_register,
        import_register=end.import_register,
        export_register=end.export_register,
    )


def _evidence(message: Message) -> str:
    if message.kind is not Kind.REPORT:
        return ""
    report = unpack(message.body).message
    if not isinstance(report, EnergyReport) or report.evidence == NO_EVIDENCE:
        return ""
    return "0x" + report.evidence.hex()
