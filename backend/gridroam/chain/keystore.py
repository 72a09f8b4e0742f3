"""An account's key from an encrypted keystore file (Web3 Secret Storage) and its password."""

import json
from pathlib import Path

from eth_account import Account
from eth_account.signers.local import LocalAccount

from gridroam.errors import InvalidInputError


def unlock(keystore: Path, password_file: Path) -> LocalAccount:
    """Raises `InvalidInputError`, which names the file and holds neither key nor password."""
    return decrypt(keystore, _read(password_file).partition("\n")[0].rstrip("\r"))


def decrypt(keystore: Path, password: str) -> LocalAccount:
    """Raises `InvalidInputError`, which names the file and holds neither key nor password."""
    try:
        stored = json.loads(_read(keystore))
    except ValueError as error:
        raise InvalidInputError(f"{keystore} is no keystore (JSON).") from error
    try:
        account: LocalAccount = Account.from_key(Account.decrypt(stored, password))
    except Exception:  # noqa: BLE001  the library raises many things, some with the key in them
        raise InvalidInputError(
            f"{keystore} cannot be decrypted.", "Check the file and its password."
        ) from None
    return account


def _read(path: Path) -> str:
    """Raises `InvalidInputError` with the file's name."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        what = error.strerror if isinstance(error, OSError) else "it is no text"
        raise InvalidInputError(f"{path} cannot be read: {what}.") from error
