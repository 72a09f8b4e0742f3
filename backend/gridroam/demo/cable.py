"""The network between one station and the relay, which can be unplugged."""

from collections.abc import Sequence

from gridroam.errors import RelayUnreachableError
from gridroam.messages import Domain, Signed
from gridroam.relay.client import Answer, RelayClient


class Cable:
    """Carries what a station sends while it is plugged in."""

    def __init__(self, relay: RelayClient) -> None:
        self._relay = relay
        self.is_plugged = True

    def send(
        self, messages: Sequence[Signed], domain: Domain | None = None, wait: float = 0.0
    ) -> list[Answer]:
        if not self.is_plugged:
            raise RelayUnreachableError("The station has no network.", "Plug it in.")
        return self._relay.send(messages, domain, wait)
