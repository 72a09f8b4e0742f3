"""A market in use, for measuring: 100 stations or a multiple of that charge and feed in, session
after session of 12 slots, spread evenly over 10 suppliers, 4 grid operators and 3 station
operators.

The market starts some days in the past, and its stations catch up: so their messages can follow
each other as quickly as one likes.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from gridroam.chain.anvil import Anvil
from gridroam.chain.deploy import DEVNET_LIMITS, deploy
from gridroam.chain.ledger import Ledger
from gridroam.devnet.market import (
    Market,
    MarketPlan,
    MarketStation,
    ParticipantPlan,
    StationPlan,
    VehiclePlan,
    build,
)
from gridroam.devnet.plan import tariff
from gridroam.domain.participants import Role
from gridroam.messages import EnergyReport, OpenSession, Signed, sign
from gridroam.signatures import KeyCurve

GROUP = 100
"""Stations that share 100 cars; each has its own, or they move on with every session."""
DAYS = 6
SLOT, SLOTS = 900, 12
DEPOSIT_EUR = 100_000
"""Of each supplier and grid operator."""
IMPORT_WH, EXPORT_WH = 2_000, 1_000  # in each slot
# the level of each slot of the day, three of them in turn
GRID_LEVELS = int("09" * 24, 16)
OPERATOR_LEVELS = int("24" * 24, 16)


@dataclass
class Charger:
    """A station and what its next message starts from."""

    station: MarketStation
    clock: int
    session: int = 0
    imported: int = 1_000_000_000
    exported: int = 500_000_000


@dataclass(frozen=True)
class Session:
    opening: Signed
    report: Signed


class Fleet:
    """`moving`: every car stands at another station in the next session."""

    def __init__(self, anvil: Anvil, ledger: Ledger, market: Market, start: int) -> None:
        self.anvil = anvil
        self.ledger = ledger
        self.market = market
        self.cars = list(market.vehicles.values())
        self.chargers = [Charger(station, start) for station in market.stations.values()]

    def sessions(self, chargers: Sequence[int], *, moving: bool) -> list[Session]:
        """The next session of each of these stations, signed."""
        return [self._session(number, moving) for number in chargers]

    def _session(self, number: int, moving: bool) -> Session:
        charger = self.chargers[number]
        charger.session += 1
        group = min(GROUP, len(self.cars))
        first = number - number % group
        step = 7 * charger.session if moving else 0
        car = self.cars[first + (number + step) % group].id
        registers = charger.imported, charger.exported
        begin = charger.clock + SLOT // 2
        opening = OpenSession(charger.station.number, charger.session, car, begin, *registers)
        charger.clock += (SLOTS + 1) * SLOT
        return Session(self._sign(charger, opening), self._sign(charger, self._report(charger)))

    def _report(self, charger: Charger) -> EnergyReport:
        boundaries = tuple(
            (charger.imported + n * IMPORT_WH, charger.exported + n * EXPORT_WH)
            for n in range(1, SLOTS)
        )
        charger.imported += SLOTS * IMPORT_WH
        charger.exported += SLOTS * EXPORT_WH
        return EnergyReport(
            charger.station.number,
            charger.session,
            report=1,
            time=charger.clock - SLOT,
            import_register=charger.imported,
            export_register=charger.exported,
            last=True,
            boundaries=boundaries,
        )

    def _sign(self, charger: Charger, message: OpenSession | EnergyReport) -> Signed:
        return sign(self.ledger.domain, message, charger.station.signer)


@contextmanager
def fleet(
    stations: int, now: int, curve: KeyCurve = KeyCurve.SECP256K1, deposit: int = DEPOSIT_EUR
) -> Iterator[Fleet]:
    """On an anvil of its own, where it is `now`; the stations' keys are on a curve."""
    with Anvil(timestamp=now - DAYS * 86_400) as anvil:
        deployment = deploy(anvil.w3, anvil.admin, DEVNET_LIMITS, None)
        ledger = Ledger.connect(anvil.w3, deployment.ledger)
        market = build(ledger, plan(stations, curve, deposit), anvil.admin)
        start = anvil.w3.eth.get_block("latest")["timestamp"] // SLOT * SLOT + SLOT
        anvil.set_next_time(now)
        anvil.mine()
        yield Fleet(anvil, ledger, market, start)


def plan(
    stations: int, curve: KeyCurve = KeyCurve.SECP256K1, deposit: int = DEPOSIT_EUR
) -> MarketPlan:
    grid = tariff(80_000, 120_000, 30_000, export=(60_000, 150_000, -20_000), levels=GRID_LEVELS)
    service = tariff(50_000, 60_000, 40_000, session_fee=350_000, levels=OPERATOR_LEVELS)
    grids, operators, suppliers = (
        [f"{kind} {n}" for n in range(count)]
        for kind, count in (("grid operator", 4), ("station operator", 3), ("supplier", 10))
    )
    return MarketPlan(
        participants=(
            *(ParticipantPlan(name, Role.SUPPLIER, name, deposit) for name in suppliers),
            *(
                ParticipantPlan(name, Role.GRID_OPERATOR, name, deposit, {Role.GRID_OPERATOR: grid})
                for name in grids
            ),
            *(
                ParticipantPlan(
                    name, Role.STATION_OPERATOR, name, 0, {Role.STATION_OPERATOR: service}
                )
                for name in operators
            ),
        ),
        stations=tuple(
            StationPlan(
                f"station {n}",
                operators[n % 3],
                grids[n % 4],
                grids[n % 4],
                22_000,
                11_000,
                curve=curve,
            )
            for n in range(stations)
        ),
        vehicles=tuple(VehiclePlan(f"car {n}", suppliers[n % 10]) for n in range(stations)),
    )
