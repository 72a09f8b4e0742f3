"""What stands at the charging station: the kit that signs and keeps, and the simulator of it."""

from gridroam.station.kit import Receipt, Sender, Station
from gridroam.station.meter import Meter, Registers, boundaries

__all__ = ["Meter", "Receipt", "Registers", "Sender", "Station", "boundaries"]
