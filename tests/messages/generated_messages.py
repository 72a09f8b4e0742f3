"""Messages for tests with generated values. Both ends of every width turn up again and again."""

from hypothesis import strategies as st

from gridroam.messages import Domain, EnergyReport, Message, OpenSession, Signed, sign
from gridroam.signatures import P256Key

ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
MOST_BOUNDARIES = 192


def width(bits: int) -> st.SearchStrategy[int]:
    return st.sampled_from([0, 1, 2**bits - 1]) | st.integers(0, 2**bits - 1)


words = st.sampled_from([bytes(32), b"\xff" * 32]) | st.binary(min_size=32, max_size=32)
keys = (st.sampled_from([1, ORDER - 1]) | st.integers(1, ORDER - 1)).map(
    lambda number: number.to_bytes(32, "big")
)
readings = st.tuples(width(48), width(48))

openings = st.builds(
    OpenSession,
    station=width(32),
    session=width(32),
    vehicle=words,
    time=width(40),
    import_register=width(48),
    export_register=width(48),
)
reports = st.builds(
    EnergyReport,
    station=width(32),
    session=width(32),
    report=width(32),
    time=width(40),
    import_register=width(48),
    export_register=width(48),
    last=st.booleans(),
    evidence=words,
    boundaries=st.lists(readings, max_size=4).map(tuple)
    | st.integers(0, MOST_BOUNDARIES).flatmap(
        lambda count: readings.map(lambda reading: (reading,) * count)
    ),
)
messages: st.SearchStrategy[Message] = openings | reports

LEAST_OPENING = OpenSession(0, 0, bytes(32), 0, 0, 0)
GREATEST_OPENING = OpenSession(2**32 - 1, 2**32 - 1, b"\xff" * 32, 2**40 - 1, 2**48 - 1, 2**48 - 1)
LEAST_REPORT = EnergyReport(0, 0, 0, 0, 0, 0, last=False)
GREATEST_REPORT = EnergyReport(
    2**32 - 1,
    2**32 - 1,
    2**32 - 1,
    2**40 - 1,
    2**48 - 1,
    2**48 - 1,
    last=True,
    evidence=b"\xff" * 32,
    boundaries=((2**48 - 1, 2**48 - 1),) * MOST_BOUNDARIES,
)
EXTREMES: tuple[Message, ...] = (LEAST_OPENING, GREATEST_OPENING, LEAST_REPORT, GREATEST_REPORT)


p256_keys = st.integers(1, P256_ORDER - 1).map(
    lambda number: P256Key.from_secret(number.to_bytes(32, "big"))
)
signers: st.SearchStrategy[bytes | P256Key] = keys | p256_keys


def signed_messages(domain: Domain) -> st.SearchStrategy[Signed]:
    """By stations of either curve; openings by vehicles, too, or not."""
    alone = st.builds(lambda message, key: sign(domain, message, key), messages, signers)
    together = st.builds(lambda *signed: sign(domain, *signed), openings, signers, signers)
    return alone | together
