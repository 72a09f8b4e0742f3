"""Acts: what governance, participants and anybody may try, allowed or not."""

from dataclasses import dataclass, replace
from enum import Enum, auto
from typing import Any

from ledger_rules import NANO_PER_UNIT
from rules import Rules
from setting import BANK, STRANGER, VEHICLES

from gridroam.domain.accounts import Account
from gridroam.domain.slots import SLOT, slot_start
from gridroam.domain.tariff import Tariff
from gridroam.domain.units import NOBODY, Address, Bytes32, NanoEuro, ParticipantId, StationId


@dataclass(frozen=True)
class Slots:
    """A time: so many halves of a slot after the start of the running one."""

    halves: int


class Amount(Enum):
    """Of what the participant has, in nano-euro."""

    FREE = auto()
    HALF = auto()
    UNIT_MORE = auto()
    BALANCE = auto()
    LESS_THAN_A_UNIT = auto()


class Some(Enum):
    """Whoever or whatever it is at the time."""

    VAULT = auto()
    DEBTOR = auto()
    """a participant with open claims against it"""
    CREDITOR = auto()
    """whom the debtor owes"""
    LAST_STATION = auto()
    TRAVELLER = auto()
    """a vehicle in an open session"""


@dataclass(frozen=True)
class Act:
    """A call. A tariff's `valid_from` stands for `Slots`, too.

    `by` is a participant, 0 a stranger; `None` is whoever may, or the bank where anybody may.
    """

    function: str
    arguments: tuple[Any, ...]
    by: ParticipantId | None = None


def sender_of(act: Act, rules: Rules) -> Address:
    if act.by is None:
        return _rightful(act, rules)
    return _account(rules, act.by)


def arguments_of(act: Act, rules: Rules) -> list[Any]:
    return [_value(argument, act, rules) for argument in act.arguments]


def _account(rules: Rules, number: ParticipantId) -> Address:
    participant = rules.participants.by_number.get(number)
    return participant.account if participant else STRANGER


def _value(value: Any, act: Act, rules: Rules) -> Any:
    match value:
        case Slots():
            return max(0, slot_start(rules.now) + value.halves * SLOT // 2)
        case Tariff():
            return replace(value, valid_from=_value(Slots(value.valid_from), act, rules))
        case Some():
            return _some(value, rules)
        case list():
            return [_value(one, act, rules) for one in value]
        case Amount():
            return _amount(value, rules.accounts.accounts[act.by or NOBODY])
    return value


def _some(value: Some, rules: Rules) -> Any:
    claims = (pair for pair, posted in rules.accounts.pairs.items() if posted.claim)
    debtor, creditor = next(claims, (1, 1))
    return {
        Some.VAULT: rules.vault,
        Some.DEBTOR: debtor,
        Some.CREDITOR: creditor,
        Some.LAST_STATION: len(rules.stations.by_number),
        Some.TRAVELLER: [*travellers(rules), VEHICLES[0]][0],
    }[value]


def travellers(rules: Rules) -> list[Bytes32]:
    """Vehicles that are in an open session, those first that did not sign it."""
    found = ((vehicle, rules.vehicles.session_of(vehicle)) for vehicle in rules.vehicles.by_id)
    signed = {vehicle: place[1].vehicle_signed for vehicle, place in found if place}
    return sorted(signed, key=signed.__getitem__)


def _amount(amount: Amount, account: Account) -> NanoEuro:
    return {
        Amount.FREE: account.free,
        Amount.HALF: account.free // 2,
        Amount.UNIT_MORE: account.free + NANO_PER_UNIT,
        Amount.BALANCE: account.balance,
        Amount.LESS_THAN_A_UNIT: NANO_PER_UNIT - 1,
    }[amount]


def _rightful(act: Act, rules: Rules) -> Address:
    if act.function in {"pause", "unpause"}:
        return rules.governance
    subject, *_ = arguments_of(act, rules)
    first = subject[0] if isinstance(subject, list) else subject
    match act.function:
        case "admit" | "setRoles" | "suspend" | "reinstate" | "setLimits":
            return rules.governance
        case "rotateStationKey" | "retireStationKey" | "revokeStationKey":
            return _account(rules, _operator(rules, first))
        case "closeStation" | "approveStations":
            return _account(rules, _grid_operator(rules, first))
        case "offerVehicles" | "releaseVehicles":
            return _account(rules, _supplier(rules, first))
        case "setVehicleKeys" | "revokeVehicleKeys" | "clearVehicleKeys":
            return _account(rules, rules.vehicles.supplier_at(first, rules.now))
        case "setMeterKey" | "revokeMeterKey":
            return _account(rules, rules.stations.meters.owner_of(first))
        case "acceptVehicles":
            offer = rules.vehicles.offers.get(first)
            return _account(rules, offer.to if offer else NOBODY)
    return BANK


def _operator(rules: Rules, number: StationId) -> ParticipantId:
    station = rules.stations.by_number.get(number)
    return station.operator if station else NOBODY


def _grid_operator(rules: Rules, number: StationId) -> ParticipantId:
    return rules.stations.meters.owner_of(rules.stations.meter_of.get(number, b""))


def _supplier(rules: Rules, vehicle: Bytes32) -> ParticipantId:
    known = rules.vehicles.by_id.get(vehicle)
    return known.last_supplier if known else NOBODY
