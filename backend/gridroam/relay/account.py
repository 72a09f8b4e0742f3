"""The relay's sending accounts: from encrypted keystore files or from the environment."""

from pathlib import Path

from gridroam.chain import keystore
from gridroam.chain.signer import LocalSigner, Signer
from gridroam.errors import InvalidInputError
from gridroam.settings import RelaySettings

_DEVNET = 31337
_DEVNET_KEY = "0x2a871d0798f97d79848a013d4936a73bf4cc922c825d33c1cf7073dff6d409c6"
"""Of anvil's tenth account, known to everybody."""


def load(settings: RelaySettings, chain_id: int) -> list[Signer]:
    """Each account once. Raises `InvalidInputError`, never with a key in it."""
    found: list[Signer] = []
    if settings.sender_key is not None:
        keys = settings.sender_key.get_secret_value().split(",")
        found += [_from_key(key) for key in keys]
    elif settings.keystore is not None:
        found += _from_keystores(settings.keystore, settings.password_file)
    if not found:
        hint = "Give --keystore and --password-file, or set GRIDROAM_SENDER_KEY."
        if chain_id == _DEVNET:
            hint = f"On a devnet: GRIDROAM_SENDER_KEY={_DEVNET_KEY}, which has test money there."
        raise InvalidInputError("The relay has no account to send from.", hint)
    return list({signer.address: signer for signer in found}.values())


def _from_key(key: str) -> Signer:
    try:
        return LocalSigner(bytes.fromhex(key.strip().removeprefix("0x").rjust(64, "-")))
    except Exception:  # noqa: BLE001  whatever it says may hold the key
        raise InvalidInputError(
            "GRIDROAM_SENDER_KEY is no private key.", "It is 0x and 64 hexadecimal digits."
        ) from None


def _from_keystores(path: Path, password_file: Path | None) -> list[Signer]:
    """Of one file, or of each in a folder."""
    if password_file is None:
        raise InvalidInputError(
            "The keystore's password is missing.", "Give --password-file with it in the first line."
        )
    files = sorted(path.glob("*.json")) if path.is_dir() else [path]
    return [LocalSigner(bytes(keystore.unlock(file, password_file).key)) for file in files]
