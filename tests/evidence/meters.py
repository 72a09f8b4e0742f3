"""A meter, the records that it prints, and what is read out of them."""

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

from gridroam.domain.record import Record, Span

SERIAL = "1GRM0099"
PRIVATE = ec.derive_private_key(0x5EA1, ec.SECP256R1())


def record_of(begin: int, end: int, page: int = 7, extra: str = "", code: str = "1-b:1.8.0") -> str:
    """A record as a meter prints it, registers in Wh."""
    readings = ",".join(
        f'{{"TM":"2027-01-15T0{hour}:00:00,000+0100 I","TX":"{tx}","RV":{value / 1000:.4f},'
        f'"RI":"{code}","RU":"kWh","RT":"AC","EF":"","ST":"G"}}'
        for hour, tx, value in ((8, "B", begin), (9, "E", end))
    )
    payload = (
        f'{{"FV":"1.0","GI":"GATE","GS":"1","PG":"T{page}","MS":"{SERIAL}"{extra},'
        f'"IS":false,"IF":[],"RD":[{readings}]}}'
    )
    signature = PRIVATE.sign(payload.encode(), ec.ECDSA(SHA256()))
    return f'OCMF|{payload}|{{"SA":"ECDSA-secp256r1-SHA256","SD":"{signature.hex().upper()}"}}'


def words_of(record: Record) -> tuple[bytes | int, ...]:
    """What our reader found, as the contract gives it."""
    spans = [span or Span(0, 0) for span in (record.imported, record.exported)]
    first, last = (spans[0][n] << 48 | spans[1][n] for n in (0, 1))
    told = bool(record.imported) | bool(record.exported) << 1
    relative = spans[0].relative | spans[1].relative << 1
    return (
        record.digest,
        record.page,
        first,
        last,
        told,
        relative,
        record.begin_time,
        record.end_time,
    )
