"""The account that a command sends from: its key is in a file, never on the command line."""

from pathlib import Path

from eth_account import Account
from eth_account.signers.local import LocalAccount

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
