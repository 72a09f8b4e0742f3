"""A meter, and the records that it prints."""

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

SERIAL = "1GRM0099"
PRIVATE = ec.derive_private_key(0x5EA1, ec.SECP256R1())


def record_of(begin: int, end: int, page: int = 7, extra: str = "") -> str:
    """A record as a meter prints it, registers in Wh."""
    readings = ",".join(
        f'{{"TM":"2027-01-15T0{hour}:00:00,000+0100 I","TX":"{tx}","RV":{value / 1000:.4f},'
        '"RI":"1-b:1.8.0","RU":"kWh","RT":"AC","EF":"","ST":"G"}'
        for hour, tx, value in ((8, "B", begin), (9, "E", end))
    )
    payload = (
        f'{{"FV":"1.0","GI":"GATE","GS":"1","PG":"T{page}","MS":"{SERIAL}"{extra},'
        f'"IS":false,"IF":[],"RD":[{readings}]}}'
    )
    signature = PRIVATE.sign(payload.encode(), ec.ECDSA(SHA256()))
    return f'OCMF|{payload}|{{"SA":"ECDSA-secp256r1-SHA256","SD":"{signature.hex().upper()}"}}'
