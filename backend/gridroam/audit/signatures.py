"""What stands in a packed message and who signed it: by far the most work of an audit, in one
place and for many messages at a time."""

from collections.abc import Iterable
from dataclasses import dataclass

from gridroam.domain.hashing import keccak
from gridroam.errors import MalformedMessageError
from gridroam.messages import Domain, EnergyReport, Message, digest, unpack
from gridroam.signatures import recover


@dataclass(frozen=True, slots=True)
class Authenticated:
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
        kind = f"report {message.report}" if isinstance(message, EnergyReport) else "opening"
        return f"station {message.station}, session {message.session}, {kind}"


def authenticate(domain: Domain, packed: Iterable[bytes]) -> list[Authenticated]:
    """Unpacks, hashes and recovers each."""
    return [_one(domain, raw) for raw in packed]


def _one(domain: Domain, raw: bytes) -> Authenticated:
    try:
        signed = unpack(raw)
    except MalformedMessageError:
        return Authenticated(None, keccak(raw), None)
    hashed = digest(domain, signed.message)
    signers = recover(hashed, signed.signature), recover(hashed, signed.vehicle_signature)
    return Authenticated(signed.message, hashed, *signers)
