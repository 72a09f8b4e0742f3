"""Opening a database: SQLite by default, for one relay; PostgreSQL by its URL, for any number.
Durable, migrated. Every failure of the database is a `StoreError`. No table is named here.
"""

import fcntl
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import IO, Any

import psycopg
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, Insert, Table, Update, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import URL

from gridroam.errors import StoreError
from gridroam.store.opening import WRITES, make_engine, read_url, translated, tune

_MIGRATIONS = Path(__file__).parent / "migrations"
_WHOSE = "The database"
_PRAGMAS = ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=5000")
_LOCK_SECONDS = 1.0
"""A relay that was killed while it started a process lets go of its files when that has begun."""
_POSTGRESQL: dict[str, Any] = {
    "connect_timeout": 5,
    "application_name": "gridroam",
    # a server that is gone is noticed, and nothing waits for ever for a lock
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
    "options": "-c lock_timeout=5s -c statement_timeout=30s"
    " -c idle_in_transaction_session_timeout=60s",
}
_MIGRATING = 0x67726964
"""Key of the lock that lets one process migrate."""


class Store:
    """A database at its newest schema. Safe to use in several threads."""

    def __init__(self, engine: Engine, lock: IO[bytes] | None) -> None:
        self.engine = engine
        self._lock = lock
        self.is_shared = engine.dialect.name != "sqlite"
        """Whether other relays may work on it, too."""
        self.observe: Callable[[str], AbstractContextManager[object]] = lambda _: nullcontext()
        """Around each transaction, whose kind it gets: read or write."""
        self._for_writing = engine.execution_options(**{WRITES: True})
        self._texts: dict[Insert | Update, str] = {}
        # SQLite has one writer; waiting here is shorter than its own way, which sleeps
        self._writer = nullcontext() if self.is_shared else threading.Lock()

    @classmethod
    def open(cls, where: str) -> "Store":
        """`where` is a file for SQLite, or a database URL."""
        url = read_url(where)
        is_sqlite = url.get_backend_name() == "sqlite"
        engine = _engine(url)
        lock = _lock(Path(url.database)) if is_sqlite and url.database else None
        store = cls(engine, lock)
        try:
            with translated(_WHOSE):
                if is_sqlite:
                    tune(engine, *_PRAGMAS)
                _migrate(engine)
        except BaseException:
            store.close()
            raise
        return store

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """One transaction, durable when the block ends without an error."""
        with (
            self.observe("write"),
            self._writer,
            translated(_WHOSE),
            self._for_writing.begin() as connection,
        ):
            yield connection

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """One snapshot."""
        with self.observe("read"), translated(_WHOSE), self.engine.connect() as connection:
            yield connection

    def insert_new(self, table: Table) -> Any:
        """An insert that leaves rows alone which are there already."""
        dialect = postgresql if self.is_shared else sqlite
        return dialect.insert(table).on_conflict_do_nothing()

    def for_each(
        self, connection: Connection, statement: Insert | Update, rows: Sequence[Mapping[str, Any]]
    ) -> None:
        """The same for many rows, which name every value of the statement, of types that drivers
        know.

        Goes to the driver by itself: SQLAlchemy looks at each value of each row in Python, which
        takes longer than the database does.
        """
        connection.exec_driver_sql(self._text(statement, list(rows[0])), rows)

    def _text(self, statement: Insert | Update, names: Sequence[str]) -> str:
        if statement not in self._texts:
            columns = list(names) if isinstance(statement, Insert) else None
            compiled = statement.compile(self.engine, column_keys=columns)
            self._texts[statement] = str(compiled)
        return self._texts[statement]

    def now(self, connection: Connection) -> int:
        """UTC milliseconds by the one clock that all relays on the database share."""
        if not self.is_shared:
            return time.time_ns() // 1_000_000
        return int(connection.execute(_CLOCK).scalar_one())

    def ring(self, connection: Connection, what: str) -> None:
        """Tells the other relays on the database, once this transaction is there for them to see.

        `bell` hears it.
        """
        if self.is_shared:
            connection.execute(_NOTIFY, {"channel": CHANNEL, "what": what})

    def connect(self) -> "psycopg.Connection[object]":
        """A connection of one's own to a PostgreSQL, outside of all transactions."""
        url = self.engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
        return psycopg.connect(url, autocommit=True, **_POSTGRESQL)

    def close(self) -> None:
        self.engine.dispose()
        if self._lock is not None:
            self._lock.close()


CHANNEL = "gridroam"
_CLOCK = text("SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint")
_NOTIFY = text("SELECT pg_notify(:channel, :what)")


def _engine(url: URL) -> Engine:
    if url.get_backend_name() == "sqlite":
        return make_engine(url, _WHOSE, paramstyle="named")
    own = _POSTGRESQL if url.get_backend_name() == "postgresql" else {}
    return make_engine(url, _WHOSE, pool_pre_ping=True, pool_timeout=5, connect_args=own)


def _lock(path: Path) -> IO[bytes]:
    """Held until the process ends, however it ends: two relays on one file would sign twice."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = path.with_name(path.name + ".lock").open("wb")
    except OSError as error:
        raise StoreError(
            f"{path} cannot be opened ({error.strerror}).", "Choose a folder that is writable."
        ) from error
    deadline = time.monotonic() + _LOCK_SECONDS
    while not _is_locked(lock):
        if time.monotonic() > deadline:
            lock.close()
            raise StoreError(
                f"Another relay works on {path}.", "Stop it, or give this one a file of its own."
            )
        time.sleep(0.02)
    return lock


def _is_locked(lock: IO[bytes]) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


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
        if engine.dialect.name == "postgresql":
            connection.execute(text("SET LOCAL lock_timeout = 0"))
            connection.execute(text("SET LOCAL statement_timeout = 0"))
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _MIGRATING})
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
