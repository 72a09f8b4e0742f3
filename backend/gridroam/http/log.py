"""Structured logs: events with fields (digest, station, batch, request), never bodies, keys or
addresses of nodes. Silent until `configure` is called.
"""

import logging

import structlog

from gridroam.http.problems import request_id


def _with_request(
    _: object, __: str, event: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    """Which request a line is about, where there is one."""
    if (current := request_id.get()) is not None:
        event.setdefault("request", current)
    return event


_SHARED: list[structlog.typing.Processor] = [
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    _with_request,
]

logging.getLogger("gridroam").addHandler(logging.NullHandler())


def logger(name: str) -> structlog.stdlib.BoundLogger:
    """`name` begins with gridroam."""
    wrapped: structlog.stdlib.BoundLogger = structlog.wrap_logger(
        logging.getLogger(name),
        processors=[
            structlog.stdlib.filter_by_level,
            *_SHARED,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
    )
    return wrapped


log = logger("gridroam.http")


def configure(level: str, *, as_json: bool) -> None:
    """Logs of ours and of the libraries to standard error."""
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer() if as_json else structlog.dev.ConsoleRenderer()
    )
    handler = logging.StreamHandler()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                renderer,
            ],
            foreign_pre_chain=_SHARED,
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("gridroam").setLevel(level.upper())
    # it warns of every request that is no HTTP: strangers could fill the disk
    logging.getLogger("uvicorn.error").setLevel(logging.ERROR)
