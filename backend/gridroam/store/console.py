"""The console's own database: one SQLite file, apart from everything that can be rebuilt from the
chain. What is deleted here is overwritten at once, so that no copy stays in the file."""

import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection, Engine, MetaData, text
from sqlalchemy.engine import URL

from gridroam.errors import StoreError
from gridroam.store.opening import WRITES, make_engine, translated, tune

metadata = MetaData()
SCHEMA = 1
_WHOSE = "The console's database"
_PRAGMAS = (
    "secure_delete=ON",
    # not WAL, whose file would keep what was deleted until much later
    "journal_mode=TRUNCATE",
    "synchronous=FULL",
    "foreign_keys=ON",
    "busy_timeout=5000",
)
_PRIVATE = stat.S_IRUSR | stat.S_IWUSR


class ConsoleStore:
    """Safe to use in several threads. Failures are `StoreError`."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._writing = engine.execution_options(**{WRITES: True})

    @classmethod
    def open(cls, path: Path) -> "ConsoleStore":
        """Makes the file, readable by its owner only, if it is not there."""
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch(_PRIVATE)
        except OSError as error:
            raise StoreError(
                f"{path} cannot be opened ({error.strerror}).", "Choose a folder that is writable."
            ) from error
        engine = make_engine(URL.create("sqlite", database=str(path)), _WHOSE)
        tune(engine, *_PRAGMAS)
        store = cls(engine)
        try:
            store._create()
        except BaseException:
            store.close()
            raise
        return store

    def _create(self) -> None:
        with self.write() as connection:
            found = connection.execute(text("PRAGMA user_version")).scalar_one()
            if found > SCHEMA:
                raise StoreError(
                    f"The console's database has the schema {found} of a newer version.",
                    "Install that version of gridroam, or use another file.",
                )
            metadata.create_all(connection)
            connection.exec_driver_sql(f"PRAGMA user_version = {SCHEMA}")

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """One transaction, durable when the block ends without an error."""
        with translated(_WHOSE), self._writing.begin() as connection:
            yield connection

    @contextmanager
    def read(self) -> Iterator[Connection]:
        with translated(_WHOSE), self.engine.connect() as connection:
            yield connection

    def compact(self) -> None:
        """Writes the file anew, without what was deleted."""
        with translated(_WHOSE):
            raw = self.engine.raw_connection()
            try:
                raw.cursor().execute("VACUUM")
            finally:
                raw.close()

    def close(self) -> None:
        self.engine.dispose()
