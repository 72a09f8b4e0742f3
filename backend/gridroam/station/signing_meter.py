"""A simulated meter that signs: at a session's end it prints a record of it (OCMF 1.x of S.A.F.E.
e.V.), as calibrated meters do. What reads such records is in `evidence`."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

from gridroam.domain.energy import Reading

_IMPORT, _EXPORT = "1-b:1.8.0", "1-b:2.8.0"


class SigningMeter:
    """Numbers what it prints without gaps. `key` is on any curve that OCMF names."""

    def __init__(self, serial: str, key: ec.EllipticCurvePrivateKey) -> None:
        self.serial = serial
        self._key = key
        self._page = 0

    def record(self, begin: Reading, end: Reading) -> str:
        """Of a transaction between two readings, both registers at each, by a clock that is
        synchronised."""
        self._page += 1
        head = {
            "FV": "1.0",
            "GI": "GRIDROAM SIMULATOR",
            "GS": self.serial,
            "PG": f"T{self._page}",
            "MV": "GRIDROAM",
            "MM": "SIMULATED",
            "MS": self.serial,
            "IS": False,
            "IF": [],
            "IT": "NONE",
            "ID": "",
        }
        readings = ",".join([*_readings("B", begin), *_readings("E", end)])
        payload = f'{_compact(head)[:-1]},"RD":[{readings}]}}'
        signed = self._key.sign(payload.encode(), ec.ECDSA(SHA256())).hex().upper()
        scheme = f"ECDSA-{self._key.curve.name}-SHA256"
        return f"OCMF|{payload}|{_compact({'SA': scheme, 'SD': signed})}"


def kwh(register: int) -> str:
    """As the meter shows a register of Wh."""
    return f"{register // 1000}.{register % 1000:03}"


def _readings(how: str, reading: Reading) -> Iterator[str]:
    """Written by hand: a JSON library would make a float of a register."""
    when = f"{datetime.fromtimestamp(reading.time, UTC):%Y-%m-%dT%H:%M:%S},000+0000 S"
    for code, register in ((_IMPORT, reading.import_register), (_EXPORT, reading.export_register)):
        yield (
            f'{{"TM":"{when}","TX":"{how}","RV":{kwh(register)},"RI":"{code}","RU":"kWh",'
            '"EF":"","ST":"G"}'
        )


def _compact(fields: dict[str, Any]) -> str:
    return json.dumps(fields, separators=(",", ":"))
