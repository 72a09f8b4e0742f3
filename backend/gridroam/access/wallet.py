"""Sign-in by a wallet's signature: EIP-4361 messages, written and checked.

The message is checked against what this console would have asked for: its domain and address, its
chain, a nonce that it gave out once, and a time that is not over. The signature is the account's
own (65 bytes) or a contract wallet's (ERC-1271). Whether the account is a participant is asked of
the registry at the newest block.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from eth_account import Account
from eth_account.messages import _hash_eip191_message, encode_defunct
from eth_utils.exceptions import ValidationError
from hexbytes import HexBytes
from pydantic import ValidationError as FieldError
from siwe import (  # type: ignore[import-untyped]
    ISO8601Datetime,
    SiweMessage,
    VersionEnum,
    generate_nonce,
)
from web3 import Web3

from gridroam.access.problems import SignInError
from gridroam.chain.ledger import Ledger

STATEMENT = "Sign in to Gridroam. This costs nothing and moves nothing."
VALID = timedelta(minutes=5)
_SKEW = timedelta(minutes=2)
_MAX_MESSAGE, _MAX_SIGNATURE = 2_000, 8_192
_MAGIC = bytes.fromhex("1626ba7e")
"""What `isValidSignature` of ERC-1271 returns."""


@dataclass(frozen=True, slots=True)
class Site:
    """Where the console stands for its users, as scheme and host, and on which chain."""

    origin: str
    chain_id: int

    @property
    def domain(self) -> str:
        return urlsplit(self.origin).netloc


def new_nonce() -> str:
    """Two of the library's, over 120 bits together."""
    return str(generate_nonce() + generate_nonce())


def message_for(site: Site, address: str, nonce: str, now: datetime) -> str:
    """The text that the wallet is asked to sign; raises `SignInError` for what is no address."""
    if not Web3.is_address(address):
        raise SignInError("no-address", f"{address!r} is no address.")
    message = SiweMessage(
        domain=site.domain,
        address=Web3.to_checksum_address(address),
        statement=STATEMENT,
        uri=site.origin,
        version=VersionEnum.one,
        chain_id=site.chain_id,
        nonce=nonce,
        issued_at=ISO8601Datetime.from_datetime(now, "seconds"),
        expiration_time=ISO8601Datetime.from_datetime(now + VALID, "seconds"),
    )
    return str(message.prepare_message())


def verify(
    site: Site, ledger: Ledger, text: str, signature: str, *, nonce: str, now: datetime
) -> tuple[int, str]:
    """The participant's number and its account. Raises `SignInError`.

    `nonce` is the one that this browser was given; the caller takes it out of use.
    """
    message = _read(text)
    _check(message, site, nonce, now)
    if not _signed(ledger.w3, message, text, signature):
        raise SignInError("bad-signature", "The signature is not the account's.")
    participant = ledger.participant_of(message.address)
    if not participant:
        raise SignInError("no-participant", f"{message.address} is no participant's account.")
    return participant, message.address


def _read(text: str) -> SiweMessage:
    if len(text) > _MAX_MESSAGE:
        raise SignInError("malformed", "The message is too long.")
    try:
        message = SiweMessage.from_message(text)
    except (ValueError, FieldError) as error:
        raise SignInError("malformed", "The text is no sign-in message.") from error
    if message.prepare_message() != text:
        raise SignInError("malformed", "The text is no sign-in message.")
    return message


def _check(message: SiweMessage, site: Site, nonce: str, now: datetime) -> None:
    if message.scheme is not None and message.scheme != urlsplit(site.origin).scheme:
        raise SignInError("wrong-domain", "The message is for another site.")
    if message.domain != site.domain or message.uri != site.origin:
        raise SignInError("wrong-domain", "The message is for another site.")
    if message.chain_id != site.chain_id:
        raise SignInError("wrong-chain", "The message is for another chain.")
    if not nonce or message.nonce != nonce:
        raise SignInError("wrong-nonce", "The message was not asked for, or is used up.")
    issued, expires = _time(message.issued_at), _time(message.expiration_time)
    not_before = _time(message.not_before)
    if not issued or not expires or issued > now + _SKEW or expires - issued > 2 * VALID:
        raise SignInError("wrong-time", "The message's times are not those that were asked for.")
    if now >= expires or (not_before and now < not_before):
        raise SignInError("expired", "The message is not valid any more. Ask for a new one.")


def _time(value: str | None) -> datetime | None:
    if value is None:
        return None
    moment = datetime.fromisoformat(str(value))
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _signed(w3: Web3, message: SiweMessage, text: str, signature: str) -> bool:
    try:
        raw = HexBytes(signature.strip())
    except ValueError:
        return False
    if len(raw) > _MAX_SIGNATURE:
        return False
    signable = encode_defunct(text=text)
    if len(raw) == 65:
        try:
            if Account.recover_message(signable, signature=raw) == message.address:
                return True
        except (ValueError, IndexError, ValidationError):
            pass
    return _contract_signed(w3, message.address, bytes(_hash_eip191_message(signable)), bytes(raw))


def _contract_signed(w3: Web3, address: str, digest: bytes, signature: bytes) -> bool:
    account = Web3.to_checksum_address(address)
    if not w3.eth.get_code(account):
        return False
    data = w3.codec.encode(["bytes32", "bytes"], [digest, signature])
    answer = w3.provider.make_request(
        "eth_call",  # type: ignore[arg-type]
        [{"to": account, "data": "0x" + (_MAGIC + data).hex()}, "latest"],
    )
    return bytes(HexBytes(answer.get("result") or "0x")) == _MAGIC + bytes(28)
