"""The stations' meters: they print a record of each session, of what was reported or nearly."""

from dataclasses import dataclass
from hashlib import sha256

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from gridroam.domain.hashing import keccak
from gridroam.domain.meters import MeterKey
from gridroam.domain.units import Wh

PAGES = 6
"""After which a meter counts from the beginning, as none should: pages are used twice."""
_SERIAL = "1GRM0001"
_KEY = ec.derive_private_key(0x5EA1, ec.SECP256R1())
_POINT = _KEY.public_key().public_numbers()
METER_KEY = MeterKey(
    2, _POINT.x.to_bytes(32, "big"), _POINT.y.to_bytes(32, "big"), keccak(_SERIAL.encode())
)
"""Of every meter."""


@dataclass(frozen=True)
class Printed:
    """A record and its signature, r and s."""

    text: bytes
    signature: bytes

    @property
    def digest(self) -> bytes:
        return sha256(self.text).digest()


def printed(begin: tuple[Wh, Wh], end: tuple[Wh, Wh], page: int) -> Printed:
    """Import and export registers at both ends."""
    readings = ",".join(
        f'{{"TX":"{how}","RV":{registers[direction]},"RI":"1-b:{direction + 1}.8.0","RU":"Wh",'
        f'"TM":"2027-01-15T08:00:00,000+0100 U","EF":"","ST":"G"}}'
        for direction in (0, 1)
        for how, registers in (("B", begin), ("E", end))
    )
    payload = f'{{"FV":"1.0","PG":"T{page}","MS":"{_SERIAL}","RD":[{readings}]}}'.encode()
    r, s = decode_dss_signature(_KEY.sign(payload, ec.ECDSA(SHA256())))
    signature = r.to_bytes(32, "big") + s.to_bytes(32, "big")
    return Printed(b"OCMF|" + payload + b'|{"SD":""}', signature)
