"""What stands in a packed message and who signed it: by far the most work of an audit, in one
place and for many messages at a time."""

from collections.abc import Iterable
from typing import NamedTuple

from gridroam.audit import wire
from gridroam.audit.wire import Message, Report
from gridroam.domain.hashing import keccak
from gridroam.messages import Domain
from gridroam.signatures import recover


class Recovered(NamedTuple):
    """Signers as of `Authenticated`. `raw` is the packed message, or empty where it is none."""

    raw: bytes
    digest: bytes
    signer: str | None
    vehicle_signer: str | None = None


class Authenticated(NamedTuple):
    """`message` is `None` if the bytes are none; a signer if the signature is not one. The
    vehicle's is also `None` if it did not sign."""

    message: Message | None
    digest: bytes
    signer: str | None
    vehicle_signer: str | None = None

    @property
    def name(self) -> str:
        """For people."""
        message = self.message
        if message is None:
            return "malformed message"
        kind = f"report {message.report}" if isinstance(message, Report) else "opening"
        return f"station {message.station}, session {message.session}, {kind}"


def recovered(domain: Domain, packed: Iterable[bytes]) -> list[Recovered]:
    """Hashes each and recovers who signed it."""
    read, found = wire.reader(domain), []
    for raw in packed:
        one = read(raw)
        if one is None:
            found.append(Recovered(b"", keccak(raw), None))
            continue
        digest, signature, vehicle_signature = one
        signer = recover(digest, signature)
        vehicle_signer = recover(digest, vehicle_signature) if vehicle_signature else None
        found.append(Recovered(raw, digest, signer, vehicle_signer))
    return found


def unpacked(found: Iterable[Recovered]) -> list[Authenticated]:
    """With the fields."""
    return [
        Authenticated(wire.message_in(raw) if raw else None, digest, signer, vehicle_signer)
        for raw, digest, signer, vehicle_signer in found
    ]


def authenticate(domain: Domain, packed: Iterable[bytes]) -> list[Authenticated]:
    """Hashes, recovers and unpacks each."""
    return unpacked(recovered(domain, packed))
