"""The protocol's quantities, all of them integers; the widths are those on chain."""

from typing import TypeAlias

Wh: TypeAlias = int
"""Energy in watt-hours, uint48; a meter's register is cumulative and never runs backwards."""
Watts: TypeAlias = int
"""Power, uint24."""
Seconds: TypeAlias = int
"""A duration, uint32."""
Timestamp: TypeAlias = int
"""UTC seconds, uint40."""
MicroEuroPerKwh: TypeAlias = int
"""A price: uint32 for what is taken from the grid, int32 for what is fed in."""
MicroEuro: TypeAlias = int
"""A fee, uint32."""
NanoEuro: TypeAlias = int
"""Money: Wh x micro-euro per kWh, exact. A balance has 96 bits, a posting 80, a reserve 64."""

ParticipantId: TypeAlias = int
"""uint24, counted from 1; 0 is nobody."""
StationId: TypeAlias = int
"""uint32, counted from 1."""
Version: TypeAlias = int
"""Of a tariff, uint16, counted from 1; 0 is none."""
Bytes32: TypeAlias = bytes
"""A hash, or the salted hash that stands for a vehicle or a meter."""
Address: TypeAlias = str
"""0x and 40 hex digits in lower case."""

NOBODY: ParticipantId = 0
NO_VERSION: Version = 0
NO_KEY: Address = "0x" + "0" * 40
NANO_PER_MICRO = 1000
