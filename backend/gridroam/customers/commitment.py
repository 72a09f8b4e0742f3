"""How a contract's id becomes what stands on the chain: a hash with a salt that only the supplier
has. Without the salt nobody can try out contract ids until one fits."""

import re
import secrets

from eth_hash.auto import keccak

from gridroam.errors import InvalidInputError

SALT_BYTES = 32
_CONTRACT = re.compile(r"[A-Z]{2}[A-Z0-9]{3}C?[A-Z0-9]{8,9}[A-Z0-9]?")
"""EMAID by ISO 15118-2 Annex H: country, provider, instance, optional check digit."""


def normalised(contract_id: str) -> str:
    """Upper case, without separators: two ways to write an EMAID are one. Raises
    `InvalidInputError` for what is none."""
    plain = contract_id.strip().upper().replace("-", "").replace("*", "").replace(" ", "")
    if not _CONTRACT.fullmatch(plain):
        raise InvalidInputError(
            f"{contract_id!r} is no contract id.", "An EMAID looks like DE-ABC-C12345678-X."
        )
    return plain


def displayed(contract_id: str) -> str:
    """With its separators: `DE-ABC-C12345678-X`."""
    country, provider, rest = contract_id[:2], contract_id[2:5], contract_id[5:]
    instance, check = rest[:9], rest[9:]
    return "-".join(part for part in (country, provider, instance, check) if part)


def new_salt() -> bytes:
    return secrets.token_bytes(SALT_BYTES)


def commitment(salt: bytes, contract_id: str) -> bytes:
    """keccak256 of the salt and the normalised contract id; what a supplier registers."""
    return keccak(salt + normalised(contract_id).encode("ascii"))
