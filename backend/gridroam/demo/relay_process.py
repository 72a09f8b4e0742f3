"""A relay as a server of its own: `gridroam relay`."""

import json
from pathlib import Path

from eth_account import Account

from gridroam.demo.server_process import ServerProcess

_NO_LIMITS = "client_requests_per_second = 0\nstation_messages_per_minute = 0\n"
"""A week passes in a minute, and all stations have one address."""


class RelayProcess(ServerProcess):
    """Database, log and the sender's keystore are in `folder`; `more` are lines of its settings
    file."""

    def __init__(
        self, rpc: str, ledger: str, sender_key: bytes, folder: Path, *, more: str = ""
    ) -> None:
        keystore, password = _keystore(sender_key, folder)
        settings = folder / "relay.toml"
        settings.write_text(_NO_LIMITS + more, encoding="utf-8")
        options = {
            "config": settings,
            "rpc": rpc,
            "ledger": ledger,
            "db": folder / "relay.db",
            "port": 0,
            "keystore": keystore,
            "password-file": password,
            "batch-seconds": 0.1,
            "log-level": "warning",
        }
        chosen = [f"--{name}={value}" for name, value in options.items()]
        super().__init__("relay", chosen, folder / "relay.log")


def _keystore(key: bytes, folder: Path) -> tuple[Path, Path]:
    """As an operator has it; encrypted lightly, since the key is the devnet's."""
    keystore, password = folder / "sender.json", folder / "sender.password"
    encrypted = Account.encrypt(key, "devnet", kdf="pbkdf2", iterations=1)
    keystore.write_text(json.dumps(encrypted), encoding="utf-8")
    password.write_text("devnet\n", encoding="utf-8")
    return keystore, password
