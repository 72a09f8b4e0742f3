"""What the HTTP service counts, and the registry that every metric of the process is in. One small
function for each thing that happens; nobody else names a metric.
"""

import prometheus_client
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    GCCollector,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)

prometheus_client.disable_created_metrics()  # type: ignore[no-untyped-call]

registry = CollectorRegistry()
ProcessCollector(registry=registry)
PlatformCollector(registry=registry)
GCCollector(registry=registry)

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_requests = Counter(
    "gridroam_http_requests",
    "Requests answered, by route and status.",
    ["method", "route", "status"],
    registry=registry,
)
_request_seconds = Histogram(
    "gridroam_http_request_seconds",
    "From a request's head until its answer begins. Waiting that was asked for counts.",
    ["route"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
    registry=registry,
)
_connections = Gauge("gridroam_http_connections", "Open connections.", registry=registry)
_dropped = Counter(
    "gridroam_http_connections_dropped",
    "Connections closed before they had an answer, by why.",
    ["why"],
    registry=registry,
)
_body_bytes = Gauge(
    "gridroam_http_body_bytes", "Bytes of request bodies in memory.", registry=registry
)
_streams = Gauge("gridroam_http_streams", "Open streams of outcomes.", registry=registry)
_limited = Counter(
    "gridroam_http_limited", "Requests refused by a limit, by which.", ["limit"], registry=registry
)
_loop_lag = Histogram(
    "gridroam_event_loop_lag_seconds",
    "How late the event loop is, asked twice a second.",
    buckets=(0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5),
    registry=registry,
)


def request_answered(method: str, route: str, status: int, seconds: float) -> None:
    """`route` is the template of a known one, so that strangers cannot make up labels."""
    _requests.labels(method, route, str(status)).inc()
    _request_seconds.labels(route).observe(seconds)


def connection_opened() -> None:
    _connections.inc()


def connection_closed() -> None:
    _connections.dec()


def connection_dropped(why: str) -> None:
    _dropped.labels(why).inc()


def body_bytes(change: int) -> None:
    _body_bytes.inc(change)


def streams(change: int) -> None:
    _streams.inc(change)


def limited(limit: str) -> None:
    _limited.labels(limit).inc()


def loop_lag(seconds: float) -> None:
    _loop_lag.observe(seconds)


def render() -> bytes:
    """Everything in the registry, in the text format of Prometheus."""
    return generate_latest(registry)


def names() -> set[str]:
    """Of every series that there can be, as a dashboard writes them."""
    suffixes = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count")}
    return {
        family.name + suffix
        for family in registry.collect()
        for suffix in suffixes.get(family.type, ("",))
    }
