"""What the databases of relay, index and console have in common: how an address is read, when
SQLite's transactions begin, and that every failure is a `StoreError`.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from gridroam.errors import InvalidInputError, StoreError

WRITES = "gridroam_writes"
"""The execution option of a connection that will write."""


def read_url(where: str) -> URL:
    """`where` is a file for SQLite, or a database URL. Raises `InvalidInputError`."""
    if "://" not in where:
        return URL.create("sqlite", database=where)
    try:
        url = make_url(where)
    except ArgumentError as error:
        raise InvalidInputError(
            "The database URL cannot be read.", "Give a file, or postgresql://..."
        ) from error
    # the driver that comes with us
    bare = url.drivername in ("postgresql", "postgres")
    return url.set(drivername="postgresql+psycopg") if bare else url


def make_engine(url: URL, whose: str, **options: Any) -> Engine:
    """Connects to nothing yet. Raises `InvalidInputError` where the driver is missing."""
    try:
        with translated(whose):
            return create_engine(url, **options)
    except ImportError as error:
        raise InvalidInputError(
            f"The driver of {url.drivername} is missing.", f"Install {error.name}."
        ) from error


def tune(engine: Engine, *pragmas: str) -> None:
    """SQLite, for each connection. Who will write waits for its turn at the beginning."""

    @event.listens_for(engine, "connect")
    def _(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # transactions begin below, not when the driver thinks
        for pragma in pragmas:
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _(connection: Connection) -> None:
        writes = connection.get_execution_options().get(WRITES)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


@contextmanager
def translated(whose: str) -> Iterator[None]:
    """`whose` database it is, to begin a sentence."""
    try:
        yield
    except SQLAlchemyError as error:
        cause = getattr(error, "orig", error)
        raise StoreError(
            f"{whose} failed: {cause}.", "Check its disk, its locks and its address."
        ) from error
