"""The public keys that meters sign their own records with."""

import pytest
from small_market import GRID, METER, World

from gridroam.domain.meters import MeterCurve, MeterKey
from gridroam.domain.violation import NotAllowedError


def key(curve: int = MeterCurve.SECP256R1, x: bytes = b"\x01" * 32) -> MeterKey:
    return MeterKey(curve, x, bytes(32), b"\x09" * 32)


def test_set_key__once_in_a_meters_life(world: World) -> None:
    meters = world.market.registry.stations.meters
    assert meters.owner_of(METER) == GRID
    meters.set_key(METER, key())
    with pytest.raises(NotAllowedError, match="MeterKeyTaken"):
        meters.set_key(METER, key(MeterCurve.SECP256K1))
    meters.revoke_key(METER)
    assert meters.keys[METER].curve == MeterCurve.NONE
    for attempt in (lambda: meters.revoke_key(METER), lambda: meters.set_key(METER, key())):
        with pytest.raises(NotAllowedError):
            attempt()


@pytest.mark.parametrize("wrong", [key(0), key(3), key(x=bytes(32))])
def test_set_key__that_is_none__is_not_allowed(world: World, wrong: MeterKey) -> None:
    with pytest.raises(NotAllowedError, match="InvalidKey"):
        world.market.registry.stations.meters.set_key(METER, wrong)
