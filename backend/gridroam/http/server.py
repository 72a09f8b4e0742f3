"""Runs a service: listens, answers, and stops without leaving anybody unanswered.

Of the headers that proxies add, only those of proxies that were named as trusted count.
"""

import asyncio
import ipaddress
import resource
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import uvicorn
from starlette.types import ASGIApp

from gridroam.errors import InvalidInputError
from gridroam.http import metrics
from gridroam.http.log import log
from gridroam.http.protocol import Wire, protocol

_RESERVED_FILES = 128
"""Open files that are no connections: database, node, logs."""
_MOST_HEAD = 32_768
_LAG_SECONDS = 0.5

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True)
class Serving:
    """`trusted_proxies` are addresses or networks; `idle_seconds` of a connection between requests;
    `drain_seconds` from the first word of the end to the closed door, for load balancers;
    `grace_seconds` for the answers after that."""

    wire: Wire
    trusted_proxies: Sequence[str] = ()
    idle_seconds: float = 30.0
    drain_seconds: float = 0.0
    grace_seconds: float = 10.0


class Server(uvicorn.Server):
    """`on_stop` is called on the event loop as soon as the end is asked for, while connections are
    still taken."""

    def __init__(self, app: ASGIApp, serving: Serving, on_stop: Callable[[], None]) -> None:
        networks = read_networks(serving.trusted_proxies)
        wire = replace(serving.wire, is_proxy=lambda host: _within(host, networks))
        wire.most = min(wire.most, _most_connections(wire.most))
        super().__init__(
            uvicorn.Config(
                app,
                http=protocol(wire),
                ws="none",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=bool(networks),
                forwarded_allow_ips=[str(network) for network in networks],
                h11_max_incomplete_event_size=_MOST_HEAD,
                timeout_keep_alive=int(serving.idle_seconds),
                timeout_graceful_shutdown=int(serving.grace_seconds),
            )
        )
        self._drain_seconds = serving.drain_seconds
        self._on_stop = on_stop
        self._lag: asyncio.Task[None] | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._lag = asyncio.create_task(_measure_lag())

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        log.info("stopping", connections=len(self.server_state.connections))
        self._on_stop()
        if self._drain_seconds and not self.force_exit:
            await asyncio.sleep(self._drain_seconds)
        if self._lag is not None:
            self._lag.cancel()
        await super().shutdown(sockets)


def listen(host: str, port: int) -> socket.socket:
    """Raises `InvalidInputError` where nobody can listen. Port 0 is any that is free."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, kind, protocol_, _, address = found[0]
        # asyncio sends small answers without delay only where the protocol is given
        listening = socket.socket(family, kind, protocol_)
        try:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listening.bind(address)
            listening.listen(2048)
        except OSError:
            listening.close()
            raise
    except OSError as error:
        raise InvalidInputError(
            f"The relay cannot listen on {host}:{port} ({error.strerror}).",
            "Choose another --port, or stop what listens there.",
        ) from error
    return listening


def read_networks(texts: Sequence[str]) -> list[Network]:
    """Raises `InvalidInputError` for what is no address and no network."""
    try:
        return [ipaddress.ip_network(text.strip()) for text in texts]
    except ValueError as error:
        raise InvalidInputError(
            f"trusted_proxies: {error}.", "Give addresses or networks, such as 10.0.0.0/8."
        ) from None


def _within(host: str, networks: Sequence[Network]) -> bool:
    try:
        address = ipaddress.ip_address(host.partition("/")[0])
    except ValueError:
        return False
    return any(address in network for network in networks)


def _most_connections(wanted: int) -> int:
    """What the limit of open files leaves, after raising it as far as this process may."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = wanted + _RESERVED_FILES
    if soft < needed:
        soft = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    if soft < needed:
        log.warning("fewer connections than set: raise the limit of open files", files=soft)
    return max(soft - _RESERVED_FILES, 16)


async def _measure_lag() -> None:
    loop = asyncio.get_running_loop()
    while True:
        due = loop.time() + _LAG_SECONDS
        await asyncio.sleep(_LAG_SECONDS)
        metrics.loop_lag(max(loop.time() - due, 0.0))
