"""What the contracts' views must say where no more than the state itself is compared elsewhere."""

from collections.abc import Iterator
from itertools import product
from typing import Any

from rules import Rules
from setting import (
    CHARGING,
    CITY,
    COAST,
    COMMITMENTS,
    COMPANIES,
    GRID,
    HEIRS,
    NEWCOMER,
    OPERATOR,
    POOR,
    RICH,
    STRANGER,
    UTILITY,
    VEHICLES,
)

from gridroam.audit.difference import Findings
from gridroam.chain import records
from gridroam.chain.bulk import Read, read
from gridroam.chain.ledger import Ledger
from gridroam.domain.units import NO_KEY
from gridroam.domain.vehicles import vehicle_id

_SUPPLIERS, _OPERATORS = (RICH, POOR, UTILITY, CITY), (CITY, CHARGING, NEWCOMER)
_SELLERS = ((COAST, GRID), (UTILITY, GRID), (CITY, GRID), (CITY, OPERATOR), (CHARGING, OPERATOR))


def compare_views(rules: Rules, ledger: Ledger, block: int, findings: Findings) -> None:
    expected = list(_views(rules))
    answers = read(ledger, [view for view, _ in expected], block)
    for (view, answer), found in zip(expected, answers, strict=True):
        if found != answer:
            findings.add(f"{view.function}{view.arguments}", "", answer, found)


def _views(rules: Rules) -> Iterator[tuple[Read, Any]]:
    """Each with the answer that it must give."""
    participants, now = rules.participants, rules.now
    for account in (*COMPANIES, *HEIRS, STRANGER):
        yield Read("participantOf", (account,)), participants.by_account.get(account, 0)
    for consent in product(_SUPPLIERS, _OPERATORS):
        yield Read("offersDefaultSupply", consent), consent in participants.default_offers
    for seller, role in _SELLERS:
        version = rules.market.registry.tariffs.in_force(seller, role, now)
        yield Read("tariffAt", (seller, role, now)), version
    for batch, root in list(rules.roots.items())[-3:]:
        yield Read("batchRoot", (batch,)), root
    for number, former in rules.stations.former_keys.items():
        for time in (max(1, former.until) - 1, former.until):
            may = rules.stations.may_sign(number, former.key, time)
            yield Read("maySign", (number, former.key, time)), may
            key = former.key if former.is_good(time) else NO_KEY
            yield Read("formerKeyAt", (number, time)), key
    yield from _vehicles(rules)


def _vehicles(rules: Rules) -> Iterator[tuple[Read, Any]]:
    for vehicle in VEHICLES:
        yield (
            Read("supplierAt", (vehicle, rules.now)),
            rules.vehicles.supplier_at(vehicle, rules.now),
        )
        if vehicle not in rules.vehicles.by_id:
            untouched = records.Vehicle(0, 0, 0, 0, 0, 0, keyed=False)
            yield Read("vehicles", (vehicle,), records.Vehicle), untouched
        if vehicle not in rules.vehicles.keys:
            yield Read("vehicleKeys", (vehicle,), records.VehicleKeys), records.VehicleKeys()
    for supplier, commitment in product((RICH, UTILITY), COMMITMENTS[:2]):
        yield Read("vehicleIdOf", (supplier, commitment)), vehicle_id(supplier, commitment)
