"""Settles a report: prices its energy at the session's pinned tariffs, posts what is due, and hands
the session over where the vehicle has changed its supplier on the road.

The change lies at the start of a slot, so the register of that moment is in the report: the energy
before it is the old supplier's, what comes after the new one's, to the watt-hour.
"""

from typing import NamedTuple

from gridroam.domain import settlement
from gridroam.domain.accounts import Accounts, Claim
from gridroam.domain.batch import Pinned, node, settled_leaf
from gridroam.domain.decision import Part, Settled, Switched
from gridroam.domain.energy import Course, Reading
from gridroam.domain.message import Report
from gridroam.domain.participants import Role
from gridroam.domain.session import Change, Session
from gridroam.domain.settlement import Amounts
from gridroam.domain.tariffs import Tariffs
from gridroam.domain.units import Bytes32, Timestamp, Wh


class Settling(NamedTuple):
    """Of one report: in whose books, for which session, under which digest, at which block time."""

    accounts: Accounts
    tariffs: Tariffs
    session: Session
    digest: Bytes32
    now: Timestamp

    def settle(self, report: Report, reading: Reading, energy: Course) -> Settled:
        """The report was checked, and is `reading` and `energy`. To end the session is the
        caller's."""
        session, change = self.session, self.session.change
        parts: list[Part] = []
        switched = None
        if change and session.time < change.effective < report.time:
            before, energy = energy.cut(change.effective)
            parts.append(self._part(before, change.effective, last=False))
        if change and (change.effective <= session.time or change.effective < report.time):
            switched = self._switch(change)
        parts.append(self._part(energy, report.time, last=report.last))
        session.report = report.report
        session.advance(reading, self.now)
        leaf = parts[0].leaf if len(parts) == 1 else node(parts[0].leaf, parts[1].leaf)
        return Settled(leaf, tuple(parts), switched)

    def _switch(self, change: Change) -> Switched:
        """The new supplier holds the same reserve as the old one, if it can cover it."""
        session, accounts = self.session, self.accounts.accounts
        old, reserve = session.supplier, session.supplier_reserve
        accounts[old].reserved -= reserve
        held = reserve if accounts[change.supplier].covers(reserve) else 0
        accounts[change.supplier].reserved += held
        session.supplier, session.supplier_reserve = change.supplier, held
        session.change = None
        return Switched(old, change.supplier, change.effective, held)

    def _part(self, energy: Course, end: Timestamp, *, last: bool) -> Part:
        """Posts what the energy of some slots costs, between the parties of the moment."""
        pinned = self.session.pinned
        due = self._price(pinned, energy, last=last)
        import_wh, export_wh = sum(energy.import_wh), sum(energy.export_wh)
        claims = self._post(due, import_wh, export_wh)
        leaf = settled_leaf(self.digest, self.now, pinned, end, due)
        parties = pinned[:3]
        self.accounts.record(leaf, *parties)
        return Part(leaf, *parties, end, import_wh, export_wh, *due, last, claims)

    def _price(self, pinned: Pinned, energy: Course, *, last: bool) -> Amounts:
        """At the versions that were pinned at clearing."""
        get = self.tariffs.get
        grid = get(pinned.grid_operator, Role.GRID_OPERATOR, pinned.grid_tariff)
        operator = get(pinned.station_operator, Role.STATION_OPERATOR, pinned.operator_tariff)
        return settlement.price(energy, grid, operator, last=last)

    def _post(self, due: Amounts, import_wh: Wh, export_wh: Wh) -> tuple[Claim, ...]:
        supplier, grid = self.session.supplier, self.session.grid_operator
        operator, post = self.session.station_operator, self.accounts.post
        payer, payee = (grid, supplier) if due.feed_in >= 0 else (supplier, grid)
        claims = (
            post(supplier, grid, due.network_charge, import_wh=import_wh),
            post(supplier, operator, due.service_fee, import_wh=import_wh),
            post(payer, payee, abs(due.feed_in), export_wh=export_wh),
        )
        return tuple(claim for claim in claims if claim)
