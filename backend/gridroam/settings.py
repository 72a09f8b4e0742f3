"""Settings from the environment, prefix GRIDROAM_. Only this module reads environment variables.

`GRIDROAM_LEDGER=0x... gridroam relay` is the same as `gridroam relay --ledger 0x...`; an option on
the command line wins.
"""

from pathlib import Path
from typing import Any, Self

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from gridroam.errors import InvalidInputError

_PREFIX = "GRIDROAM_"


class _Settings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix=_PREFIX, frozen=True, hide_input_in_errors=True)

    @classmethod
    def read(cls, **options: Any) -> Self:
        """From the environment; options that are not `None` win. Raises `InvalidInputError`."""
        given = {name: value for name, value in options.items() if value is not None}
        try:
            return cls(**given)
        except ValidationError as error:
            first = error.errors()[0]
            name = str(first["loc"][0])
            missing = first["type"] == "missing"
            raise InvalidInputError(
                f"{name} is missing." if missing else f"{name}: {first['msg']}.",
                f"Give --{name.replace('_', '-')}, or set {_PREFIX}{name.upper()}.",
            ) from error


class LocalChainSettings(_Settings):
    """Of whatever starts a chain of its own."""

    anvil: str | None = None
    """The program; without it, the one on PATH or in node_modules."""


class RelaySettings(_Settings):
    """Of `gridroam relay`."""

    rpc: str = "http://127.0.0.1:8545"
    """The node's HTTP addresses, separated by commas: the first that is well is asked. One of
    ws:// or wss:// among them is only told of new blocks. May hold access keys: never logged as
    a whole."""
    ledger: str
    """The ledger's address."""
    chain_id: int | None = None
    """The chain that the node has to be on; without it, whichever it is on."""
    db: str = "relay.db"
    """A file for SQLite, or a database URL (postgresql://...), which several relays may share."""

    host: str = "127.0.0.1"
    """The address to listen on."""
    port: int = Field(8700, ge=0, le=65535)
    """The port to listen on; 0: any that is free."""
    max_body_bytes: int = Field(4 * 1024 * 1024, ge=1024)
    """A request's body beyond this is refused while it is read."""
    max_wait: float = Field(30.0, ge=0)
    """Seconds that a request may wait for its messages to become final."""

    send: bool = True
    """Whether this process sends from accounts; if not, others on its database have to."""
    keystore: Path | None = None
    """The sending account's encrypted key (Ethereum keystore JSON), or a folder of such files."""
    password_file: Path | None = None
    """The file with the keystores' password in its first line."""
    sender_key: SecretStr | None = None
    """The sending account's private key itself, instead of a keystore; several with commas."""
    lease_seconds: float = Field(10.0, ge=1)
    """Seconds after which another process takes the accounts of one that is silent over."""
    low_balance_batches: int = Field(50, ge=1)
    """A warning comes when an account cannot pay for so many batches more."""

    batch_messages: int = Field(100, ge=1, le=1000)
    """Messages in a batch at most."""
    batch_gas: int = Field(12_000_000, ge=500_000, le=16_777_216)
    """Gas of a batch at most; no transaction may have more than 16,777,216."""
    batch_seconds: float = Field(0.25, ge=0)
    """Seconds that a message waits for others to share its batch."""
    in_flight: int = Field(4, ge=1, le=64)
    """Batches that may be sent and not mined yet."""
    confirmations: int = Field(0, ge=0)
    """Blocks on top of a batch's until it counts as final; 0 only where blocks never vanish."""
    finality: str = Field("confirmations", pattern="^(confirmations|safe|finalized)$")
    """What makes a block final: confirmations, or that the node calls it safe or finalized."""
    poll_seconds: float = Field(0.1, gt=0)
    """Seconds between questions for what is under way, where no websocket tells of new blocks."""
    replace_seconds: float = Field(30.0, gt=0)
    """Seconds until a transaction that is not mined is replaced by one with a higher fee."""
    max_fee_gwei: int = Field(500, ge=1)
    """No transaction offers more per gas."""

    refusals_per_minute: int = Field(10, ge=0)
    """Openings of one station that are sent although the ledger will refuse them."""
    max_waiting: int = Field(100_000, ge=1)
    """Messages in the outbox beyond which none is taken."""

    log_level: str = Field("info", pattern="^(debug|info|warning|error)$")
    """debug, info, warning or error."""
    log_json: bool = False
    """Logs as one JSON object per line."""
