"""Customers from a CSV file: a header, then a row each. Columns (docs/access.md):

`contract_id`  the EMAID; needed
`salt`         32 bytes in hexadecimal; needed unless `vehicle` is there
`vehicle`      the id on the chain in hexadecimal, or the commitment that was registered; where
               there is a salt as well they have to fit
`name`         free text by which clerks know the contract; optional
"""

import csv
import io
from collections.abc import Iterator

from gridroam.customers.book import Customer
from gridroam.customers.commitment import commitment, normalised
from gridroam.domain.vehicles import vehicle_id
from gridroam.errors import BrokenFileError, InvalidInputError

COLUMNS = ("contract_id", "salt", "vehicle", "name")
MAX_ROWS, MAX_BYTES = 200_000, 32 * 1024 * 1024
_MAX_NAME = 200


def read_customers(raw: bytes, supplier: int) -> list[Customer]:
    """Comma or semicolon, UTF-8. Raises `BrokenFileError` with the row; then nothing counts."""
    if len(raw) > MAX_BYTES:
        raise BrokenFileError("The file is too large.", "Split it.")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BrokenFileError("The file is not UTF-8.", "Save it as CSV UTF-8.") from error
    head, _, _ = text.partition("\n")
    rows = csv.DictReader(io.StringIO(text), delimiter=";" if ";" in head else ",")
    try:
        if "contract_id" not in (rows.fieldnames or ()):
            raise BrokenFileError(
                "The first row has no column contract_id.", f"Columns: {', '.join(COLUMNS)}."
            )
        found = {customer.vehicle: customer for customer in _customers(rows, supplier)}
    except csv.Error as error:
        raise BrokenFileError(f"The file is no CSV ({error}).", "Save it as CSV UTF-8.") from error
    return list(found.values())


def write_customers(customers: Iterator[Customer]) -> str:
    """The same columns, to be imported again."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for c in customers:
        salt = "0x" + c.salt.hex() if c.salt else ""
        writer.writerow([c.shown_id, salt, "0x" + c.vehicle.hex(), _harmless(c.name)])
    return out.getvalue()


def _customers(rows: "csv.DictReader[str]", supplier: int) -> Iterator[Customer]:
    for number, row in enumerate(rows, 2):
        if number > MAX_ROWS + 1:
            raise BrokenFileError(f"More than {MAX_ROWS:,} rows.", "Split the file.")
        try:
            yield _customer(row, supplier)
        except InvalidInputError as error:
            raise BrokenFileError(f"Row {number}: {error.message}", error.hint) from error


def _customer(row: dict[str, str], supplier: int) -> Customer:
    contract = normalised(row["contract_id"] or "")
    salt, given = _hash(row, "salt"), _hash(row, "vehicle")
    if not salt and not given:
        raise InvalidInputError("Neither salt nor vehicle is there.")
    committed = commitment(salt, contract) if salt else b""
    derived = vehicle_id(supplier, committed) if salt else given
    if given and given not in (derived, committed):
        raise InvalidInputError("Salt, contract and vehicle do not fit together.")
    name = " ".join((row.get("name") or "").split())[:_MAX_NAME]
    return Customer(derived, contract, name, salt)


def _hash(row: dict[str, str], column: str) -> bytes:
    text = (row.get(column) or "").strip().removeprefix("0x")
    try:
        value = bytes.fromhex(text)
    except ValueError:
        value = b"?"
    if value and len(value) != 32:
        raise InvalidInputError(f"{column} is not 32 bytes in hexadecimal.")
    return value


def _harmless(text: str) -> str:
    """What a spreadsheet would take for a formula becomes text."""
    return "'" + text if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text
