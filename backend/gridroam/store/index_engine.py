"""Opening the index's database: a file for SQLite, or PostgreSQL by its URL. Several processes may
read one; that only one writes at a time is seen to where the cursor is moved (`index_writer`).
Every failure of the database is a `StoreError`."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

from sqlalchemy import Connection, Engine, inspect, select
from sqlalchemy.engine import URL

from gridroam.errors import StoreError
from gridroam.store import index_schema as schema
from gridroam.store.opening import WRITES, make_engine, read_url, translated, tune

_WHOSE = "The index's database"
_PRAGMAS = (
    "journal_mode=WAL",
    "synchronous=NORMAL",  # what is lost with the power is read from the chain again
    "busy_timeout=20000",
    "cache_size=-65536",
)


class IndexStore:
    """The tables, of this version. Safe to use in several threads."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.is_sqlite = engine.dialect.name == "sqlite"
        self._for_writing = engine.execution_options(**{WRITES: True})
        repeatable = {} if self.is_sqlite else {"isolation_level": "REPEATABLE READ"}
        self._for_reading = engine.execution_options(**repeatable)
        self._writer = threading.Lock() if self.is_sqlite else nullcontext()

    @classmethod
    def open(cls, where: str, *, any_version: bool = False) -> "IndexStore":
        """`where` is a file for SQLite, or a database URL. Raises `StoreError` for tables of
        another version; with `any_version` they may be there, to be dropped."""
        url = read_url(where)
        _make_room(url)
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
        with self._writer, translated(_WHOSE), self._for_writing.begin() as connection:
            yield connection

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """One snapshot: whatever is asked within fits together."""
        with translated(_WHOSE), self._for_reading.connect() as connection:
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


def _make_room(url: URL) -> None:
    if url.get_backend_name() != "sqlite" or not url.database:
        return
    try:
        Path(url.database).absolute().parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(
            f"{url.database} cannot be opened ({error.strerror}).",
            "Choose a folder that is writable.",
        ) from error


def _engine(url: URL) -> Engine:
    is_sqlite = url.get_backend_name() == "sqlite"
    engine = make_engine(url, _WHOSE, pool_pre_ping=not is_sqlite)
    if is_sqlite:
        tune(engine, *_PRAGMAS)
    return engine
