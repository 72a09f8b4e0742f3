"""Opening a database: SQLite by default, PostgreSQL by its URL; durable, migrated, one writer at a
time. Every failure of the database is a `StoreError`. No table is named here.
"""

import fcntl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import IO, Any

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError

from gridroam.errors import InvalidInputError, StoreError

_MIGRATIONS = Path(__file__).parent / "migrations"
_BUSY_TIMEOUT_MS = 5_000


class Store:
    """A database at its newest schema. Safe to use in several threads."""

    def __init__(self, engine: Engine, lock: IO[bytes] | None) -> None:
        self.engine = engine
        self._lock = lock
        self._for_writing = engine.execution_options(**{_WRITES: True})
        # SQLite has one writer; waiting here is shorter than its own way, which sleeps
        self._writer = threading.Lock() if engine.dialect.name == "sqlite" else nullcontext()

    @classmethod
    def open(cls, where: str) -> "Store":
        """`where` is a file for SQLite, or a database URL."""
        url = _url(where)
        is_sqlite = url.get_backend_name() == "sqlite"
        engine = _engine(url)
        lock = _lock(Path(url.database)) if is_sqlite and url.database else None
        store = cls(engine, lock)
        try:
            with _translated():
                if is_sqlite:
                    _tune(engine)
                _migrate(engine)
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
        """One snapshot."""
        with _translated(), self.engine.connect() as connection:
            yield connection

    def close(self) -> None:
        self.engine.dispose()
        if self._lock is not None:
            self._lock.close()


_WRITES = "gridroam_writes"


def _url(where: str) -> URL:
    if "://" not in where:
        return URL.create("sqlite", database=where)
    try:
        return make_url(where)
    except ArgumentError as error:
        raise InvalidInputError(
            "The database URL cannot be read.", "Give a file, or postgresql+psycopg://..."
        ) from error


def _engine(url: URL) -> Engine:
    try:
        with _translated():
            return create_engine(url, pool_pre_ping=url.get_backend_name() != "sqlite")
    except ImportError as error:
        raise InvalidInputError(
            f"The driver of {url.drivername} is missing.", f"Install {error.name}."
        ) from error


def _lock(path: Path) -> IO[bytes]:
    """Held until the process ends, however it ends: two relays on one file would sign twice."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = path.with_name(path.name + ".lock").open("wb")
    except OSError as error:
        raise StoreError(
            f"{path} cannot be opened ({error.strerror}).", "Choose a folder that is writable."
        ) from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        lock.close()
        raise StoreError(
            f"Another relay works on {path}.", "Stop it, or give this one a file of its own."
        ) from error
    return lock


def _tune(engine: Engine) -> None:
    @event.listens_for(engine, "connect")
    def _(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # transactions begin below, not when the driver thinks
        for pragma in (
            "journal_mode=WAL",
            "synchronous=FULL",
            "foreign_keys=ON",
            f"busy_timeout={_BUSY_TIMEOUT_MS}",
        ):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _(connection: Connection) -> None:
        writes = connection.get_execution_options().get(_WRITES)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _migrate(engine: Engine) -> None:
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    with engine.connect() as connection:
        found = set(MigrationContext.configure(connection).get_current_heads())
    if not found <= known:
        raise StoreError(
            f"The database has the schema {', '.join(sorted(found))} of a newer version.",
            "Install that version of gridroam, or use another database.",
        )
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except DBAPIError as error:
        raise StoreError(
            f"The database failed: {error.orig}.", "Check its disk, its locks and its address."
        ) from error
    except SQLAlchemyError as error:
        raise StoreError(f"The database failed: {error}.") from error
