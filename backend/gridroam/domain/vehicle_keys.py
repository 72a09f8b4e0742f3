"""The keys with which vehicles sign their openings: an id alone can be copied."""

from dataclasses import dataclass, replace

from gridroam.domain.units import NO_KEY, Address, Timestamp
from gridroam.domain.violation import require


@dataclass(frozen=True, slots=True)
class VehicleKeys:
    """Of one vehicle that has a key, or had one that was revoked."""

    key: Address = NO_KEY
    """`NO_KEY`: it was revoked, nothing opens."""
    from_: Timestamp = 0
    """Of the present key; before it, the former one is good, too."""
    since: Timestamp = 0
    """Of the first key: openings before it need no signature."""
    former: Address = NO_KEY

    def have_signed(self, signer: Address | None, time: Timestamp) -> bool:
        """Whether the key behind a signature is good for an opening of that time."""
        if signer in (None, NO_KEY):
            return False
        return signer == self.key or (signer == self.former and time < self.from_)

    def are_needed(self, time: Timestamp) -> bool:
        return time >= self.since

    def next(self, key: Address, start: Timestamp) -> "VehicleKeys":
        require(key != NO_KEY, "InvalidKey", key)
        return replace(self, key=key, from_=start, former=self.key)


def first(key: Address, start: Timestamp) -> VehicleKeys:
    require(key != NO_KEY, "InvalidKey", key)
    return VehicleKeys(key, start, start)


REVOKED = VehicleKeys()
