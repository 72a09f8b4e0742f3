"""Settings from the environment, prefix GRIDROAM_, or from a TOML file. Only this module reads
environment variables; docs/settings.md is made of it (`gridroam settings`).

`GRIDROAM_LEDGER=0x... gridroam relay` is the same as `gridroam relay --ledger 0x...` and as a line
`ledger = "0x..."` in the file; an option wins over the environment, and that over the file.
"""

import os
import tomllib
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from gridroam.errors import InvalidInputError

_PREFIX = "GRIDROAM_"


def _split(given: object) -> object:
    """A list that was written with commas."""
    if isinstance(given, str):
        return [part.strip() for part in given.split(",") if part.strip()]
    return given


Words = Annotated[list[str], NoDecode, BeforeValidator(_split)]
"""A list in a file; words with commas between them elsewhere."""


class _Settings(BaseSettings):
    model_config = SettingsConfigDict(
        env_prefix=_PREFIX,
        frozen=True,
        hide_input_in_errors=True,
        use_attribute_docstrings=True,
    )

    @classmethod
    def read(cls, config: Path | None = None, **options: Any) -> Self:
        """From a file, if there is one, and the environment; options that are not `None` win.
        Raises `InvalidInputError`."""
        given = {name: value for name, value in options.items() if value is not None}
        if config is not None:
            given = cls._of_file(config) | given
        try:
            return cls(**given)
        except ValidationError as error:
            first = error.errors()[0]
            name = str(first["loc"][0])
            missing = first["type"] == "missing"
            prefix = cls.model_config["env_prefix"]
            raise InvalidInputError(
                f"{name} is missing." if missing else f"{name}: {first['msg']}.",
                f"Give --{name.replace('_', '-')}, or set {prefix}{name.upper()}.",
            ) from error

    @classmethod
    def _of_file(cls, path: Path) -> dict[str, Any]:
        """What the environment does not say otherwise."""
        try:
            found = tomllib.loads(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise InvalidInputError(f"{path}: {error.strerror}.", "Give a TOML file.") from error
        except ValueError as error:
            raise InvalidInputError(f"{path} is no TOML: {error}.") from error
        if unknown := sorted(found.keys() - cls.model_fields.keys()):
            raise InvalidInputError(
                f"{path}: there is no setting {unknown[0]}.", "See docs/settings.md."
            )
        set_elsewhere = {name.upper() for name in os.environ}
        prefix = cls.model_config["env_prefix"]
        return {n: v for n, v in found.items() if (prefix + n).upper() not in set_elsewhere}


class LocalChainSettings(_Settings):
    """Of whatever starts a chain of its own."""

    anvil: str | None = None
    """The program; without it, the one on PATH or in node_modules."""


class HttpSettings(_Settings):
    """Of whatever serves HTTP. A limit of 0 is none, where it says so."""

    host: str = "127.0.0.1"
    """The address to listen on."""
    port: int = Field(8700, ge=0, le=65535)
    """The port to listen on; 0: any that is free."""
    trusted_proxies: Words = []
    """Addresses or networks of proxies whose X-Forwarded-For and X-Forwarded-Proto are believed;
    without any, the address of the connection is the client's."""

    api_keys: Words = []
    """Entries NAME:SHA256 of operators, as `gridroam key NAME` prints them: they may use a relay's
    /metrics and /v1/operator/, and bring meters' series into an index. Without any, only who speaks
    from the machine itself and through no proxy may."""
    api_keys_file: Path | None = None
    """A file with such entries, one in a line."""

    head_seconds: float = Field(10.0, gt=0)
    """For a request's head to arrive, or the first byte on a new connection."""
    body_seconds: float = Field(20.0, gt=0)
    """For a request's body to arrive."""
    idle_seconds: float = Field(30.0, ge=1)
    """That a connection may rest between requests."""
    write_seconds: float = Field(30.0, gt=0)
    """That a client may read nothing of its answer."""
    max_connections: int = Field(2_000, ge=1)
    """Open at once; the limit of open files is raised for them."""
    client_connections: int = Field(200, ge=1)
    """Open at once from one address (IPv6: /64) that is no trusted proxy."""
    client_requests_per_second: float = Field(200.0, ge=0)
    """Of one address; ten seconds' worth may come at once. 0: no limit."""
    client_faults_per_minute: float = Field(600.0, ge=0)
    """Requests and messages of one address that cannot be right (statuses 400, 401, 403, 408, 413,
    415, 422) until it is answered 429. 0: no limit."""

    drain_seconds: float = Field(0.0, ge=0)
    """From SIGTERM, when /readyz turns 503, until no connection is taken any more: as long as a
    load balancer needs to notice."""
    grace_seconds: float = Field(10.0, ge=1)
    """For answers that are under way then."""

    log_level: str = Field("info", pattern="^(debug|info|warning|error)$")
    """debug, info, warning or error; debug has a line for each request and message."""
    log_json: bool = False
    """Logs as one JSON object per line."""


class IndexSettings(HttpSettings):
    """Of `gridroam index`."""

    port: int = Field(8702, ge=0, le=65535)
    """The port to listen on; 0: any that is free."""
    rpc: str = "http://127.0.0.1:8545"
    """The node's HTTP address. May hold an access key: never logged as a whole."""
    ledger: str = ""
    """The ledger's address."""
    index_db: str = "index.db"
    """A file for SQLite, or a database URL (postgresql+psycopg://...)."""
    index_depth: int = Field(128, ge=1)
    """Blocks that may still vanish; a longer reorganisation makes the index anew."""
    trust_node: bool = False
    """Take the node's word for it that it serves all logs, which reads old blocks faster."""


class RelaySettings(HttpSettings):
    """Of `gridroam relay`."""

    rpc: str = "http://127.0.0.1:8545"
    """The node's HTTP addresses, separated by commas: the first that is well is asked. One of
    ws:// or wss:// among them is only told of new blocks. May hold access keys: never logged as
    a whole."""
    ledger: str
    """The ledger's address."""
    rpc_seconds: float = Field(10.0, gt=0)
    """Seconds after which a node that has not answered counts as gone."""
    chain_id: int | None = None
    """The chain that the node has to be on; without it, whichever it is on."""
    db: str = "relay.db"
    """A file for SQLite, or a database URL (postgresql://...), which several relays may share."""

    max_wait: float = Field(30.0, ge=0)
    """Seconds that a request may wait for its messages to be decided."""

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
    in_flight: int = Field(16, ge=1, le=64)
    """Batches that may be sent and not mined yet; many nodes keep 16 of an account for certain."""
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
    max_judging: int = Field(5_000, ge=1)
    """Messages that are looked at and not stored yet; beyond it requests are answered 429."""
    recovering_processes: int = Field(1, ge=0, le=64)
    """Processes beside the relay's that recover the signatures of large deliveries; 0: none."""
    station_messages_per_minute: float = Field(1_200.0, ge=0)
    """New messages of one station; a minute's worth may come at once. 0: no limit."""

    cors_origins: Words = []
    """Origins of web pages that may read answers, as https://console.example; none by default."""
    operator_port: int | None = Field(None, ge=0, le=65535)
    """A port of their own for /metrics and /v1/operator/, which then answer nowhere else."""
    operator_host: str = "127.0.0.1"
    """The address of that port."""
    public_reads: bool = True
    """Whether lists and streams of messages are open to everybody, or need an API key."""
    max_body_bytes: int = Field(4 * 1024 * 1024, ge=1024)
    """A request's body beyond this is refused while it is read."""
    body_memory_bytes: int = Field(32 * 1024 * 1024, ge=1024)
    """Of all bodies together; beyond it requests are answered 429."""
    max_streams: int = Field(500, ge=0)
    """Streams of events open at once."""

    max_queue_age: float = Field(300.0, ge=0)
    """Seconds that a message may wait in the outbox until /readyz says no. 0: not looked at."""
    max_head_age: float = Field(300.0, ge=0)
    """Seconds since the latest block until /readyz says no. 0: not looked at; nor on a devnet."""


class ConsoleSettings(HttpSettings):
    """Of the console: prefix GRIDROAM_CONSOLE_."""

    model_config = SettingsConfigDict(
        env_prefix=_PREFIX + "CONSOLE_",
        frozen=True,
        hide_input_in_errors=True,
        use_attribute_docstrings=True,
    )

    port: int = Field(8701, ge=0, le=65535)
    """The port to listen on; 0: any that is free."""
    db: Path = Path("console.db")
    """The file with sessions, the access log and the suppliers' own data (SQLite)."""
    origin: str | None = Field(None, pattern="^https?://[^/]+$")
    """The address that browsers see, as scheme and host: behind a proxy it is not our own."""
    names: Path | None = None
    """A JSON object from market code to company name."""

    key: SecretStr | None = None
    """The key that protects the suppliers' own data: 32 bytes, base64 or hexadecimal."""
    key_file: Path | None = None
    """A file with that key instead."""
    keyring: str | None = None
    """The system's keyring instead: service/user."""

    devnet_sign_in: bool = False
    """Sign in as any participant without a signature: only on a devnet on this machine."""
    oidc_issuer: str | None = None
    """The OpenID provider's address."""
    oidc_client_id: str | None = None
    """What the provider calls this console."""
    oidc_client_secret: SecretStr | None = None
    """The secret that goes with it; without one, PKCE alone protects the exchange."""
    oidc_rules: Path | None = None
    """Who signs in for whom: docs/access.md."""

    idle_minutes: int = Field(30, ge=1, le=24 * 60)
    """A session ends when nobody did anything for so long."""
    session_hours: int = Field(10, ge=1, le=7 * 24)
    """A session ends after so long in any case."""
