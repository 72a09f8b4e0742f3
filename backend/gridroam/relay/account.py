"""The relay's sending account: from an encrypted keystore file or from the environment."""

import json
from pathlib import Path

from eth_account import Account
from eth_account.signers.local import LocalAccount

from gridroam.errors import InvalidInputError
from gridroam.settings import RelaySettings

_DEVNET = 31337
_DEVNET_KEY = "0x2a871d0798f97d79848a013d4936a73bf4cc922c825d33c1cf7073dff6d409c6"
"""Of anvil's tenth account, known to everybody."""


def load(settings: RelaySettings, chain_id: int) -> LocalAccount:
    """Raises `InvalidInputError`, never with the key in it."""
    if settings.sender_key is not None:
        return _from_key(settings.sender_key.get_secret_value())
    if settings.keystore is not None:
        return _from_keystore(settings.keystore, settings.password_file)
    hint = "Give --keystore and --password-file, or set GRIDROAM_SENDER_KEY."
    if chain_id == _DEVNET:
        hint = f"On a devnet: GRIDROAM_SENDER_KEY={_DEVNET_KEY}, which has test money there."
    raise InvalidInputError("The relay has no account to send from.", hint)


def _from_key(key: str) -> LocalAccount:
    try:
        account: LocalAccount = Account.from_key(key.strip())
    except Exception:  # noqa: BLE001  whatever it says may hold the key
        raise InvalidInputError(
            "GRIDROAM_SENDER_KEY is no private key.", "It is 0x and 64 hexadecimal digits."
        ) from None
    return account


def _from_keystore(path: Path, password_file: Path | None) -> LocalAccount:
    if password_file is None:
        raise InvalidInputError(
            "The keystore's password is missing.", "Give --password-file with it in the first line."
        )
    try:
        keystore = json.loads(path.read_text())
        password = password_file.read_text().split("\n", 1)[0]
    except OSError as error:
        raise InvalidInputError(f"{error.filename}: {error.strerror}.") from error
    except ValueError as error:
        raise InvalidInputError(f"{path} is no keystore (JSON).") from error
    try:
        key = Account.decrypt(keystore, password)
    except Exception:  # noqa: BLE001  the library raises many things
        raise InvalidInputError(
            f"{path} cannot be decrypted.", "Check the file and its password."
        ) from None
    return _from_key("0x" + bytes(key).hex())
