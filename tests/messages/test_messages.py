"""The wire format and the signature's rules: what is read is what was written, and what is refused
here is refused by the ledger."""

from typing import Any

import pytest
from eth_utils.crypto import keccak
from generated_messages import EXTREMES, ORDER, keys, messages, signed_messages
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gridroam.chain.ledger import Ledger
from gridroam.devnet.market import Market, MarketStation
from gridroam.domain.reasons import Reason
from gridroam.errors import MalformedMessageError
from gridroam.messages import (
    BOUNDARY_BYTES,
    OPENING_BYTES,
    REPORT_BYTES,
    Domain,
    EnergyReport,
    Message,
    OpenSession,
    Signed,
    digest,
    sign,
    unpack,
)
from gridroam.signatures import recover

DOMAIN = Domain(31337, "0x5FbDB2315678afecb367f032d93F642f64180aa3")
SENDER = "0x" + "ab" * 20
SIGNATURE = bytes(range(65))
OPENING, REPORT = b"\x01", b"\x02"
HALF_ORDER = ORDER // 2


@pytest.fixture(scope="module")
def ledger(running_market: Any) -> Ledger:
    """Only asked, so that it serves all examples."""
    found: Ledger = running_market.ledger
    return found


@pytest.fixture(scope="module")
def station(running_market: Any) -> MarketStation:
    market: Market = running_market.market
    return next(iter(market.stations.values()))


# ------------------------------------------------------------------------------------ Wire format


@example(signed=Signed(EXTREMES[0], SIGNATURE))
@example(signed=Signed(EXTREMES[1], SIGNATURE))
@example(signed=Signed(EXTREMES[2], SIGNATURE))
@example(signed=Signed(EXTREMES[3], SIGNATURE))
@given(signed=signed_messages(DOMAIN))
def test_unpack__packed_message__is_the_message(signed: Signed) -> None:
    assert unpack(signed.pack()) == signed


def test_pack__puts_each_field_where_the_protocol_says() -> None:
    reading = {"time": 0x0102030405, "import_register": 0x111213141516}
    opening = OpenSession(0xA1A2A3A4, 0xB1B2B3B4, b"\xcc" * 32, **reading, export_register=7)
    boundaries = ((1, 2), (0x313233343536, 0x414243444546))
    last = EnergyReport(
        0xA1A2A3A4,
        0xB1B2B3B4,
        0xC1C2C3C4,
        **reading,
        export_register=7,
        last=True,
        evidence=b"\xee" * 32,
        boundaries=boundaries,
    )

    numbers, registers = "a1a2a3a4 b1b2b3b4", "0102030405 111213141516 000000000007"
    pairs = "000000000001 000000000002 313233343536 414243444546"
    assert Signed(opening, SIGNATURE).pack() == bytes.fromhex(
        f"01 {numbers} {registers} {'cc' * 32} {SIGNATURE.hex()}"
    )
    assert Signed(last, SIGNATURE).pack() == bytes.fromhex(
        f"02 {numbers} c1c2c3c4 {registers} 01 {'ee' * 32} {pairs} {SIGNATURE.hex()}"
    )


@pytest.mark.parametrize(
    "length", [0, 1, 9, 58, OPENING_BYTES - 1, OPENING_BYTES + 1, REPORT_BYTES, 1000]
)
def test_unpack__opening_of_another_length__is_refused(length: int) -> None:
    with pytest.raises(MalformedMessageError, match=f"{length} bytes"):
        unpack((OPENING + bytes(length))[:length])


@pytest.mark.parametrize("count", [0, 1, 2, 192, 193])
def test_unpack__report__has_whole_boundaries_only(count: int) -> None:
    right = REPORT_BYTES + count * BOUNDARY_BYTES
    unpack(REPORT + bytes(right - 1))

    for wrong in (*range(right - BOUNDARY_BYTES + 1, right), *range(right + 1, right + 12)):
        with pytest.raises(MalformedMessageError, match=f"{wrong} bytes"):
            unpack(REPORT + bytes(wrong - 1))


@pytest.mark.parametrize("kind", [0, 3, 0x10, 0x22, 0x42, 0x61, 0x71, 0x81, 0xFF])
def test_unpack__unknown_kind__is_refused(kind: int) -> None:
    lengths = OPENING_BYTES, REPORT_BYTES, REPORT_BYTES + BOUNDARY_BYTES, REPORT_BYTES + 65
    for length in lengths:
        with pytest.raises(MalformedMessageError, match=f"kind {kind:#04x}"):
            unpack(bytes([kind]) + bytes(length - 1))


@pytest.mark.parametrize("last", [2, 0x80, 0xFF])
def test_unpack__last_that_is_no_truth_value__is_refused(last: int) -> None:
    raw = bytearray(REPORT + bytes(REPORT_BYTES - 1))
    raw[30] = last

    with pytest.raises(MalformedMessageError):
        unpack(bytes(raw))


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """A message with bytes changed, put in, or cut off; or bytes that never were one."""
    raw = bytearray(draw(signed_messages(DOMAIN)).pack())
    match draw(st.sampled_from(["intact", "change", "kind", "last", "cut", "insert", "other"])):
        case "change":
            raw[draw(st.integers(0, len(raw) - 1))] = draw(st.integers(0, 255))
        case "kind":
            raw[0] ^= draw(st.integers(0, 255))
        case "last":
            raw[30] = draw(st.integers(0, 3))
        case "cut":
            raw = raw[: draw(st.integers(0, len(raw)))]
        case "insert":
            at = draw(st.integers(0, len(raw)))
            raw[at:at] = draw(st.binary(min_size=1, max_size=2 * BOUNDARY_BYTES))
        case "other":
            return draw(st.binary(max_size=400))
    return bytes(raw)


@pytest.mark.chain
@settings(max_examples=60)
@given(batch=st.lists(damaged(), min_size=1, max_size=12))
def test_unpack__damaged_messages__fails_exactly_where_the_ledger_does(
    ledger: Ledger, batch: list[bytes]
) -> None:
    reasons = ledger.simulate(batch, SENDER)

    assert [reason is Reason.MALFORMED for reason in reasons] == [not is_readable(m) for m in batch]


@given(raw=damaged())
def test_unpack__whatever_can_be_read__has_no_other_form(raw: bytes) -> None:
    if is_readable(raw):
        assert unpack(raw).pack() == raw


def is_readable(raw: bytes) -> bool:
    try:
        unpack(raw)
    except MalformedMessageError:
        return False
    return True


# ---------------------------------------------------------------------------------------- Widths


@pytest.mark.parametrize(
    ("field", "bits"),
    [
        ("station", 32),
        ("session", 32),
        ("report", 32),
        ("time", 40),
        ("import_register", 48),
        ("export_register", 48),
    ],
)
def test_message__field_too_wide__is_named(field: str, bits: int) -> None:
    opening = {"station": 1, "session": 1, "time": 1, "import_register": 1, "export_register": 1}
    named = rf"^{field} is -?\d+\. It must be from 0 to 2\^{bits} - 1\.$"

    for value in (-1, 2**bits):
        with pytest.raises(MalformedMessageError, match=named):
            EnergyReport(**opening | {"report": 1, field: value}, last=False)
        if field in opening:
            with pytest.raises(MalformedMessageError, match=named):
                OpenSession(**opening | {field: value}, vehicle=bytes(32))


@pytest.mark.parametrize("pair", [(2**48, 0), (0, 2**48), (-1, 0), (0, -1)])
def test_report__boundary_too_wide__is_named(pair: tuple[int, int]) -> None:
    with pytest.raises(MalformedMessageError, match=r"^boundaries is"):
        EnergyReport(1, 1, 1, 1, 1, 1, last=False, boundaries=((0, 0), pair))


@pytest.mark.parametrize("length", [0, 31, 33])
def test_message__hash_of_another_length__is_named(length: int) -> None:
    with pytest.raises(MalformedMessageError, match=f"^vehicle has {length} bytes"):
        OpenSession(1, 1, bytes(length), 1, 1, 1)
    with pytest.raises(MalformedMessageError, match=f"^evidence has {length} bytes"):
        EnergyReport(1, 1, 1, 1, 1, 1, last=False, evidence=bytes(length))


@pytest.mark.parametrize("length", [0, 64, 66, 127, 129])
def test_signed__signature_of_another_length__is_refused(length: int) -> None:
    with pytest.raises(MalformedMessageError, match=f"{length} bytes"):
        Signed(EXTREMES[0], bytes(length))
    if length:
        with pytest.raises(MalformedMessageError, match=f"vehicle's signature has {length} bytes"):
            Signed(EXTREMES[0], SIGNATURE, bytes(length))


def test_signed__report_with_a_vehicles_signature__is_refused() -> None:
    with pytest.raises(MalformedMessageError, match="sign no reports"):
        Signed(EXTREMES[2], SIGNATURE, SIGNATURE)


@pytest.mark.parametrize(
    ("station", "vehicle", "kind"),
    [(65, 0, 0x01), (128, 0, 0x11), (65, 65, 0x21), (128, 65, 0x31), (65, 128, 0x41)],
)
def test_pack__kind__says_which_signatures_follow(station: int, vehicle: int, kind: int) -> None:
    signed = Signed(EXTREMES[1], b"\x05" * station, b"\x06" * vehicle)
    raw = signed.pack()
    assert raw[0] == kind
    assert raw[58:] == b"\x05" * station + b"\x06" * vehicle
    assert unpack(raw) == signed


# ------------------------------------------------------------------------------------- Signatures


@given(message=messages, key=keys)
def test_sign__gives_the_lower_half_and_27_or_28(message: Message, key: bytes) -> None:
    _, s, v = split(sign(DOMAIN, message, key).signature)

    assert 0 < s <= HALF_ORDER
    assert v in (27, 28)


@given(message=messages, key=keys)
def test_recover__same_signature_with_high_s__is_refused(message: Message, key: bytes) -> None:
    signed = sign(DOMAIN, message, key)
    r, s, v = split(signed.signature)

    twin = joined(r, ORDER - s, 55 - v)

    assert recover(digest(DOMAIN, message), twin) is None


@pytest.mark.parametrize("v", [0, 1, 2, 26, 29, 30, 31, 255])
def test_recover__wrong_v__is_refused(v: int) -> None:
    signature = sign(DOMAIN, EXTREMES[0], keccak(text="station")).signature

    assert recover(digest(DOMAIN, EXTREMES[0]), signature[:64] + bytes([v])) is None


@pytest.mark.parametrize("v", [27, 28])
@pytest.mark.parametrize(
    ("r", "s"),
    [(0, 0), (0, 1), (1, 0), (ORDER, 1), (1, ORDER), (2**256 - 1, 1), (5, 1)],
    ids=["zeros", "zero r", "zero s", "r too big", "s too big", "r of ones", "r on no curve"],
)
def test_recover__numbers_that_are_no_signature__is_refused(r: int, s: int, v: int) -> None:
    assert recover(bytes(32), joined(r, s, v)) is None


@st.composite
def doubtful(draw: st.DrawFn) -> tuple[int, int, int]:
    """What to change in r, s and v: nothing, or something, at their bounds above all."""
    number = st.sampled_from([0, 1, HALF_ORDER, HALF_ORDER + 1, ORDER - 1, ORDER, 2**256 - 1])
    return draw(
        st.tuples(
            st.just(-1) | number,
            st.sampled_from([-1, -2]) | number,
            st.just(-1) | st.integers(0, 255),
        )
    )


@pytest.mark.chain
@settings(max_examples=60)
@given(changes=st.lists(doubtful(), min_size=1, max_size=12))
def test_signer__doubtful_signatures__is_the_station_exactly_where_the_ledger_says_so(
    ledger: Ledger, station: MarketStation, changes: list[tuple[int, int, int]]
) -> None:
    message = EnergyReport(station.number, 1, 1, 1, 1, 1, last=False)
    right = sign(ledger.domain, message, station.key)
    batch = [Signed(message, changed(right.signature, *change)) for change in changes]

    reasons = ledger.simulate([signed.pack() for signed in batch], SENDER)

    expected = right.signer(ledger.domain)
    forged = [signed.signer(ledger.domain) != expected for signed in batch]
    assert [reason is Reason.BAD_SIGNATURE for reason in reasons] == forged


def changed(signature: bytes, new_r: int, new_s: int, new_v: int) -> bytes:
    r, s, v = split(signature)
    s = {-1: s, -2: ORDER - s}.get(new_s, new_s)
    return joined(r if new_r < 0 else new_r, s, v if new_v < 0 else new_v)


def split(signature: bytes) -> tuple[int, int, int]:
    return (
        int.from_bytes(signature[:32], "big"),
        int.from_bytes(signature[32:64], "big"),
        signature[64],
    )


def joined(r: int, s: int, v: int) -> bytes:
    return r.to_bytes(32, "big") + s.to_bytes(32, "big") + bytes([v])
