"""Meters of grid operators, and the public keys that the meters themselves sign records with."""

from dataclasses import dataclass, field
from enum import IntEnum

from gridroam.domain.participants import Participants, Role
from gridroam.domain.units import NOBODY, Bytes32, ParticipantId
from gridroam.domain.violation import require


class MeterCurve(IntEnum):
    """Of a meter's key."""

    NONE = 0
    """It was revoked."""
    SECP256K1 = 1
    SECP256R1 = 2


@dataclass(slots=True)
class MeterKey:
    """A meter's public key, and how its records name it."""

    curve: int
    x: Bytes32
    y: Bytes32
    serial: Bytes32
    """keccak256 of the serial number as a record prints it."""


@dataclass(slots=True)
class Meters:
    """Meters by their salted hash: whose they are, and their keys."""

    participants: Participants
    owners: dict[Bytes32, ParticipantId] = field(default_factory=dict)
    keys: dict[Bytes32, MeterKey] = field(default_factory=dict)

    def owner_of(self, meter: Bytes32) -> ParticipantId:
        """The meter's grid operator, or `NOBODY`."""
        return self.owners.get(meter, NOBODY)

    def register(self, meter: Bytes32, grid_operator: ParticipantId) -> None:
        self.participants.require_active(grid_operator, Role.GRID_OPERATOR)
        require(meter not in self.owners, "MeterTaken", meter.hex())
        self.owners[meter] = grid_operator

    def set_key(self, meter: Bytes32, key: MeterKey) -> None:
        """Once in a meter's life: a record is checked long after it was made."""
        known = key.curve in (MeterCurve.SECP256K1, MeterCurve.SECP256R1)
        require(known, "InvalidKey", f"curve {key.curve}")
        require(any(key.x) or any(key.y), "InvalidKey", "no point")
        require(meter not in self.keys, "MeterKeyTaken", meter.hex())
        self.keys[meter] = key

    def revoke_key(self, meter: Bytes32) -> None:
        """For good: nothing that it signed counts any more."""
        key = self.keys.get(meter)
        require(key is not None and key.curve != MeterCurve.NONE, "InvalidKey", meter.hex())
        self.keys[meter].curve = MeterCurve.NONE
