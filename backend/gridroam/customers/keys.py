"""The key that protects the customers' data, and where it comes from: the environment, a file, or
the system's keyring. It encrypts the suppliers' own keys and nothing else."""

import base64
import binascii
import os
import secrets
from importlib import import_module
from pathlib import Path
from typing import Protocol

from pydantic import SecretStr

from gridroam.errors import InvalidInputError

KEY_BYTES = 32


class MasterKey(Protocol):
    """Somewhere that a key is kept."""

    def read(self) -> bytes:
        """32 bytes. Raises `InvalidInputError`."""
        ...


class KeyInSetting:
    """Given as text, above all by an environment variable."""

    def __init__(self, value: SecretStr) -> None:
        self._value = value

    def read(self) -> bytes:
        return _decode(self._value.get_secret_value(), "The console's key")


class KeyInFile:
    """A file with the key as text. Made if it is missing, for its owner only."""

    def __init__(self, path: Path, *, make: bool = False) -> None:
        self._path, self._make = path, make

    def read(self) -> bytes:
        try:
            if self._make:
                self._make_it()
            mode = self._path.stat().st_mode
            text = self._path.read_text(encoding="ascii")
        except (OSError, UnicodeDecodeError) as error:
            raise InvalidInputError(
                f"The key file {self._path} cannot be read.",
                "Make one with: gridroam console --new-key FILE",
            ) from error
        if mode & 0o077:
            raise InvalidInputError(
                f"The key file {self._path} can be read by others.", "chmod 600 it."
            )
        return _decode(text, f"The key file {self._path}")

    def _make_it(self) -> None:
        try:
            made = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            return
        with os.fdopen(made, "w", encoding="ascii") as file:
            file.write(new_key() + "\n")


class KeyInKeyring:
    """In the system's keyring, by the `keyring` package where it is installed."""

    def __init__(self, service: str, user: str) -> None:
        self._service, self._user = service, user

    def read(self) -> bytes:
        try:
            keyring = import_module("keyring")
        except ImportError as error:
            raise InvalidInputError(
                "The package keyring is missing.", "Install it, or keep the key in a file."
            ) from error
        found = keyring.get_password(self._service, self._user)
        if not found:
            raise InvalidInputError(
                f"The keyring has no key of {self._user} for {self._service}.",
                f"keyring set {self._service} {self._user}",
            )
        return _decode(found, "The key in the keyring")


def new_key() -> str:
    """As text."""
    return base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode("ascii")


def _decode(text: str, what: str) -> bytes:
    plain = text.strip().removeprefix("0x")
    try:
        key = bytes.fromhex(plain) if len(plain) == 2 * KEY_BYTES else _base64(plain)
    except (ValueError, binascii.Error):
        key = b""
    if len(key) != KEY_BYTES:
        raise InvalidInputError(f"{what} is no key.", "It is 32 bytes in base64 or hexadecimal.")
    return key


def _base64(plain: str) -> bytes:
    return base64.b64decode(plain, validate=True)
