"""How acts are drawn: mostly such that they may succeed."""

from typing import Any

from acts import Act, Amount, Slots, Some
from chance import mostly
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy
from setting import (
    CHARGING,
    CITY,
    COAST,
    COMMITMENTS,
    COMPANIES,
    HEIRS,
    KEYS,
    LEVELS,
    METERS,
    NEW_METERS,
    NEWCOMER,
    PLAN,
    POOR,
    RICH,
    UTILITY,
    VEHICLE_KEYS,
    VEHICLES,
)

from gridroam.domain.meters import MeterKey
from gridroam.domain.participants import Limits
from gridroam.domain.tariff import Tariff
from gridroam.domain.units import NO_KEY

_ALL = list(range(1, len(PLAN.participants) + 1))
_RIGHTFUL: SearchStrategy[int | None] = mostly([None], [0, *_ALL])
_NUMBERS = mostly(_ALL, [0, 8, 99])
_STATIONS = mostly(list(range(1, len(PLAN.stations) + 2)), [0, 99])
_LOST = mostly([5, 6, 7], [1, 3, 99])
"""Stations that may be lost for the rest of a run."""
_KEYS = mostly(list(KEYS), [NO_KEY])
_ACCOUNTS = mostly(HEIRS, [NO_KEY, COMPANIES[0]])
_ONE_VEHICLE = st.sampled_from(VEHICLES).map(lambda vehicle: [vehicle])
_VEHICLES = st.lists(st.sampled_from(VEHICLES), min_size=1, max_size=2)
_UNREGISTERED = mostly([COMMITMENTS[5:], COMMITMENTS[4:5]], [COMMITMENTS[:1], COMMITMENTS[4:]])
_VEHICLE_KEYS = mostly(list(VEHICLE_KEYS), [NO_KEY, next(iter(KEYS))])
_UNTIL = mostly([Slots(0), Slots(1), Slots(-2)], [0, Slots(4), 2**40 - 1])
_SOON = mostly([Slots(2), Slots(4), Slots(6)], [Slots(-2), Slots(0), Slots(3), Slots(200)])
_METER_KEYS = st.builds(
    MeterKey,
    mostly([1, 2], [0, 3]),
    mostly([b"\1" * 32], [bytes(32)]),
    mostly([b"\2" * 32], [bytes(32)]),
    st.just(b"\3" * 32),
)
_UNITS = st.sampled_from([1, 100_000, 10**6, 10**12, 0])


def _act(
    function: str, *arguments: SearchStrategy[Any], by: SearchStrategy[Any] = _RIGHTFUL
) -> SearchStrategy[Act]:
    return st.builds(Act, st.just(function), st.tuples(*arguments), by)


def _one_of(*usual: int) -> SearchStrategy[int]:
    """These companies, seldom others."""
    return mostly(list(usual), [0, RICH, COAST, CHARGING])


# --------------------------------------------------------------------------- limits and tariffs

_limits = st.builds(
    Limits,
    skew=mostly([60, 0], [3_601]),
    backlog=mostly([3_600, 7_200], [3_599]),
    silence=mostly([3_600, 7_200], [60 * 86_400 + 1]),
    notice=mostly([900, 1_800], [899]),
    reserve_wh=mostly([2_000, 0, 20_000, 10**6], [10**6 + 1]),
    max_price=mostly([2_000_000, 100_000, 10**8], [10**8 + 1]),
    max_session_fee=mostly([5_000_000, 10**9], [10**9 + 1]),
)
_PRICE = st.sampled_from([55_555, 0, 1, 200_000])
_EXPORT = st.sampled_from([0, -40_000, 33_333])
_tariff = st.builds(
    Tariff,
    import_standard=_PRICE,
    import_high=_PRICE,
    import_low=mostly([55_555, 200_000], [10**8]),
    export_standard=_EXPORT,
    export_high=_EXPORT,
    export_low=mostly([0, -40_000, 33_333], [-(10**8), 10**8]),
    session_fee=mostly([400_000, 0], [10**9]),
    valid_from=mostly([2, 4, 6], [-2, 0, 3]),
    levels=mostly([LEVELS, 0], [3 << 40]),
)
_service_tariff = st.builds(
    Tariff,
    import_standard=_PRICE,
    import_high=_PRICE,
    import_low=_PRICE,
    export_standard=st.just(0),
    export_high=st.just(0),
    export_low=mostly([0], [1, -1]),
    session_fee=st.sampled_from([400_000, 0, 1]),
    valid_from=mostly([2, 4, 6], [-2, 0, 3]),
    levels=st.sampled_from([LEVELS, 0]),
)

# ------------------------------------------------------------------------------------------ acts

_request = _act(
    "requestStation",
    st.sampled_from(METERS),
    _KEYS,
    mostly([11_000, 2**24 - 1], [0]),
    st.sampled_from([0, 5_000]),
    st.just(""),
    by=_one_of(CITY, CHARGING),
)
_governance = (
    _act("suspend", _NUMBERS),
    _act("reinstate", _NUMBERS),
    _act("setRoles", _NUMBERS, mostly([1, 2, 3, 4, 7], [0, 8])),
    _act("setLimits", _limits),
    _act("admit", _ACCOUNTS, mostly([1, 7], [0, 255]), st.just("")),
)
_companies = (
    _act("moveAccount", _ACCOUNTS, by=st.sampled_from(_ALL)),
    _act("offerDefaultSupply", _NUMBERS, st.booleans(), by=_one_of(RICH, POOR)),
    _act("setDefaultSupplier", _NUMBERS, by=_one_of(CITY, CHARGING)),
    _act("publishTariff", mostly([2], [0, 1, 4]), _tariff, by=_one_of(COAST, UTILITY, NEWCOMER)),
    _act("publishTariff", mostly([4], [2, 6]), _service_tariff, by=_one_of(CITY, CHARGING)),
)
_stations = (
    _request,
    _act("rotateStationKey", _STATIONS, _KEYS, _UNTIL),
    _act("retireStationKey", _STATIONS, _UNTIL),
    _act("revokeStationKey", _LOST),
    _act("setMeterKey", mostly(METERS, NEW_METERS), _METER_KEYS),
    _act("revokeMeterKey", mostly(METERS, NEW_METERS)),
    _act("registerMeters", st.lists(mostly(NEW_METERS, METERS[:1]), min_size=1), by=_one_of(COAST)),
    _act("approveStations", st.lists(_STATIONS, min_size=1, max_size=2)),
    _act("closeStation", _LOST),
)
_vehicles = (
    _act("registerVehicles", _UNREGISTERED, _SOON, by=_one_of(RICH, POOR, UTILITY)),
    _act("offerVehicles", _VEHICLES, _one_of(RICH, POOR, UTILITY), _SOON),
    _act("acceptVehicles", _VEHICLES),
    _act("releaseVehicles", _VEHICLES, _SOON),
    _act("setVehicleKeys", _ONE_VEHICLE, _VEHICLE_KEYS.map(lambda key: [key]), _UNTIL),
    _act("setVehicleKeys", _VEHICLES, st.lists(_VEHICLE_KEYS, max_size=2), _UNTIL),
    _act("revokeVehicleKeys", _VEHICLES),
    _act("clearVehicleKeys", _VEHICLES),
)
_money = (
    _act("deposit", _NUMBERS, _UNITS),
    _act(
        "withdraw",
        st.sampled_from(Amount),
        mostly([*HEIRS], [NO_KEY, Some.VAULT]),
        by=st.sampled_from(_ALL),
    ),
    _act("collect", _NUMBERS, _NUMBERS),
    _act("expire", _STATIONS),
    _act("transfer", st.just(Some.VAULT), st.just(7)),
    _act("credit", _NUMBERS, st.just(10**9)),
    _act("debit", st.sampled_from(HEIRS), st.just(10**9)),
)

of_companies = st.lists(st.one_of(*_governance, *_companies, *_money), min_size=1, max_size=4)
of_devices = st.lists(st.one_of(*_stations, *_vehicles), min_size=1, max_size=4)


# --------------------------------------------------------------------------------- acts in a row


def change_of_supplier(vehicle: bytes | Some, to: int, effective: Slots) -> list[Act]:
    return [Act("offerVehicles", ([vehicle], to, effective)), Act("acceptVehicles", ([vehicle],))]


def _consent(supplier: int, operator: int) -> list[Act]:
    return [
        Act("offerDefaultSupply", (operator, True), supplier),
        Act("setDefaultSupplier", (supplier,), operator),
    ]


linked_acts = st.one_of(
    st.builds(
        change_of_supplier,
        st.sampled_from([Some.TRAVELLER, Some.TRAVELLER, *VEHICLES]),
        st.sampled_from([RICH, POOR, UTILITY]),
        _SOON,
    ),
    st.builds(_consent, st.sampled_from([RICH, POOR]), st.sampled_from([CHARGING, CITY, NEWCOMER])),
    st.tuples(_request, _act("approveStations", st.just([Some.LAST_STATION]))).map(list),
    st.tuples(
        _act("deposit", st.just(Some.DEBTOR), _UNITS),
        _act("collect", st.just(Some.DEBTOR), st.just(Some.CREDITOR)),
    ).map(list),
)
"""Each makes the next one possible."""
