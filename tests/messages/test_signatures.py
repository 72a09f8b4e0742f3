"""Keys on either curve: what counts as a signature here counts as one for `cryptography`, for
eth-account, and on chain."""

from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from eth_account import Account
from eth_utils.crypto import keccak
from generated_messages import ORDER, P256_ORDER, keys, p256_keys
from hypothesis import given, settings
from hypothesis import strategies as st

from gridroam.chain.ledger import Ledger
from gridroam.errors import InvalidInputError
from gridroam.signatures import (
    KeyCurve,
    P256Key,
    Secp256k1Key,
    key_on,
    recover,
    signer,
)

P256_VERIFY = "0x0000000000000000000000000000000000000100"
FIELD = 2**256 - 2**224 + 2**192 + 2**96 - 1
digests = st.sampled_from([bytes(32), b"\xff" * 32]) | st.binary(min_size=32, max_size=32)


@pytest.fixture(scope="module")
def ledger(running_market: Any) -> Ledger:
    found: Ledger = running_market.ledger
    return found


@given(digest=digests, secret=keys)
def test_secp256k1__is_what_eth_account_signs(digest: bytes, secret: bytes) -> None:
    key, account = Secp256k1Key(secret), Account.from_key(secret)
    assert key.address == account.address.lower()
    signature = key.sign(digest)
    assert signature == bytes(account.unsafe_sign_hash(digest).signature)
    assert recover(digest, signature) == key.address


@given(digest=digests, key=p256_keys)
def test_p256__is_what_cryptography_verifies(digest: bytes, key: P256Key) -> None:
    signature = key.sign(digest)
    r, s, x, y = numbers(signature)
    public = ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key()
    public.verify(encode_dss_signature(r, s), digest, ec.ECDSA(Prehashed(SHA256())))
    assert recover(digest, signature) == key.address
    assert key.address == "0x" + keccak(signature[64:])[-20:].hex()


@given(digest=digests, key=p256_keys)
def test_p256__with_the_other_s__is_as_good(digest: bytes, key: P256Key) -> None:
    r, s, x, y = numbers(key.sign(digest))
    assert recover(digest, joined(r, P256_ORDER - s, x, y)) == key.address


@given(digest=digests, key=p256_keys, bit=st.integers(0, 8 * 128 - 1))
def test_p256__with_any_bit_changed__is_nobodys(digest: bytes, key: P256Key, bit: int) -> None:
    raw = bytearray(key.sign(digest))
    raw[bit // 8] ^= 1 << bit % 8
    assert recover(digest, bytes(raw)) is None


@given(digest=digests, key=p256_keys, secret=keys)
def test_recover__of_another_length__is_nobodys(digest: bytes, key: P256Key, secret: bytes) -> None:
    for signature in (key.sign(digest), Secp256k1Key(secret).sign(digest)):
        for wrong in (b"", signature[:-1], signature + b"\0", signature[:64]):
            assert recover(digest, wrong) is None


@st.composite
def doubtful(draw: st.DrawFn) -> bytes:
    """A digest and r, s, x, y as P256VERIFY takes them: right, or with numbers at their bounds."""
    digest, key = draw(digests), draw(p256_keys)
    r, s, x, y = numbers(key.sign(digest))
    scalar = st.sampled_from([0, 1, P256_ORDER - 1, P256_ORDER, P256_ORDER + 1, 2**256 - 1])
    number = st.sampled_from([0, 1, FIELD - 1, FIELD, FIELD + 1, 2**256 - 1, FIELD - y])
    changed = (
        draw(st.sampled_from([r, r, (r + P256_ORDER) % 2**256]) | scalar),
        draw(st.sampled_from([s, s, P256_ORDER - s]) | scalar),
        draw(st.sampled_from([x, x, x, (x + FIELD) % 2**256]) | number),
        draw(st.sampled_from([y, y, y]) | number),
    )
    return digest + joined(*changed)


@pytest.mark.chain
@settings(max_examples=150)
@given(asked=doubtful())
def test_p256__doubtful_numbers__are_a_signature_exactly_where_the_precompile_says_so(
    ledger: Ledger, asked: bytes
) -> None:
    answer = ledger.w3.eth.call({"to": P256_VERIFY, "data": asked})
    assert bytes(answer) in (b"", (1).to_bytes(32, "big"))
    assert bool(answer) == (recover(asked[:32], asked[32:]) is not None)


# ------------------------------------------------------------------------------------------- keys


def test_p256__from_pem__with_and_without_password__is_the_key() -> None:
    private = ec.generate_private_key(ec.SECP256R1())
    plain = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    locked = private.private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret")
    )
    address = P256Key(private).address
    assert P256Key.from_pem(plain).address == address
    assert P256Key.from_pem(locked, b"secret").address == address
    for pem, password in ((locked, None), (locked, b"wrong"), (b"no pem", None)):
        with pytest.raises(InvalidInputError, match="no private key"):
            P256Key.from_pem(pem, password)


def test_p256__key_of_another_curve__is_refused() -> None:
    other = ec.generate_private_key(ec.SECP256K1())
    pem = other.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    with pytest.raises(InvalidInputError, match="secp256k1"):
        P256Key.from_pem(pem)


@pytest.mark.parametrize(
    "secret", [bytes(32), ORDER.to_bytes(32, "big"), b"\x01" * 31 + b"\xff" * 9]
)
def test_secp256k1__number_that_is_no_key__is_refused(secret: bytes) -> None:
    with pytest.raises(InvalidInputError):
        Secp256k1Key(secret)


@pytest.mark.parametrize("number", [0, P256_ORDER, 2**256 - 1])
def test_p256__number_that_is_no_key__is_refused(number: int) -> None:
    with pytest.raises(InvalidInputError):
        P256Key.from_secret(number.to_bytes(32, "big"))


def test_signer__bare_bytes_are_secp256k1__a_signer_is_itself() -> None:
    secret = keccak(text="a key")
    assert signer(secret).address == key_on(KeyCurve.SECP256K1, secret).address
    key = key_on(KeyCurve.SECP256R1, secret)
    assert signer(key) is key
    assert key.address != signer(secret).address


def numbers(signature: bytes) -> tuple[int, int, int, int]:
    r, s, x, y = (int.from_bytes(signature[i : i + 32], "big") for i in range(0, 128, 32))
    return r, s, x, y


def joined(*values: int) -> bytes:
    return b"".join(value.to_bytes(32, "big") for value in values)
