"""What stands for an expired session in its batch, where a message has its EIP-712 digest: nobody
signs an expiry."""

from eth_hash.auto import keccak

from gridroam.domain.batch import word

_EXPIRY = 3


def expired_digest(station: int, session: int, last_report: int) -> bytes:
    return keccak(word(_EXPIRY) + word(station) + word(session) + word(last_report))
