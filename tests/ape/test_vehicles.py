"""Vehicles and their change of supplier."""

import ape
import pytest

from gridroam.domain.slots import SLOT
from gridroam.domain.vehicles import vehicle_id

COMMITMENT = b"car".rjust(32, b"\0")
CAR = vehicle_id(1, COMMITMENT)


@pytest.fixture
def registered(ledger, supplier, slot):
    ledger.registerVehicles([COMMITMENT], slot, sender=supplier)


def test_register__from_the_running_slot(ledger, registered, slot):
    assert ledger.supplierAt(CAR, slot) == 1
    assert ledger.supplierAt(CAR, slot - 1) == 0


def test_register__again__reverts(ledger, registered, supplier, slot):
    with ape.reverts(ledger.VehicleTaken, vehicle=CAR):
        ledger.registerVehicles([COMMITMENT], slot, sender=supplier)


def test_register__by_another__is_another_vehicle(ledger, registered, other_supplier, slot):
    ledger.registerVehicles([COMMITMENT], slot, sender=other_supplier)

    assert ledger.supplierAt(CAR, slot) == 1
    assert ledger.supplierAt(vehicle_id(2, COMMITMENT), slot) == 2


def test_register__in_the_past__reverts(ledger, supplier, slot):
    with ape.reverts(ledger.TooEarly):
        ledger.registerVehicles([COMMITMENT], slot - SLOT, sender=supplier)


def test_change__needs_both_suppliers(ledger, registered, supplier, other_supplier, slot):
    effective = slot + 4 * SLOT
    with ape.reverts(ledger.NotOffered, vehicle=CAR):
        ledger.acceptVehicles([CAR], sender=other_supplier)

    ledger.offerVehicles([CAR], 2, effective, sender=supplier)
    assert ledger.supplierAt(CAR, effective) == 1
    ledger.acceptVehicles([CAR], sender=other_supplier)

    assert ledger.supplierAt(CAR, effective - 1) == 1
    assert ledger.supplierAt(CAR, effective) == 2


def test_change__offered_by_another__reverts(ledger, registered, other_supplier, slot):
    with ape.reverts(ledger.NotTheSupplier, vehicle=CAR):
        ledger.offerVehicles([CAR], 2, slot + SLOT, sender=other_supplier)


def test_change__accepted_too_late__reverts(
    ledger, registered, supplier, other_supplier, chain, slot
):
    ledger.offerVehicles([CAR], 2, slot + SLOT, sender=supplier)
    chain.pending_timestamp = slot + SLOT + 1

    with ape.reverts(ledger.TooEarly):
        ledger.acceptVehicles([CAR], sender=other_supplier)


def test_release__nobody_supplies_it_from_then_on(ledger, registered, supplier, slot):
    ledger.releaseVehicles([CAR], slot + SLOT, sender=supplier)

    assert ledger.supplierAt(CAR, slot + SLOT - 1) == 1
    assert ledger.supplierAt(CAR, slot + SLOT) == 0
