"""What the contracts keep, as frozen dataclasses: the structs of `contracts/interfaces`, field by
field and in their order. Addresses in lower case, energy in Wh, prices in micro-euro per kWh,
amounts in nano-euro, power in W, times in UTC seconds."""

from dataclasses import dataclass

from gridroam.domain.corrections import Standing
from gridroam.domain.meters import MeterKey
from gridroam.domain.participants import Limits
from gridroam.domain.session import Change, State
from gridroam.domain.stations import FormerKey
from gridroam.domain.tariff import Tariff
from gridroam.domain.vehicle_keys import VehicleKeys

__all__ = [
    "Account",
    "Change",
    "FormerKey",
    "Journal",
    "Limits",
    "MeterKey",
    "Pair",
    "Participant",
    "Session",
    "Standing",
    "State",
    "Station",
    "Tariff",
    "Vehicle",
    "VehicleKeys",
]


@dataclass(frozen=True, slots=True)
class Participant:
    account: str
    roles: int
    active: bool
    default_supplier: int
    grid_tariffs: int
    operator_tariffs: int


@dataclass(frozen=True, slots=True)
class Station:
    key: str
    grid_operator: int
    operator: int
    max_power: int
    max_feed_in: int


@dataclass(frozen=True, slots=True)
class Vehicle:
    supplier: int
    from_: int
    next_supplier: int
    next_from: int
    station: int
    session: int
    keyed: bool


@dataclass(frozen=True, slots=True)
class Session:
    number: int
    report: int
    time: int
    touched: int
    import_register: int
    export_register: int
    state: State
    flags: int
    """Bit 0: the vehicle signed; bit 1: a change of supplier is known."""
    supplier: int
    grid_operator: int
    station_operator: int
    grid_tariff: int
    operator_tariff: int
    supplier_reserve: int
    grid_reserve: int


@dataclass(frozen=True, slots=True)
class Account:
    balance: int
    reserved: int
    owed: int


@dataclass(frozen=True, slots=True)
class Pair:
    amount: int
    claim: int
    import_wh: int
    export_wh: int


@dataclass(frozen=True, slots=True)
class Journal:
    head: bytes
    count: int
