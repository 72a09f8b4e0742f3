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
        StationPlan("both-ways", "charging", "coast", "coast", 11_000, 11_000),
        StationPlan("of-the-utility", "charging", "utility", "utility", 22_000, 11_000),
        StationPlan("of-the-city", "city", "city", "city", 50_000, 50_000),
        StationPlan("without-service-fee", "newcomer", "coast", "coast", 11_000),
        StationPlan("without-network-charge", "charging", "newcomer", "newcomer", 11_000, 7_000),
    ),
    vehicles=(
        VehiclePlan("of-rich", "rich"),
        VehiclePlan("of-poor", "poor"),
        VehiclePlan("of-utility", "utility"),
        VehiclePlan("of-city", "city"),
        VehiclePlan("of-nobody"),
        VehiclePlan("of-nobody-too"),
    ),
    default_supply={"charging": "rich"},
)

VEHICLES = [vehicle.id for vehicle in PLAN.vehicles]
METERS = [station.meter_id for station in PLAN.stations]
NEW_METERS = [secret("meter", "new"), bytes(32)]


def account(name: str) -> Address:
    """Of nobody's, that may become somebody's."""
    return address_of(secret("account", name))


def address_of(key: bytes) -> Address:
    address: str = Account.from_key(key).address
    return address.lower()


_STATION_KEYS = [station.key for station in PLAN.stations]
_NEW_KEYS = [secret("station key", name) for name in "abc"]
KEYS = {address_of(key): key for key in (*_NEW_KEYS, *_STATION_KEYS)}
"""Private keys that stations have or get, by address."""
STRANGER_KEY = secret("station key", "a stranger's")
BANK, STRANGER = account("bank"), account("stranger")
HEIRS = [account(f"heir {name}") for name in "abc"]
FUNDED = (BANK, STRANGER, *HEIRS)
"""Accounts that need the chain's own money, too."""
COMPANIES = [address_of(company.key) for company in PLAN.participants]
