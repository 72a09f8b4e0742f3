"""What stands in a packed message and who signed it: by far the most work of an audit, in one
place and for many messages at a time."""

from collections.abc import Iterable
from typing import NamedTuple

from gridroam.audit import wire
from gridroam.audit.wire import Message, Report
from gridroam.domain.hashing import keccak
from gridroam.messages import Domain
from gridroam.signatures import recover


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


def authenticate(domain: Domain, packed: Iterable[bytes]) -> list[Authenticated]:
    """Unpacks, hashes and recovers each."""
    read, found = wire.reader(domain), []
    for raw in packed:
        one = read(raw)
        if one is None:
            found.append(Authenticated(None, keccak(raw), None))
            continue
        message, digest, signature, vehicle_signature = one
        signer = recover(digest, signature)
        vehicle_signer = recover(digest, vehicle_signature) if vehicle_signature else None
        found.append(Authenticated(message, digest, signer, vehicle_signer))
    return found
