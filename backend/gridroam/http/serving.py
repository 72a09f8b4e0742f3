"""From settings to what a service is made of."""

from gridroam.errors import InvalidInputError
from gridroam.http.body import BodyLimits
from gridroam.http.edge import ClientLimits
from gridroam.http.keys import ApiKeys
from gridroam.http.protocol import Wire
from gridroam.http.server import Serving
from gridroam.settings import HttpSettings, RelaySettings

_GRACE_OF_BODY = 5.0
"""Seconds after a body's time in which its request is answered."""


def of(settings: HttpSettings) -> Serving:
    return Serving(
        Wire(
            most=settings.max_connections,
            most_of_client=settings.client_connections,
            head_seconds=settings.head_seconds,
            body_seconds=settings.body_seconds + _GRACE_OF_BODY,
            write_seconds=settings.write_seconds,
        ),
        settings.trusted_proxies,
        settings.idle_seconds,
        settings.drain_seconds,
        settings.grace_seconds,
    )


def client_limits(settings: HttpSettings) -> ClientLimits:
    return ClientLimits(settings.client_requests_per_second, settings.client_faults_per_minute)


def body_limits(settings: RelaySettings) -> BodyLimits:
    return BodyLimits(settings.max_body_bytes, settings.body_seconds)


def api_keys(settings: HttpSettings) -> ApiKeys:
    """Raises `InvalidInputError`."""
    entries = list(settings.api_keys)
    if settings.api_keys_file is not None:
        try:
            text = settings.api_keys_file.read_text(encoding="utf-8")
        except OSError as error:
            raise InvalidInputError(f"{settings.api_keys_file}: {error.strerror}.") from error
        lines = (line.strip() for line in text.splitlines())
        entries += [line for line in lines if line and not line.startswith("#")]
    return ApiKeys(entries)
