"""What a simulated meter signs is read and believed as a real one's is, and nothing else is."""

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from gridroam.domain.energy import Reading
from gridroam.domain.meters import MeterKey
from gridroam.domain.record import Record, Span
from gridroam.domain.violation import NotAllowedError
from gridroam.evidence import ocmf
from gridroam.evidence.record import Evidence, meter_key, read
from gridroam.station.signing_meter import SigningMeter

SERIAL = "1GRM0000000042"
BEGIN = Reading(1_794_900_000, 999_999, 7)
END = Reading(1_794_907_261, 1_004_001, 10)


@pytest.fixture(params=[ec.SECP256K1(), ec.SECP256R1()], ids=lambda curve: curve.name)
def key(request: pytest.FixtureRequest) -> ec.EllipticCurvePrivateKey:
    return ec.derive_private_key(0xCA11, request.param)


def believed(text: str, key: ec.EllipticCurvePrivateKey, serial: str = SERIAL) -> Record:
    """As the contracts would read it, with this meter's key on file."""
    evidence = Evidence(tuple(read(text)))
    on_file = MeterKey(*meter_key(key.public_key(), serial))
    return ocmf.read(evidence.text, evidence.second, evidence.signatures, on_file)


def test_record__both_registers__exactly_and_with_its_times(
    key: ec.EllipticCurvePrivateKey,
) -> None:
    found = believed(SigningMeter(SERIAL, key).record(BEGIN, END), key)
    assert (found.imported, found.exported) == (Span(999_999, 1_004_001), Span(7, 10))
    assert (found.begin_time, found.end_time) == (BEGIN.time, END.time)


def test_record__one_after_another__pages_without_gaps(key: ec.EllipticCurvePrivateKey) -> None:
    meter = SigningMeter(SERIAL, key)
    assert [believed(meter.record(BEGIN, END), key).page for _ in range(3)] == [1, 2, 3]


def test_record__a_digit_changed__is_not_the_meters(key: ec.EllipticCurvePrivateKey) -> None:
    text = SigningMeter(SERIAL, key).record(BEGIN, END)
    assert text.count("1004.001") == 1
    with pytest.raises(NotAllowedError, match="BadMeterSignature"):
        believed(text.replace("1004.001", "1009.001"), key)


def test_record__of_another_meter__is_refused(key: ec.EllipticCurvePrivateKey) -> None:
    text = SigningMeter(SERIAL, key).record(BEGIN, END)
    with pytest.raises(NotAllowedError, match="OtherMeter"):
        believed(text, key, serial="1GRM0000000043")
