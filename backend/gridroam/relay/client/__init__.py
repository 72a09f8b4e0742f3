"""A typed client of the relay's API, for stations and everybody else who speaks Python: blocking
(`RelayClient`) and asynchronous (`AsyncRelayClient`), with the same methods.
"""

from gridroam.relay.client.answers import Answer, Listed, RelayStatus, Times, Trouble
from gridroam.relay.client.asynchronous import AsyncRelayClient
from gridroam.relay.client.blocking import RelayClient
from gridroam.relay.client.events import Event
from gridroam.relay.client.retries import NO_RETRIES, Retries

__all__ = [
    "NO_RETRIES",
    "Answer",
    "AsyncRelayClient",
    "Event",
    "Listed",
    "RelayClient",
    "RelayStatus",
    "Retries",
    "Times",
    "Trouble",
]
