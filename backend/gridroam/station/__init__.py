"""What stands at the charging station: the kit that signs and keeps, and the simulator of it."""

from gridroam.station.kit import Relay, Station
from gridroam.station.meter import Meter, Registers, boundaries
from gridroam.station.receipt import Receipt

__all__ = ["Meter", "Receipt", "Registers", "Relay", "Station", "boundaries"]
