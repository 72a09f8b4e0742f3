"""Sessions at one station with a meter, as corrections are made of."""

from dataclasses import dataclass

from meters import PRIVATE, SERIAL
from traffic import Traffic

from gridroam.devnet.members import MarketStation
from gridroam.evidence.record import meter_key


@dataclass
class Player:
    """Plays a session at the first station of the small market."""

    traffic: Traffic

    @property
    def station(self) -> MarketStation:
        return self.traffic.market.stations["DE*GRM*E0002"]

    def put_meter_on_file(self) -> None:
        traffic = self.traffic
        meter = traffic.ledger.meter_of(self.station.number)
        number = traffic.ledger.station(self.station.number).grid_operator
        (grid,) = [p for p in traffic.market.participants.values() if p.number == number]
        key = meter_key(PRIVATE.public_key(), SERIAL)
        assert traffic.act(grid.key, "Registry", "setMeterKey", meter, tuple(key))

    def session(self, taken: int, evidence: bytes = bytes(32), *, last: bool = True) -> None:
        """Opens, reports twice, in batches with others' messages."""
        traffic, station = self.traffic, self.station
        vehicle = next(iter(traffic.market.vehicles.values())).id
        opening = traffic.sign(station, traffic.opening(station, vehicle))
        traffic.submit(b"noise", opening, opening)
        traffic.wait(1_000)
        first = traffic.report(station, taken // 2, 0)
        traffic.submit(traffic.sign(station, first), b"noise", b"more")
        traffic.wait(1_500)
        rest = traffic.report(station, taken - taken // 2, 0, last=last, evidence=evidence)
        traffic.submit(traffic.sign(station, rest))
        traffic.wait(1)
