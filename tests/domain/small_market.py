"""A small market in memory: one of each role, one station, one vehicle, and messages about them."""

from dataclasses import replace
from hashlib import sha256

from gridroam.domain.decision import Decision
from gridroam.domain.market import Market
from gridroam.domain.participants import Limits, Role
from gridroam.domain.slots import boundaries_between
from gridroam.domain.tariff import Tariff
from gridroam.messages import EnergyReport, OpenSession

START = 1_800_000_000 - 1_800_000_000 % 86_400
"""Midnight UTC: the start of slot 0."""
EURO = 10**9
KEY, FORMER_KEY, STRANGER, VEHICLE_KEY = ("0x" + digit * 40 for digit in "abcd")
VEHICLE, METER = b"\x01" * 32, b"\x02" * 32
SUPPLIER, GRID, OPERATOR, RIVAL = 1, 2, 3, 4

LIMITS = Limits(
    skew=60,
    backlog=86_400,
    silence=7_200,
    notice=86_400,
    reserve_wh=50_000,
    max_price=1_000_000,
    max_session_fee=5_000_000,
)
GRID_TARIFF = Tariff(
    import_standard=80_000,
    import_high=120_000,
    import_low=40_000,
    export_standard=60_000,
    export_high=90_000,
    export_low=30_000,
    session_fee=100_000,
    valid_from=START,
    levels=0b10_01_00,
)
OPERATOR_TARIFF = replace(
    GRID_TARIFF,
    import_standard=200_000,
    import_high=200_000,
    import_low=100_000,
    export_standard=0,
    export_high=0,
    export_low=0,
    session_fee=500_000,
    levels=0,
)


class World:
    """The market and its clock; messages are signed by whoever is named."""

    def __init__(self, *, feeds_in: bool = True, grid: Tariff = GRID_TARIFF) -> None:
        self.market = Market()
        self.now = START
        self._admit()
        publish = self.market.registry.publish_tariff
        publish(GRID, Role.GRID_OPERATOR, grid, START)
        publish(OPERATOR, Role.STATION_OPERATOR, OPERATOR_TARIFF, START)
        self.station = self.add_station(KEY, 11_000 if feeds_in else 0)
        self.market.vehicles.register(VEHICLE, SUPPLIER, START, START)
        for participant in (SUPPLIER, GRID, RIVAL):
            self.market.accounts.deposit(participant, 1_000 * EURO)

    def _admit(self) -> None:
        participants = self.market.registry.participants
        participants.set_limits(LIMITS)
        roles = Role.SUPPLIER, Role.GRID_OPERATOR, Role.STATION_OPERATOR, Role.SUPPLIER
        for number, role in enumerate(roles, 1):
            assert participants.admit(f"0x{number:040x}", role) == number
        self.market.registry.stations.meters.register(METER, GRID)

    def add_station(self, key: str, max_feed_in: int = 0) -> int:
        stations = self.market.registry.stations
        number = stations.request(OPERATOR, METER, key, 22_000, max_feed_in)
        stations.approve(number, GRID)
        return number

    def process(
        self,
        message: OpenSession | EnergyReport,
        signer: str | None = KEY,
        vehicle: str | None = None,
    ) -> Decision:
        digest = digest_of(message)
        return self.market.process(message, digest, signer, self.now, vehicle)

    def balance(self, participant: int) -> int:
        return self.market.accounts.accounts[participant].balance


def digest_of(message: OpenSession | EnergyReport) -> bytes:
    return sha256(repr(message).encode()).digest()


def opening(session: int = 1, **changes: object) -> OpenSession:
    message = OpenSession(1, session, VEHICLE, START, 1_000, 500)
    return replace(message, **changes)  # type: ignore[arg-type]


def report(
    number: int = 1,
    *,
    time: int = START + 600,
    imported: int = 0,
    exported: int = 0,
    since: tuple[int, int, int] = (START, 1_000, 500),
    **changes: object,
) -> EnergyReport:
    """A report of so much energy since the last reading, all of it in the last slot."""
    start, *registers = since
    boundaries = tuple((registers[0], registers[1]) for _ in boundaries_between(start, time))
    message = EnergyReport(
        station=1,
        session=1,
        report=number,
        time=time,
        import_register=registers[0] + imported,
        export_register=registers[1] + exported,
        last=False,
        boundaries=boundaries,
    )
    return replace(message, **changes)  # type: ignore[arg-type]
