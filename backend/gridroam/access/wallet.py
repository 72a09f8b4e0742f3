"""Sign-in by a wallet's signature over an EIP-4361 message.

The message is written here and never read: the server remembers what it asked of which browser, and
the signature has to be over exactly that text. So domain, address, chain, nonce and times are what
this console asked for, or nothing fits; there is no parser that could be led astray.

The signature is the account's own (65 bytes) or a contract wallet's (ERC-1271). Whether the account
is a participant's is asked of the registry at the newest block.
"""

import json
import secrets
import string
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from eth_account.messages import defunct_hash_message
from hexbytes import HexBytes
from web3 import Web3
from web3.types import RPCEndpoint

from gridroam.access.problems import SignInError
from gridroam.chain.ledger import Ledger
from gridroam.signatures import recover

STATEMENT = "Sign in to Gridroam. This costs nothing and moves nothing."
VALID = timedelta(minutes=5)
_NONCE = 24
_MAX_SIGNATURE = 8_192
_MAGIC = bytes.fromhex("1626ba7e")
"""What `isValidSignature` of ERC-1271 returns; also its selector."""


@dataclass(frozen=True, slots=True)
class Site:
    """Where the console stands for its users, as scheme and host, and on which chain."""

    origin: str
    chain_id: int

    @property
    def domain(self) -> str:
        return urlsplit(self.origin).netloc


@dataclass(frozen=True, slots=True)
class Challenge:
    """What one browser was asked to sign; kept on the server until it answers. `issued` is UTC
    seconds."""

    address: str
    nonce: str
    issued: int

    @classmethod
    def new(cls, address: str, now: int) -> "Challenge":
        """Raises `SignInError` for what is no address."""
        if not Web3.is_address(address):
            raise SignInError("no-address", f"{address!r} is no address.")
        letters = string.ascii_letters + string.digits
        nonce = "".join(secrets.choice(letters) for _ in range(_NONCE))
        return cls(Web3.to_checksum_address(address), nonce, now)

    def pack(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def unpack(cls, text: str) -> "Challenge | None":
        try:
            values = json.loads(text)
            return cls(str(values["address"]), str(values["nonce"]), int(values["issued"]))
        except (ValueError, KeyError, TypeError):
            return None

    def message(self, site: Site) -> str:
        """EIP-4361, "Message Format"."""
        issued = datetime.fromtimestamp(self.issued, UTC)
        return (
            f"{site.domain} wants you to sign in with your Ethereum account:\n"
            f"{self.address}\n\n"
            f"{STATEMENT}\n\n"
            f"URI: {site.origin}\n"
            "Version: 1\n"
            f"Chain ID: {site.chain_id}\n"
            f"Nonce: {self.nonce}\n"
            f"Issued At: {_written(issued)}\n"
            f"Expiration Time: {_written(issued + VALID)}"
        )


def verify(
    site: Site, ledger: Ledger, challenge: Challenge | None, signature: str, now: int
) -> tuple[int, str]:
    """The participant's number and its account. Raises `SignInError`.

    The caller has taken the challenge out of use: a second signature needs another.
    """
    if challenge is None:
        raise SignInError("wrong-nonce", "Nothing was asked for, or it was used.")
    if not challenge.issued <= now < challenge.issued + VALID.total_seconds():
        raise SignInError("expired", "The text is too old.")
    if ledger.w3.eth.chain_id != site.chain_id:
        raise SignInError("wrong-chain", "The node is on another chain now.")
    if not _signed(ledger.w3, challenge.address, challenge.message(site), signature):
        raise SignInError("bad-signature", "The signature is not the account's.")
    participant = ledger.participant_of(challenge.address)
    if not participant:
        raise SignInError("no-participant", f"{challenge.address} is no participant's account.")
    return participant, challenge.address


def _written(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _signed(w3: Web3, address: str, text: str, signature: str) -> bool:
    try:
        raw = bytes(HexBytes(signature.strip()))
    except ValueError:
        return False
    if len(raw) > _MAX_SIGNATURE:
        return False
    digest = bytes(defunct_hash_message(text=text))
    if len(raw) == 65 and _recovered(digest, raw) == address.lower():
        return True
    return _contract_signed(w3, address, digest, raw)


def _recovered(digest: bytes, raw: bytes) -> str | None:
    v = raw[64] + 27 if raw[64] < 27 else raw[64]  # some wallets count from 0
    return recover(digest, raw[:64] + bytes([v]))


def _contract_signed(w3: Web3, address: str, digest: bytes, signature: bytes) -> bool:
    account = Web3.to_checksum_address(address)
    if not w3.eth.get_code(account):
        return False
    data = w3.codec.encode(["bytes32", "bytes"], [digest, signature])
    call = {"to": account, "data": "0x" + (_MAGIC + data).hex()}
    answer = w3.provider.make_request(RPCEndpoint("eth_call"), [call, "latest"])
    return bytes(HexBytes(answer.get("result") or "0x")) == _MAGIC + bytes(28)
