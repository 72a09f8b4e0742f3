"""What the console is made of, put together once and handed to every page."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from gridroam.access.log import AccessLog
from gridroam.access.oidc import Provider, read_rules
from gridroam.access.sessions import Sessions
from gridroam.access.wallet import Site
from gridroam.chain.ledger import Ledger
from gridroam.console.names import read_names
from gridroam.customers.book import Customers
from gridroam.customers.keys import KeyInFile, KeyInKeyring, KeyInSetting, MasterKey
from gridroam.errors import InvalidInputError
from gridroam.http.limits import Budget
from gridroam.index.live import News
from gridroam.index.queries import Index
from gridroam.settings import ConsoleSettings
from gridroam.store.access import AccessStore
from gridroam.store.console import ConsoleStore

_STREAMS = 1_000
DEVNET_CHAIN = 31337
CALLBACK = "/console/sign-in/openid/callback"
_LOCAL = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True)
class Console:
    """`customers` is `None` where no key is configured: nothing of a supplier's is kept then."""

    settings: ConsoleSettings
    rpc: str
    """The node's address; may hold an access key."""
    ledger: Ledger
    index: Index
    site: Site
    store: ConsoleStore
    sessions: Sessions
    log: AccessLog
    customers: Customers | None
    provider: Provider | None
    names: dict[str, str]
    now: Callable[[], int] = field(default=lambda: int(time.time()))
    streams: Budget = field(default_factory=lambda: Budget(_STREAMS))
    """Of pages that follow the chain."""
    closing: threading.Event = field(default_factory=threading.Event)

    @classmethod
    def open(
        cls, settings: ConsoleSettings, rpc: str, ledger: Ledger, index: Index, origin: str
    ) -> Self:
        """`origin` is the address that browsers see, if the settings give none. Raises
        `InvalidInputError` for settings that do not go together."""
        site = Site((settings.origin or origin).rstrip("/"), ledger.domain.chain_id)
        _check_devnet(settings, site)
        store = ConsoleStore.open(settings.db)

        def now() -> int:
            return int(time.time())

        access = AccessStore(store)
        key = _master_key(settings)
        return cls(
            settings=settings,
            rpc=rpc,
            ledger=ledger,
            index=index,
            site=site,
            store=store,
            sessions=Sessions(
                access, now, idle=settings.idle_minutes * 60, absolute=settings.session_hours * 3600
            ),
            log=AccessLog(access, now),
            customers=Customers(store, key.read(), now) if key else None,
            provider=_provider(settings, site),
            names=read_names(settings.names),
            now=now,
        )

    @property
    def devnet_sign_in(self) -> bool:
        """Whether anybody may sign in as any participant: only on a devnet of one's own."""
        return self.settings.devnet_sign_in and self.site.chain_id == DEVNET_CHAIN

    @property
    def secure(self) -> bool:
        """Whether browsers come by TLS."""
        return self.site.origin.startswith("https://")

    def close_streams(self) -> None:
        """Whoever follows the chain is told that it is over, so that the server can stop."""
        self.closing.set()
        self.index.live.tell(self.index.live.latest or News(0, b"", 0, 0))

    def close(self) -> None:
        if self.provider:
            self.provider.close()
        self.store.close()


def _check_devnet(settings: ConsoleSettings, site: Site) -> None:
    if not settings.devnet_sign_in:
        return
    host = site.origin.partition("://")[2].rpartition(":")[0].strip("[]") or site.domain
    if site.chain_id != DEVNET_CHAIN or host not in _LOCAL:
        raise InvalidInputError(
            "Signing in without a signature is for a devnet on this machine only.",
            f"This is chain {site.chain_id} at {site.origin}: leave out --devnet-sign-in.",
        )


def _master_key(settings: ConsoleSettings) -> MasterKey | None:
    if settings.key is not None:
        return KeyInSetting(settings.key)
    if settings.key_file is not None:
        return KeyInFile(settings.key_file, make=settings.devnet_sign_in)
    if settings.keyring is not None:
        service, _, user = settings.keyring.partition("/")
        return KeyInKeyring(service, user or "console")
    return None


def _provider(settings: ConsoleSettings, site: Site) -> Provider | None:
    if settings.oidc_issuer is None:
        return None
    if settings.oidc_client_id is None or settings.oidc_rules is None:
        raise InvalidInputError(
            "OpenID Connect needs a client id and rules.",
            "Set GRIDROAM_CONSOLE_OIDC_CLIENT_ID and GRIDROAM_CONSOLE_OIDC_RULES.",
        )
    secret = settings.oidc_client_secret
    return Provider(
        settings.oidc_issuer,
        settings.oidc_client_id,
        secret.get_secret_value() if secret else None,
        site.origin + CALLBACK,
        read_rules(Path(settings.oidc_rules)),
    )
