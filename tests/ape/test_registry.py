"""Who may admit, register, approve and publish."""

from dataclasses import astuple, replace

import ape
import pytest

from conftest import METER
from gridroam.chain.deploy import DEVNET_LIMITS
from gridroam.devnet.plan import tariff
from gridroam.domain.participants import Role
from gridroam.domain.slots import SLOT

GRID_OPERATOR = 3
STATION_OPERATOR = 4
KEY = "0x00000000000000000000000000000000000000A1"


def test_admit__governance__takes_the_next_number(registry, governance, stranger):
    receipt = registry.admit(stranger, 5, "4033872000022", sender=governance)

    assert receipt.events == [
        registry.ParticipantAdmitted(participant=5, account=stranger, roles=5)
    ]
    assert registry.participantOf(stranger) == 5
    assert registry.participants(5).active


def test_admit__stranger__reverts(registry, stranger):
    with ape.reverts(registry.AccessManagedUnauthorized, caller=stranger):
        registry.admit(stranger, 1, "", sender=stranger)


def test_admit__account_of_a_participant__reverts(registry, governance, supplier):
    with ape.reverts(registry.AccountTaken, account=supplier):
        registry.admit(supplier, 1, "", sender=governance)


def test_set_limits__out_of_bounds__reverts(registry, governance):
    too_long = replace(DEVNET_LIMITS, silence=61 * 86_400)

    with ape.reverts(registry.LimitOutOfRange, limit="silence"):
        registry.setLimits(astuple(too_long), sender=governance)


def test_station__works_only_after_both_agreed(registry, grid_operator, station_operator):
    registry.registerMeters([METER], sender=grid_operator)
    registry.requestStation(METER, KEY, 22_000, 0, "DE*GRM*E0001", sender=station_operator)
    assert registry.stations(1).gridOperator == 0

    registry.approveStations([1], sender=grid_operator)

    assert registry.stations(1).gridOperator == GRID_OPERATOR
    assert registry.stations(1).operator == STATION_OPERATOR
    with ape.reverts(registry.NotPending, station=1):
        registry.approveStations([1], sender=grid_operator)


def test_station__behind_no_known_meter__reverts(registry, station_operator):
    with ape.reverts(registry.UnknownMeter, meter=METER):
        registry.requestStation(METER, KEY, 22_000, 0, "", sender=station_operator)


def test_station__approved_by_another_grid_operator__reverts(
    registry, governance, grid_operator, station_operator, stranger
):
    registry.admit(stranger, int(Role.GRID_OPERATOR), "", sender=governance)
    registry.registerMeters([METER], sender=grid_operator)
    registry.requestStation(METER, KEY, 22_000, 0, "", sender=station_operator)

    with ape.reverts(registry.NotYourStation, station=1):
        registry.approveStations([1], sender=stranger)


def test_meter__registered_by_a_supplier__reverts(registry, supplier):
    with ape.reverts(registry.MissingRole, participant=1, role=int(Role.GRID_OPERATOR)):
        registry.registerMeters([METER], sender=supplier)


def test_meter__taken__reverts(registry, governance, grid_operator, stranger):
    registry.admit(stranger, int(Role.GRID_OPERATOR), "", sender=governance)
    registry.registerMeters([METER], sender=grid_operator)

    with ape.reverts(registry.MeterTaken, meter=METER):
        registry.registerMeters([METER], sender=stranger)


@pytest.fixture
def publish(registry, grid_operator):
    def publish(valid_from):
        values = astuple(replace(tariff(80_000), valid_from=valid_from))
        return registry.publishTariff(int(Role.GRID_OPERATOR), values, sender=grid_operator)

    return publish


def test_tariff__the_first__may_start_with_the_running_slot(registry, publish, slot):
    publish(slot)

    assert registry.tariffAt(GRID_OPERATOR, int(Role.GRID_OPERATOR), slot) == 1
    assert registry.tariffAt(GRID_OPERATOR, int(Role.GRID_OPERATOR), slot - 1) == 0


def test_tariff__a_later_one__needs_notice(registry, publish, slot):
    publish(slot)

    with ape.reverts(registry.TooEarly):
        publish(slot + DEVNET_LIMITS.notice - SLOT)
    publish(slot + DEVNET_LIMITS.notice + SLOT)
    with ape.reverts(registry.VersionPending, validFrom=slot + DEVNET_LIMITS.notice + SLOT):
        publish(slot + 30 * 86_400)


def test_tariff__between_slots__reverts(registry, publish, slot):
    with ape.reverts(registry.NotSlotAligned, time=slot + SLOT + 1):
        publish(slot + SLOT + 1)
