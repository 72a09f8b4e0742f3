"""The market of the demo: invented companies, their tariffs and deposits, and the real stations of
the week, each connector a station of the ledger behind its site's meter."""

from collections.abc import Iterable

from gridroam.chain.records import Limits
from gridroam.devnet.plan import (
    MarketPlan,
    MeterPlan,
    ParticipantPlan,
    StationPlan,
    VehiclePlan,
    levels,
    tariff,
)
from gridroam.domain.participants import Role
from gridroam.signatures import KeyCurve
from gridroam.station.sessions_file import FileSession

NORTH, SOUTH, SMALL = "Supplier North", "Supplier South", "Supplier Small"
OPERATOR = "Station Operator"
GRIDS = {"Mougins": "Grid South", "Caen": "Grid North"}
"""The grid operator of each site."""

LIMITS = Limits(
    skew=60,
    backlog=7 * 86_400,
    silence=6 * 3600,
    notice=86_400,
    reserve_wh=60_000,
    max_price=1_000_000,
    max_session_fee=2_000_000,
)
TOP_UP_EUR = 400
"""What the small supplier pays in once a driver of its has been refused."""
_DIRECT_CURRENT = ("SAP-Mougins-13", "SAP-Mougins-14")
_FEED_IN = (*(f"SAP-Mougins-{number:02}" for number in range(3, 12)), "SAP-Caen-03", "SAP-Caen-04")
SIGNING = {
    "SAP-Mougins-13*1": KeyCurve.SECP256K1,
    "SAP-Mougins-14*1": KeyCurve.SECP256R1,
    "SAP-Mougins-04*1": KeyCurve.SECP256R1,
    "SAP-Caen-02*2": KeyCurve.SECP256K1,
}
"""Stations with a meter of their own that signs records, and the curve of its key."""
_P256_EVERY = 3
"""Every so manyth station has its key in hardware that knows P-256 only."""

# in hours of UTC: the evening peak, the nights and the noons of the sites
_DAY = levels(high=range(16, 19), low=(21, 22, 23, 0, 1, 2, 3, 4, 11, 12))
_GRID_SOUTH = tariff(
    85_000, 130_000, 50_000, export=(60_000, 150_000, 20_000), session_fee=50_000, levels=_DAY
)
_GRID_NORTH = tariff(
    95_000, 140_000, 60_000, export=(55_000, 130_000, -5_000), session_fee=50_000, levels=_DAY
)
_SERVICE = tariff(120_000, 150_000, 100_000, session_fee=350_000, levels=_DAY)


def plan(places: Iterable[FileSession], cars: Iterable[VehiclePlan]) -> MarketPlan:
    """Everything that has to stand on the ledger before the week begins."""
    connectors = sorted({session.place for session in places})
    return MarketPlan(
        participants=_participants(),
        stations=tuple(
            _station(*connector, KeyCurve.SECP256K1 if index % _P256_EVERY else KeyCurve.SECP256R1)
            for index, connector in enumerate(connectors)
        ),
        vehicles=tuple(cars),
        meters=tuple(MeterPlan(_meter(station), curve) for station, curve in SIGNING.items()),
    )


def number(participant: str) -> int:
    """That it gets on the ledger: they are admitted in order."""
    return [p.name for p in _participants()].index(participant) + 1


def site(station: str) -> str:
    """`Mougins` of `SAP-Mougins-07`."""
    return station.split("-")[1]


def name(station: str, connector: str) -> str:
    """A connector's name on the ledger."""
    return f"{station}*{connector}"


def max_power(station: str) -> int:
    return 50_000 if station in _DIRECT_CURRENT else 22_080


def max_feed_in(station: str) -> int:
    return 11_040 if station in _FEED_IN else 0


def _meter(connector: str) -> str:
    """Its own, or that of the site."""
    return f"meter of {connector if connector in SIGNING else site(connector)}"


def _station(station: str, connector: str, curve: KeyCurve) -> StationPlan:
    return StationPlan(
        name(station, connector),
        OPERATOR,
        GRIDS[site(station)],
        _meter(name(station, connector)),
        max_power(station),
        max_feed_in(station),
        curve,
    )


def _participants() -> tuple[ParticipantPlan, ...]:
    supplier, grid, operator = Role.SUPPLIER, Role.GRID_OPERATOR, Role.STATION_OPERATOR
    return (
        ParticipantPlan(NORTH, supplier, "DEMO-0001", 5_000),
        ParticipantPlan(SOUTH, supplier, "DEMO-0002", 5_000),
        ParticipantPlan(SMALL, supplier, "DEMO-0003", 30),
        ParticipantPlan(GRIDS["Mougins"], grid, "DEMO-0004", 1_000, {grid: _GRID_SOUTH}),
        ParticipantPlan(GRIDS["Caen"], grid, "DEMO-0005", 1_000, {grid: _GRID_NORTH}),
        ParticipantPlan(OPERATOR, operator, "DEMO-0006", 0, {operator: _SERVICE}),
    )
