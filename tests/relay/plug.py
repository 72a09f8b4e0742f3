"""A station's plug for tests: signs one message after the other, in the order the ledger wants."""

import time

from gridroam.chain.ledger import Ledger
from gridroam.devnet.members import Market, MarketStation
from gridroam.messages import EnergyReport, Message, OpenSession, Signed, digest, sign
from gridroam.signatures import Signer


class Plug:
    """`opening`, `report` and `last` sign the next message. All have the same time, in which the
    station may deliver the one watt-hour that each report has."""

    def __init__(self, ledger: Ledger, station: MarketStation, vehicle: bytes) -> None:
        self.domain = ledger.domain
        self.station = station
        self.vehicle = vehicle
        self.session = 0
        self.number = 0
        self.register = 1_000
        self.time = int(time.time())

    def opening(self, vehicle: bytes | None = None) -> Signed:
        self.session += 1
        self.number = 0
        car = vehicle or self.vehicle
        number = self.station.number
        return self.sign(OpenSession(number, self.session, car, self.time, self.register, 0))

    def report(self, *, last: bool = False) -> Signed:
        self.number += 1
        self.register += 1
        reading = self.time, self.register, 0
        number = self.station.number
        return self.sign(EnergyReport(number, self.session, self.number, *reading, last))

    def last(self) -> Signed:
        return self.report(last=True)

    def sign(self, message: Message, key: bytes | Signer | None = None) -> Signed:
        return sign(self.domain, message, key or self.station.signer)

    def digest(self, signed: Signed) -> bytes:
        return digest(self.domain, signed.message)


def plugs(ledger: Ledger, market: Market) -> list[Plug]:
    """One for each station, each with a vehicle of its own."""
    pairs = zip(market.stations.values(), market.vehicles.values(), strict=False)
    return [Plug(ledger, station, vehicle.id) for station, vehicle in pairs]
