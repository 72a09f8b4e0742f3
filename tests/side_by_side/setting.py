"""The small market in which both sides start: who takes part, at which stations, with which cars.

One supplier has little money, one is the grid operator, too, one company has all three roles, and
a newcomer has published no tariff yet.
"""

from eth_account import Account

from gridroam.devnet.plan import (
    MarketPlan,
    ParticipantPlan,
    StationPlan,
    VehiclePlan,
    secret,
    tariff,
)
from gridroam.domain.participants import Limits, Role
from gridroam.domain.units import Address
from gridroam.signatures import KeyCurve, Signer, key_on

WINDOW = 100_000
"""Seconds in which a session can be corrected: a day and some."""
START = 1_800_000_000 - 1_800_000_000 % 86_400 + 86_400 - 3 * 3_600
"""Three hours before midnight UTC, at the start of a slot."""

LIMITS = Limits(
    skew=60,
    backlog=3_600,
    silence=3_600,
    notice=900,
    reserve_wh=2_000,
    max_price=2_000_000,
    max_session_fee=5_000_000,
)

SUPPLIER, GRID, OPERATOR = Role
K1, P256 = KeyCurve
RICH, POOR, COAST, UTILITY, CITY, CHARGING, NEWCOMER = range(1, 8)

LEVELS = sum((slot * slot + slot // 7) % 3 << 2 * slot for slot in range(96))
"""Neighbouring slots mostly have different levels."""
COAST_TARIFF = tariff(
    80_000, 120_000, 40_000, export=(60_000, -30_000, 20_000), session_fee=70_000, levels=LEVELS
)
CITY_TARIFF = tariff(90_000, 30_000, 60_000, export=(-10_000, 50_000, 0), levels=LEVELS >> 2)
SERVICE_TARIFF = tariff(50_000, 110_000, 20_000, session_fee=350_000, levels=LEVELS >> 4)

PLAN = MarketPlan(
    participants=(
        ParticipantPlan("rich", SUPPLIER, "", 20),
        ParticipantPlan("poor", SUPPLIER, "", 1),
        ParticipantPlan("coast", GRID, "", 1, {GRID: COAST_TARIFF}),
        ParticipantPlan("utility", SUPPLIER | GRID, "", 5, {GRID: CITY_TARIFF}),
        ParticipantPlan(
            "city",
            SUPPLIER | GRID | OPERATOR,
            "",
            20,
            {GRID: CITY_TARIFF, OPERATOR: SERVICE_TARIFF},
        ),
        ParticipantPlan("charging", OPERATOR, "", 0, {OPERATOR: SERVICE_TARIFF}),
        ParticipantPlan("newcomer", GRID | OPERATOR, ""),
    ),
    stations=(
        StationPlan("charger", "charging", "coast", "coast", 22_000),
        StationPlan("both-ways", "charging", "coast", "coast", 11_000, 11_000, P256),
        StationPlan("of-the-utility", "charging", "utility", "utility", 22_000, 11_000),
        StationPlan("of-the-city", "city", "city", "city", 50_000, 50_000, P256),
        StationPlan("without-service-fee", "newcomer", "coast", "coast", 11_000),
        StationPlan("without-network-charge", "charging", "newcomer", "newcomer", 11_000, 7_000),
    ),
    vehicles=(
        VehiclePlan("of-rich", "rich"),
        VehiclePlan("of-poor", "poor"),
        VehiclePlan("of-utility", "utility", P256),
        VehiclePlan("of-city", "city", K1),
        VehiclePlan("of-nobody"),
        VehiclePlan("of-nobody-too"),
    ),
    default_supply={"charging": "rich"},
)

COMMITMENTS = [vehicle.commitment for vehicle in PLAN.vehicles]
_OF_RICH, _OF_POOR, _OF_UTILITY, _OF_CITY, _UNKNOWN, _NEW = PLAN.vehicles
VEHICLES = [
    _OF_RICH.id_of(RICH),
    _OF_POOR.id_of(POOR),
    _OF_UTILITY.id_of(UTILITY),
    _OF_CITY.id_of(CITY),
    _UNKNOWN.id_of(0),
    *(_NEW.id_of(supplier) for supplier in (RICH, POOR, UTILITY)),
]
"""The last four are registered by nobody at first, and the first of them never can be."""
METERS = [station.meter_id for station in PLAN.stations]
NEW_METERS = [secret("meter", "new"), bytes(32)]


def account(name: str) -> Address:
    """Of nobody's, that may become somebody's."""
    return address_of(secret("account", name))


def account_key(name: str) -> bytes:
    return secret("account", name)


def address_of(key: bytes) -> Address:
    address: str = Account.from_key(key).address
    return address.lower()


def _keys(what: str) -> list[Signer]:
    curves = {"a": K1, "b": P256, "c": K1, "d": P256}
    return [key_on(curve, secret(what, name)) for name, curve in curves.items()]


_STATION_KEYS = [*_keys("new station key"), *(station.signer for station in PLAN.stations)]
KEYS: dict[Address, Signer] = {key.address: key for key in _STATION_KEYS}
"""That stations have or get, by address."""
_VEHICLE_KEYS = [*_keys("new vehicle key"), *(v.signer for v in PLAN.vehicles if v.signer)]
VEHICLE_KEYS: dict[Address, Signer] = {key.address: key for key in _VEHICLE_KEYS}
STRANGER_KEYS = [key_on(curve, secret("key", "a stranger's")) for curve in (K1, P256)]
BANK, STRANGER = account("bank"), account("stranger")
HEIRS = [account(f"heir {name}") for name in "abc"]
HEIR_KEYS = [account_key(f"heir {name}") for name in "abc"]
FUNDED = (BANK, STRANGER, *HEIRS)
"""Accounts that need the chain's own money, too."""
COMPANIES = [address_of(company.key) for company in PLAN.participants]
