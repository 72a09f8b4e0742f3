"""The contract's reader against a naive one and that of the audit, on records as no meter would
print them.

What the contract accepts means the same to a JSON library, and to the audit; what it refuses may be
lawful JSON, but never one of the plain kind.
"""

from collections.abc import Callable
from dataclasses import astuple

import pytest
from coincurve import PrivateKey
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from meters import words_of
from naive import RefusedError
from naive import read as naive

from gridroam.chain import abi
from gridroam.chain.anvil import Anvil
from gridroam.chain.reverts import translated
from gridroam.chain.wallet import TX_GAS_LIMIT, Wallet
from gridroam.domain.hashing import keccak
from gridroam.domain.meters import MeterKey
from gridroam.errors import ChainError, RevertedError
from gridroam.evidence import ocmf

KEY = PrivateKey((0x5EA1).to_bytes(32, "big"))
SERIAL = "1GRM0099"
POINT = KEY.public_key.format(compressed=False)[1:]
METER = MeterKey(1, POINT[:32], POINT[32:], keccak(SERIAL.encode()))
Read = Callable[[str], tuple[bytes | int, ...]]


@pytest.fixture(scope="module")
def read() -> Read:
    """Signs the payload and has the contract read it."""
    with Anvil() as anvil:
        address, _ = Wallet(anvil.w3, anvil.admin).deploy("MeterReader")
        function = abi.functions("MeterReader")["read"]
        key = astuple(METER)

        def run(payload: str) -> tuple[int, ...]:
            data = function.calldata(*printed(payload), key)
            with translated():
                call = {"to": address, "data": data, "gas": TX_GAS_LIMIT}
                return tuple(function.results(anvil.w3.eth.call(call))[0])

        yield run


def printed(payload: str) -> tuple[bytes, int, bytes]:
    """The record, no second one in it, its signature."""
    signature = KEY.sign_recoverable(payload.encode())[:64]
    return f'OCMF|{payload}|{{"SD":""}}'.encode(), 0, signature


def agree(read: Read, payload: str) -> bool:
    """Whether the contract accepts it; then the other readers must say the same."""
    try:
        found = read(payload)
    except (RevertedError, ChainError):
        return False
    assert found[1:5] == naive(payload)
    assert found == words_of(ocmf.read(*printed(payload), METER))
    return True


# ------------------------------------------------------------------------------------------ plain

numbers = st.integers(0, 10**9)
texts = st.text(
    st.characters(exclude_characters='"\\', exclude_categories=["Cs", "Cc"]), max_size=60
)
scalars = st.sampled_from(["true", "false", "null", "0", "-1.5", "12"])
strings = texts.map(lambda t: f'"{t}"')
plain = st.one_of(strings, scalars)
others = st.one_of(
    plain,
    st.lists(plain, max_size=4).map(lambda v: "[" + ",".join(v) + "]"),
    st.lists(
        st.tuples(st.sampled_from(["LN", "LI", "LR", "abc"]), plain),
        max_size=3,
        unique_by=lambda p: p[0],
    ).map(lambda v: "{" + ",".join(f'"{k}":{x}' for k, x in v) + "}"),
)
codes = st.sampled_from(["1-b:{}.8.0", "01-00:0{}.08.00", "01-00:0{}.08.00*FF", "1-0:{}.8.0.255"])


@st.composite
def plain_records(draw: st.DrawFn) -> str:
    colon = draw(st.sampled_from([":", " : ", " :", ": "]))
    comma = draw(st.sampled_from([",", ", ", " ,"]))
    begin, more, decimals = draw(numbers), draw(numbers), draw(st.integers(0, 6))
    unit = draw(st.sampled_from(["kWh", "Wh"]))
    quoted = draw(st.booleans())
    code = draw(codes).format(draw(st.sampled_from("12")))

    def value(number: int) -> str:
        text = f"{number // 10**decimals}"
        text += f".{number % 10**decimals:0{decimals}}" if decimals else ""
        return f'"   {text}"' if quoted else text

    def reading(tx: str, number: int, *, whole: bool) -> str:
        pairs = [("TX", f'"{tx}"'), ("RV", value(number))]
        if whole:
            pairs += [("RI", f'"{code}"'), ("RU", f'"{unit}"'), ("ST", '"G"'), ("EF", '""')]
        pairs += [("RT", draw(plain))] if draw(st.booleans()) else []
        return body(draw(st.permutations(pairs)))

    def body(pairs: list[tuple[str, str]]) -> str:
        return "{" + comma.join(f'"{k}"{colon}{v}' for k, v in pairs) + "}"

    readings = [
        reading("B", begin, whole=True),
        reading("E", begin + more, whole=draw(st.booleans())),
    ]
    pairs = [("MS", f'"{SERIAL}"'), ("PG", f'"T{draw(st.integers(0, 10**12))}"')]
    pairs += [("RD", "[" + comma.join(readings) + "]"), ("FV", '"1.0"')]
    names = ["GI", "GV", "MV", "ID", "CI", "TT", "IF", "LC", "U", "VEND"]
    pairs += [(name, draw(others)) for name in names if draw(st.booleans())]
    return body(draw(st.permutations(pairs)))


@settings(max_examples=120, suppress_health_check=list(HealthCheck))
@given(payload=plain_records())
def test_plain_record__however_it_is_laid_out__is_read_right(read, payload):
    assert agree(read, payload), payload


GENUINE = (
    '{"FV":"1.0","GS":"1","PG":"T7","MS":"1GRM0099","IS":true,"IF":["RFID_NONE"],"ID":"A","RD":['
    '{"TM":"2027-01-15T08:00:00,000+0100 I","TX":"B","RV":1.5,'
    '"RI":"1-b:1.8.0","RU":"kWh","EF":"","ST":"G"},'
    '{"TM":"2027-01-15T09:00:00,000+0100 I","TX":"E","RV":2.25,'
    '"RI":"1-b:1.8.0","RU":"kWh","EF":"","ST":"G"}]}'
)
PIECES = [
    '"',
    "\\",
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    " ",
    '"ST":"G"',
    '"RV":9',
    '"TX":"E",',
    '"RD":[',
    "}|{",
    "1",
    "B",
]


@settings(max_examples=400, suppress_health_check=list(HealthCheck))
@given(
    edits=st.lists(
        st.tuples(st.integers(0, len(GENUINE)), st.integers(0, 3), st.sampled_from(PIECES)),
        min_size=1,
        max_size=4,
    )
)
def test_damaged_record__is_refused_or_means_what_json_says(read, edits):
    payload = GENUINE
    for place, removed, added in edits:
        payload = payload[:place] + added + payload[place + removed :]
    if "|" not in payload:
        agree(read, payload)


@pytest.mark.parametrize(
    "decoy",
    [
        '"ID":"\\",\\"RD\\":[]"',  # an escaped quote
        '"ID":"x","MS":"1GRM0099"',  # a second serial number
        '"RD":[{"TX":"B","RV":0,"RI":"1-b:1.8.0","RU":"Wh","ST":"G"}]',  # second readings
        '"U":{"V":{"RD":[]}}',  # deeper than OCMF goes
        '"U":[[1]]',
        '"U":{"MS":"2"}]',
    ],
)
def test_what_is_unusual__is_refused(read, decoy):
    with pytest.raises(RevertedError):
        read(GENUINE.replace('"ID":"A"', decoy))


@pytest.mark.parametrize(
    "decoy", ['"ID":"{[}],:RD MS"', '"":":"', '"U":{"MS":"2","RD":"3"}', '"VEND":"x"']
)
def test_what_only_looks_like_structure__is_passed_over(read, decoy):
    assert agree(read, GENUINE.replace('"ID":"A"', decoy))


def test_naive__refuses_what_is_no_json():
    with pytest.raises(RefusedError):
        naive("{")
