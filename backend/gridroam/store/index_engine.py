"""Opening the index's database: a file for SQLite, or PostgreSQL by its URL. Several processes may
read one; that only one writes at a time is seen to where the cursor is moved (`index_writer`).
Every failure of the database is a `StoreError`."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, inspect, select
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError

from gridroam.errors import InvalidInputError, StoreError
from gridroam.store import index_schema as schema

_BUSY_TIMEOUT_MS = 20_000
_WRITES = "gridroam_index_writes"


class IndexStore:
    """The tables, of this version. Safe to use in several threads."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.is_sqlite = engine.dialect.name == "sqlite"
        self._for_writing = engine.execution_options(**{_WRITES: True})
        repeatable = {} if self.is_sqlite else {"isolation_level": "REPEATABLE READ"}
        self._for_reading = engine.execution_options(**repeatable)
        self._writer = threading.Lock() if self.is_sqlite else nullcontext()

    @classmethod
    def open(cls, where: str, *, any_version: bool = False) -> "IndexStore":
        """`where` is a file for SQLite, or a database URL. Raises `StoreError` for tables of
        another version; with `any_version` they may be there, to be dropped."""
        url = _url(where)
        store = cls(_engine(url))
        try:
            if not any_version:
                store._prepare()
        except BaseException:
            store.close()
            raise
        return store

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """One transaction, durable when the block ends without an error."""
        with self._writer, _translated(), self._for_writing.begin() as connection:
            yield connection

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """One snapshot: whatever is asked within fits together."""
        with _translated(), self._for_reading.connect() as connection:
            yield connection

    def drop(self) -> None:
        """Everything that the chain can give again."""
        with self.write() as connection:
            schema.metadata.drop_all(connection, tables=schema.REBUILT)
            schema.metadata.create_all(connection)

    def close(self) -> None:
        self.engine.dispose()

    def _prepare(self) -> None:
        with self.write() as connection:
            if not _is_current(connection):
                raise StoreError(
                    "The index was written by another version of Gridroam.",
                    "Make it anew from the chain: gridroam index rebuild --db ...",
                )
            schema.metadata.create_all(connection)


def _is_current(connection: Connection) -> bool:
    """Whether the tables that are there are those of this version, with the same columns."""
    there = inspect(connection)
    found = [table for table in schema.REBUILT if there.has_table(table.name)]
    for table in found:
        if {column["name"] for column in there.get_columns(table.name)} != set(table.c.keys()):
            return False
    if schema.cursor not in found:
        return True
    version = connection.execute(select(schema.cursor.c.version)).scalar_one_or_none()
    return version in (None, schema.VERSION) and len(found) == len(schema.REBUILT)


def _url(where: str) -> URL:
    if "://" not in where:
        try:
            Path(where).absolute().parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(
                f"{where} cannot be opened ({error.strerror}).", "Choose a folder that is writable."
            ) from error
        return URL.create("sqlite", database=where)
    try:
        return make_url(where)
    except ArgumentError as error:
        raise InvalidInputError(
            "The database URL cannot be read.", "Give a file, or postgresql+psycopg://..."
        ) from error


def _engine(url: URL) -> Engine:
    is_sqlite = url.get_backend_name() == "sqlite"
    try:
        with _translated():
            engine = create_engine(url, pool_pre_ping=not is_sqlite)
    except ImportError as error:
        raise InvalidInputError(
            f"The driver of {url.drivername} is missing.", f"Install {error.name}."
        ) from error
    if is_sqlite:
        _tune(engine)
    return engine


def _tune(engine: Engine) -> None:
    @event.listens_for(engine, "connect")
    def _(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # transactions begin below, not when the driver thinks
        for pragma in (
            "journal_mode=WAL",
            "synchronous=NORMAL",  # what is lost with the power is read from the chain again
            f"busy_timeout={_BUSY_TIMEOUT_MS}",
            "cache_size=-65536",
        ):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _(connection: Connection) -> None:
        writes = connection.get_execution_options().get(_WRITES)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except DBAPIError as error:
        raise StoreError(
            f"The index's database failed: {error.orig}.", "Check its disk, locks and address."
        ) from error
    except SQLAlchemyError as error:
        raise StoreError(f"The index's database failed: {error}.") from error
