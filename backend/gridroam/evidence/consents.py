"""Consents that are signed away from the chain: what somebody is asked to agree to, what it signed,
and whether that is good. Both are small JSON files that go from hand to hand.

A request has both versions as the contracts encode them. What is shown before a signature follows
from these bytes, and so does the hash that is signed: a request cannot say one and mean another.
"""

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from eth_account.signers.local import LocalAccount
from eth_typing import ChecksumAddress
from web3 import Web3

from gridroam.domain.version import Share, Version
from gridroam.errors import BrokenFileError, InvalidInputError
from gridroam.evidence import corrections
from gridroam.evidence.corrections import Change, Corrections
from gridroam.messages import Consent
from gridroam.signatures import recover, signer

T = TypeVar("T")

_END_OF_TIME = 1 << 40
"""Times have 40 bits."""


@dataclass(frozen=True, slots=True)
class Request:
    """`needs`: the accounts of those whose consent is missing, by participant."""

    chain_id: int
    corrections: str
    present: Version
    proposed: Version
    needs: dict[int, str]

    def __post_init__(self) -> None:
        if self.proposed.previous != self.present.content:
            raise ValueError("what is proposed does not follow from the present version")

    @classmethod
    def read(cls, path: Path) -> "Request":
        """Raises `BrokenFileError`."""
        return _read(path, "request for a consent", cls._made)

    @classmethod
    def _made(cls, given: dict[str, Any]) -> "Request":
        return cls(
            int(given["chain_id"]),
            str(given["corrections"]),
            Version.decoded(_bytes(given["present"])),
            Version.decoded(_bytes(given["proposed"])),
            {int(number): str(account) for number, account in given["needs"].items()},
        )

    def as_dict(self) -> dict[str, Any]:
        return {
            "chain_id": self.chain_id,
            "corrections": self.corrections,
            "present": "0x" + self.present.encoded.hex(),
            "proposed": "0x" + self.proposed.encoded.hex(),
            "needs": {str(number): account for number, account in self.needs.items()},
        }

    def participant_of(self, account: str) -> int:
        """Raises `InvalidInputError` if its consent is not needed."""
        for number, address in self.needs.items():
            if address.lower() == account.lower():
                return number
        wanted = ", ".join(f"{number} by {address}" for number, address in self.needs.items())
        raise InvalidInputError(
            f"The consent of {account} is not needed; missing is that of: {wanted or 'nobody'}.",
            "Sign with one of these accounts.",
        )

    def lines(self) -> Iterator[str]:
        """Where, and what changes, for whoever is asked: all that is signed."""
        new = self.proposed
        yield f"At the corrections {self.corrections} on chain {self.chain_id}"
        yield f"session {new.session} of station {new.station}, version {new.number}:"
        for (name, before), (_, after) in zip(_facts(self.present), _facts(new), strict=True):
            yield f"  {name}: {after}" + ("" if before == after else f", before {before}")

    def signed(self, account: LocalAccount, until: int) -> "SignedConsent":
        """Raises `InvalidInputError` where the account's consent is not needed or the time is
        past."""
        if not time.time() < until < _END_OF_TIME:
            raise InvalidInputError(
                f"A consent until {shown(until)} is good for nothing.", "Give a later time."
            )
        new, participant = self.proposed, self.participant_of(account.address)
        said = Consent(new.station, new.session, new.number, new.content, participant, until)
        hashed = said.digest(self.chain_id, self.corrections)
        signature = signer(bytes(account.key)).sign(hashed)
        return SignedConsent(self.chain_id, self.corrections, said, signature)


@dataclass(frozen=True, slots=True)
class SignedConsent:
    chain_id: int
    corrections: str
    consent: Consent
    signature: bytes

    @classmethod
    def read(cls, path: Path) -> "SignedConsent":
        """Raises `BrokenFileError`."""
        return _read(path, "signed consent", cls._made)

    @classmethod
    def _made(cls, given: dict[str, Any]) -> "SignedConsent":
        station, session, number, participant, until = (
            int(given[name]) for name in ("station", "session", "version", "participant", "until")
        )
        said = Consent(station, session, number, _bytes(given["content"]), participant, until)
        at = int(given["chain_id"]), str(given["corrections"])
        return cls(*at, said, _bytes(given["signature"]))

    def as_dict(self) -> dict[str, Any]:
        said = self.consent
        return {
            "chain_id": self.chain_id,
            "corrections": self.corrections,
            "station": said.station,
            "session": said.session,
            "version": said.version,
            "content": "0x" + said.content.hex(),
            "participant": said.participant,
            "until": said.until,
            "signature": "0x" + self.signature.hex(),
        }

    def check(self, at: Corrections) -> None:
        """Whether the contract would take the signature; whether the version is proposed, others
        ask. Raises `InvalidInputError`."""
        chain_id, who = at.ledger.domain.chain_id, self.consent.participant
        if (self.chain_id, self.corrections.lower()) != (chain_id, at.address.lower()):
            raise InvalidInputError(
                f"The consent of participant {who} is for the corrections {self.corrections} on "
                f"chain {self.chain_id}; here they are {at.address} on chain {chain_id}.",
                "Give the node and the ledger that it was asked for.",
            )
        now = int(at.ledger.w3.eth.get_block("latest")["timestamp"])
        if now > self.consent.until:
            raise InvalidInputError(
                f"The consent of participant {who} was good until {shown(self.consent.until)}.",
                "Ask for a new signature.",
            )
        self._check_signer(at)

    def _check_signer(self, at: Corrections) -> None:
        """An account that is a contract says itself what it takes for its signature (ERC-1271)."""
        who = self.consent.participant
        account = _account(at, who)
        if at.ledger.w3.eth.get_code(account):
            return
        found = recover(self.consent.digest(self.chain_id, self.corrections), self.signature)
        if found != account.lower():
            raise InvalidInputError(
                f"The consent of participant {who} is signed by {found or 'nobody'}, not by its "
                f"account {account}.",
                "Ask for that account's signature of exactly this consent.",
            )


def request(at: Corrections, present: corrections.Version, change: Change) -> Request:
    """For everyone whose consent is missing. Raises `RevertedError` for a change that cannot be."""
    drafted, costs = at.draft(present, change)
    content = at.content_of(drafted)
    missing = [one for one in costs if not at.has_consented(content, one)]
    needs: dict[int, str] = {one: _account(at, one) for one in missing}
    chain_id = at.ledger.domain.chain_id
    return Request(chain_id, at.address, _version(present), _version(drafted), needs)


def _account(at: Corrections, participant: int) -> ChecksumAddress:
    return Web3.to_checksum_address(at.ledger.participant(participant).account)


def shown(moment: int) -> str:
    """UTC; what is beyond the calendar as the number that it is."""
    try:
        return datetime.fromtimestamp(moment, UTC).isoformat()
    except (ValueError, OverflowError):
        return str(moment)


def _version(of: corrections.Version) -> Version:
    values = of._asdict() | {"shares": tuple(Share(*share) for share in of.shares)}
    return Version(**values)


def _facts(of: Version) -> Iterator[tuple[str, str]]:
    first, *_, last = of.moments()
    yield "taken", f"{last.import_register - first.import_register} Wh"
    yield "fed back", f"{last.export_register - first.export_register} Wh"
    for name in ("network_charge", "service_fee", "feed_in"):
        amount = sum(getattr(share, name) for share in of.shares)
        yield name.replace("_", " "), f"{amount} nano-euro"
    yield "supplier", ", ".join(str(share.supplier) for share in of.shares)


def _read(path: Path, what: str, make: Callable[[dict[str, Any]], T]) -> T:
    try:
        return make(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise BrokenFileError(
            f"{path} is no {what}: {type(error).__name__}, {error}.", "See docs/corrections.md."
        ) from error


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x"))
