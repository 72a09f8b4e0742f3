"""What stands in a packed message and who signed it: by far the most work of an audit, in one
place and for many messages at a time."""

from collections.abc import Iterable
from dataclasses import dataclass

from gridroam.domain.hashing import keccak
from gridroam.errors import MalformedMessageError
from gridroam.messages import Domain, EnergyReport, Message, digest, recover, unpack


@dataclass(frozen=True, slots=True)
class Authenticated:
    """`message` is `None` if the bytes are none; `signer` if the signature is not one."""

    message: Message | None
    digest: bytes
    signer: str | None

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
    return Authenticated(signed.message, hashed, recover(hashed, signed.signature))
