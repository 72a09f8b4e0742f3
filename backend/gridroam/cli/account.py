"""The account that a command sends from: its key is in a file, never on the command line."""

from pathlib import Path

import typer
from eth_account import Account
from eth_account.signers.local import LocalAccount

from gridroam.chain import keystore as keystores
from gridroam.errors import InvalidInputError


def account_of(path: Path) -> LocalAccount:
    """Raises `InvalidInputError` if the file has no private key in it."""
    try:
        account: LocalAccount = Account.from_key(path.read_text(encoding="ascii").strip())
    except (OSError, ValueError) as error:
        raise InvalidInputError(
            f"{path} has no private key: {type(error).__name__}.",
            "It is one line of 64 hexadecimal digits.",
        ) from error
    return account


def unlocked(keystore: Path, password_file: Path | None) -> LocalAccount:
    """Of an encrypted file, whose password is in another one or asked for. Raises
    `InvalidInputError`."""
    if password_file is not None:
        return keystores.unlock(keystore, password_file)
    return keystores.decrypt(keystore, typer.prompt("Password", hide_input=True, err=True))
