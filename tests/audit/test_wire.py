"""What is read by the million is what `gridroam.messages` reads, hashes and signs."""

from dataclasses import asdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridroam.audit import wire
from gridroam.audit.signatures import authenticate
from gridroam.errors import MalformedMessageError
from gridroam.messages import Domain, EnergyReport, OpenSession, digest, sign, unpack
from gridroam.signatures import KeyCurve, key_on

DOMAIN = Domain(31337, "0x" + "5a" * 20)
u32, u40, u48 = (st.integers(0, (1 << bits) - 1) for bits in (32, 40, 48))
word = st.binary(min_size=32, max_size=32)
openings = st.builds(OpenSession, u32, u32, word, u40, u48, u48)
boundaries = st.lists(st.tuples(u48, u48), max_size=5).map(tuple)
reports = st.builds(EnergyReport, u32, u32, u32, u40, u48, u48, st.booleans(), word, boundaries)
curves = st.sampled_from(KeyCurve)
read = wire.reader(DOMAIN)


@given(openings, curves, st.none() | curves)
def test_read__any_opening__is_as_it_was_signed(
    message: OpenSession, station: KeyCurve, vehicle: KeyCurve | None
) -> None:
    key, car = key_on(station, b"\1" * 32), key_on(vehicle, b"\2" * 32) if vehicle else None
    packed = sign(DOMAIN, message, key, car).pack()
    (found,) = authenticate(DOMAIN, [packed])
    assert found.message is not None
    assert found.message._asdict() == asdict(message)
    assert found.digest == digest(DOMAIN, message)
    assert found.signer == key.address
    assert found.vehicle_signer == (car.address if car else None)


@given(reports, curves)
def test_read__any_report__is_as_it_was_signed(message: EnergyReport, curve: KeyCurve) -> None:
    key = key_on(curve, b"\3" * 32)
    (found,) = authenticate(DOMAIN, [sign(DOMAIN, message, key).pack()])
    assert found.message is not None
    packed = message.packed_boundaries
    assert found.message._asdict() == asdict(message) | {"packed_boundaries": packed}
    assert found.digest == digest(DOMAIN, message)
    assert found.signer == key.address


def mangled(raw: bytes) -> st.SearchStrategy[bytes]:
    return st.one_of(
        st.just(raw),
        st.integers(0, 255).map(lambda kind: bytes([kind]) + raw[1:]),
        st.integers(0, len(raw)).map(lambda length: raw[:length]),
        st.binary(max_size=150).map(lambda more: raw + more),
        st.tuples(st.integers(0, len(raw) - 1), st.integers(0, 255)).map(
            lambda change: raw[: change[0]] + bytes([change[1]]) + raw[change[0] + 1 :]
        ),
    )


whole = st.one_of(openings, reports).map(lambda message: sign(DOMAIN, message, b"\1" * 32).pack())


@given(whole.flatmap(mangled) | st.binary(max_size=300))
def test_read__any_bytes__are_a_message_exactly_where_they_are_one(raw: bytes) -> None:
    found = read(raw)
    try:
        signed = unpack(raw)
    except MalformedMessageError:
        assert found is None
    else:
        assert found is not None
        assert found.digest == digest(DOMAIN, signed.message)
        assert found.signature == signed.signature
        assert found.vehicle_signature == signed.vehicle_signature


@pytest.mark.parametrize("raw", [b"", b"\x00", b"\x01", b"\xff" * 123])
def test_read__nothing__is_none(raw: bytes) -> None:
    assert read(raw) is None
