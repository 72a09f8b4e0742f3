"""What a market to be built consists of, each thing by its name. The companies are invented."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric import ec
from eth_utils.crypto import keccak

from gridroam.domain.participants import Role
from gridroam.domain.tariff import Level, Tariff
from gridroam.domain.vehicles import vehicle_id
from gridroam.signatures import KeyCurve, Signer, key_on


@dataclass(frozen=True, slots=True)
class ParticipantPlan:
    """A company. A tariff's `valid_from` does not count: it starts with the running slot."""

    name: str
    roles: int
    market_code: str
    deposit_eur: int = 0
    tariffs: Mapping[Role, Tariff] = field(default_factory=dict)

    @property
    def key(self) -> bytes:
        """Its account's private key."""
        return secret("participant", self.name)


@dataclass(frozen=True, slots=True)
class StationPlan:
    """A charging point, by its EVSE id. Several may stand behind one `meter`."""

    name: str
    operator: str
    grid_operator: str
    meter: str
    max_power: int
    max_feed_in: int = 0
    curve: KeyCurve = KeyCurve.SECP256K1

    @property
    def key(self) -> bytes:
        """The private key that it signs with."""
        return secret("station", self.name)

    @property
    def signer(self) -> Signer:
        return key_on(self.curve, self.key)

    @property
    def meter_id(self) -> bytes:
        return secret("meter", self.meter)


@dataclass(frozen=True, slots=True)
class MeterPlan:
    """A meter that signs records with a key of its own, by its name among the stations'."""

    name: str
    curve: KeyCurve

    @property
    def id(self) -> bytes:
        """What the chain calls it."""
        return secret("meter", self.name)

    @property
    def serial(self) -> str:
        """As it is printed."""
        return f"1GRM{int.from_bytes(self.id[:8], 'big') % 10**10:010}"

    @property
    def key(self) -> ec.EllipticCurvePrivateKey:
        number = int.from_bytes(secret("meter key", self.name), "big")
        return ec.derive_private_key(number, _METER_CURVES[self.curve])


_METER_CURVES = {KeyCurve.SECP256K1: ec.SECP256K1(), KeyCurve.SECP256R1: ec.SECP256R1()}


@dataclass(frozen=True, slots=True)
class VehiclePlan:
    """A car and who supplies it; without a supplier it is not registered. On a `curve` it has a
    key of its own."""

    name: str
    supplier: str = ""
    curve: KeyCurve | None = None

    @property
    def commitment(self) -> bytes:
        """What its supplier registers it by."""
        return secret("vehicle", self.name)

    @property
    def key(self) -> bytes:
        """The private key that it signs with; empty without one."""
        return secret("vehicle key", self.name) if self.curve else b""

    @property
    def signer(self) -> Signer | None:
        return key_on(self.curve, self.key) if self.curve else None

    def id_of(self, supplier: int) -> bytes:
        """What the chain calls it, if its supplier has that number; 0: nobody knows it."""
        return vehicle_id(supplier, self.commitment) if supplier else self.commitment


@dataclass(frozen=True, slots=True)
class MarketPlan:
    """`default_supply`: station operator -> who supplies unregistered vehicles at its stations;
    `meters`: those of the stations' whose keys are on file."""

    participants: tuple[ParticipantPlan, ...]
    stations: tuple[StationPlan, ...]
    vehicles: tuple[VehiclePlan, ...]
    default_supply: Mapping[str, str] = field(default_factory=dict)
    meters: tuple[MeterPlan, ...] = ()


def secret(kind: str, name: str) -> bytes:
    """32 bytes that follow from a name: keys and ids of a devnet, no secret from anybody."""
    return keccak(text=f"gridroam devnet: {kind} {name}")


def tariff(
    standard: int,
    high: int | None = None,
    low: int | None = None,
    *,
    export: tuple[int, int, int] = (0, 0, 0),
    session_fee: int = 0,
    levels: int = 0,
) -> Tariff:
    """Micro-euro per kWh; a level without a price has the standard; `export` is all three."""
    prices = (standard, standard if high is None else high, standard if low is None else low)
    return Tariff(*prices, *export, session_fee=session_fee, valid_from=0, levels=levels)


def levels(high: Iterable[int] = (), low: Iterable[int] = ()) -> int:
    """The map of a day, from the UTC hours of high and of low level."""
    by_hour = dict.fromkeys(high, Level.HIGH) | dict.fromkeys(low, Level.LOW)
    return sum(
        level << 2 * (4 * hour + quarter) for hour, level in by_hour.items() for quarter in range(4)
    )


def small_market() -> MarketPlan:
    """What `gridroam devnet` starts with. At one of the stations cars can feed in, another signs
    with P-256; the last two cars have keys."""
    day = levels(high=range(16, 20), low=range(4))
    north = tariff(80_000, 120_000, 40_000, export=(60_000, 90_000, 20_000), levels=day)
    south = tariff(95_000, 130_000, 60_000, export=(50_000, 80_000, -10_000), levels=day)
    service = tariff(50_000, session_fee=350_000)
    return MarketPlan(
        participants=(
            ParticipantPlan("Supplier North", Role.SUPPLIER, "9900000000011", 10_000),
            ParticipantPlan("Supplier South", Role.SUPPLIER, "9900000000028", 10_000),
            ParticipantPlan(
                "Grid North",
                Role.GRID_OPERATOR,
                "9900000000035",
                2_000,
                {Role.GRID_OPERATOR: north},
            ),
            ParticipantPlan(
                "Grid South",
                Role.GRID_OPERATOR,
                "9900000000042",
                2_000,
                {Role.GRID_OPERATOR: south},
            ),
            ParticipantPlan(
                "Station Operator",
                Role.STATION_OPERATOR,
                "9900000000059",
                tariffs={Role.STATION_OPERATOR: service},
            ),
        ),
        stations=(
            StationPlan("DE*GRM*E0001", "Station Operator", "Grid North", "north-1", 22_000),
            StationPlan(
                "DE*GRM*E0002", "Station Operator", "Grid North", "north-2", 11_000, 11_000
            ),
            StationPlan("DE*GRM*E0003", "Station Operator", "Grid South", "south-1", 150_000),
            StationPlan("DE*GRM*E0004", "Station Operator", "Grid South", "south-1", 22_000),
            StationPlan(
                "DE*GRM*E0005",
                "Station Operator",
                "Grid South",
                "south-2",
                22_000,
                curve=KeyCurve.SECP256R1,
            ),
        ),
        vehicles=(
            *(
                VehiclePlan(f"car-{n}", "Supplier North" if n % 2 else "Supplier South")
                for n in range(1, 7)
            ),
            VehiclePlan("car-7", "Supplier North", KeyCurve.SECP256K1),
            VehiclePlan("car-8", "Supplier South", KeyCurve.SECP256R1),
        ),
        default_supply={"Station Operator": "Supplier South"},
    )
