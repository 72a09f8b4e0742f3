"""A market's participants, stations and vehicles with their numbers and keys, once they stand on a
ledger. They travel as JSON from the devnet to what runs on it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Self

from eth_account import Account
from eth_account.signers.local import LocalAccount

from gridroam.domain.participants import Role
from gridroam.signatures import KeyCurve, Signer, key_on


@dataclass(frozen=True, slots=True)
class MarketParticipant:
    name: str
    number: int
    roles: int
    address: str
    key: bytes = field(repr=False)

    @property
    def role_names(self) -> list[str]:
        """In plain words."""
        return [role.name.lower().replace("_", " ") for role in Role if role & self.roles]

    @property
    def account(self) -> LocalAccount:
        made: LocalAccount = Account.from_key(self.key)
        return made


@dataclass(frozen=True, slots=True)
class MarketStation:
    """Its operator and grid operator by number; powers in W; the curve of its key."""

    name: str
    number: int
    operator: int
    grid_operator: int
    max_power: int
    max_feed_in: int
    key: bytes = field(repr=False)
    curve: KeyCurve = KeyCurve.SECP256K1

    @property
    def signer(self) -> Signer:
        return key_on(self.curve, self.key)


@dataclass(frozen=True, slots=True)
class MarketVehicle:
    """`supplier` is 0 if it is not registered; `key` is empty if it signs nothing."""

    name: str
    id: bytes
    supplier: int
    key: bytes = field(default=b"", repr=False)
    curve: KeyCurve = KeyCurve.SECP256K1

    @property
    def signer(self) -> Signer | None:
        return key_on(self.curve, self.key) if self.key else None


@dataclass(frozen=True, slots=True)
class Market:
    """By name, in the order of the plan."""

    participants: Mapping[str, MarketParticipant]
    stations: Mapping[str, MarketStation]
    vehicles: Mapping[str, MarketVehicle]

    def as_dict(self) -> dict[str, Any]:
        """For JSON, keys included."""
        return {
            "participants": [_plain(value) for value in self.participants.values()],
            "stations": [_plain(value) for value in self.stations.values()],
            "vehicles": [_plain(value) for value in self.vehicles.values()],
        }

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        return cls(
            _by_name(MarketParticipant, values["participants"]),
            _by_name(MarketStation, values["stations"]),
            _by_name(MarketVehicle, values["vehicles"]),
        )


def _plain(value: Any) -> dict[str, Any]:
    items = asdict(value).items()
    return {name: "0x" + v.hex() if isinstance(v, bytes) else v for name, v in items}


def _by_name(cls: Any, rows: list[dict[str, Any]]) -> dict[str, Any]:
    made = [cls(**{name: _read(name, value) for name, value in row.items()}) for row in rows]
    return {value.name: value for value in made}


def _read(name: str, value: Any) -> Any:
    if name in ("key", "id"):
        return bytes.fromhex(value[2:])
    return KeyCurve(value) if name == "curve" else value
