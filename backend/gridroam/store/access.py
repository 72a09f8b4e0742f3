"""Sessions of the console, and the log of who saw which customer's data. Of a session's token only
the hash is kept, so that who reads the database cannot use it."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import (
    Column,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    delete,
    func,
    insert,
    or_,
    select,
    update,
)

from gridroam.store.console import ConsoleStore, metadata

sessions = Table(
    "sessions",
    metadata,
    Column("token_hash", LargeBinary(32), primary_key=True),
    Column("created", Integer, nullable=False),
    Column("seen", Integer, nullable=False),
    Column("participant", Integer),
    Column("subject", String),
    Column("role", String(16)),
    Column("method", String(16)),
    Column("pending", String, nullable=False, default=""),
)
"""Without a participant: a browser that has not signed in yet. `pending` is what it was asked."""

access_log = Table(
    "access_log",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("at", Integer, nullable=False),
    Column("participant", Integer, nullable=False),
    Column("subject", String, nullable=False),
    Column("role", String(16), nullable=False),
    Column("action", String(32), nullable=False),
    Column("object", String, nullable=False),
    Index("ix_access_log_participant", "participant", "id"),
)


@dataclass(frozen=True, slots=True)
class SessionRow:
    """Times in UTC seconds."""

    created: int
    seen: int
    participant: int | None
    subject: str | None
    role: str | None
    method: str | None
    pending: str


@dataclass(frozen=True, slots=True)
class LogRow:
    id: int
    at: int
    participant: int
    subject: str
    role: str
    action: str
    object: str


class AccessStore:
    def __init__(self, store: ConsoleStore) -> None:
        self._store = store

    # ------------------------------------------------------------------------------- Sessions

    def add_session(self, token_hash: bytes, row: SessionRow) -> None:
        values = {name: getattr(row, name) for name in SessionRow.__slots__}
        with self._store.write() as connection:
            connection.execute(insert(sessions).values(token_hash=token_hash, **values))

    def session(self, token_hash: bytes) -> SessionRow | None:
        columns = [sessions.c[name] for name in SessionRow.__slots__]
        with self._store.read() as connection:
            query = select(*columns).where(sessions.c.token_hash == token_hash)
            found = connection.execute(query).first()
        return SessionRow(*found) if found else None

    def touch(self, token_hash: bytes, now: int) -> None:
        with self._store.write() as connection:
            where = sessions.c.token_hash == token_hash
            connection.execute(update(sessions).where(where).values(seen=now))

    def set_pending(self, token_hash: bytes, pending: str) -> None:
        with self._store.write() as connection:
            where = sessions.c.token_hash == token_hash
            connection.execute(update(sessions).where(where).values(pending=pending))

    def take_pending(self, token_hash: bytes) -> str:
        """What the browser was asked; it is used up by that, whoever comes at the same time."""
        with self._store.write() as connection:
            where = sessions.c.token_hash == token_hash
            found = connection.execute(select(sessions.c.pending).where(where)).scalar()
            connection.execute(update(sessions).where(where).values(pending=""))
        return found or ""

    def end(self, token_hash: bytes) -> None:
        with self._store.write() as connection:
            connection.execute(delete(sessions).where(sessions.c.token_hash == token_hash))

    def end_older(self, seen_before: int, created_before: int) -> None:
        old = or_(sessions.c.seen < seen_before, sessions.c.created < created_before)
        with self._store.write() as connection:
            connection.execute(delete(sessions).where(old))

    # ------------------------------------------------------------------------------ Access log

    def log(self, rows: Sequence[LogRow]) -> None:
        """Their ids do not count."""
        names = [name for name in LogRow.__slots__ if name != "id"]
        values = [{name: getattr(row, name) for name in names} for row in rows]
        if values:
            with self._store.write() as connection:
                connection.execute(insert(access_log), values)

    def logged(self, participant: int, limit: int, before: int | None = None) -> list[LogRow]:
        """The newest first."""
        query = select(*[access_log.c[name] for name in LogRow.__slots__])
        query = query.where(access_log.c.participant == participant)
        if before is not None:
            query = query.where(access_log.c.id < before)
        query = query.order_by(access_log.c.id.desc()).limit(limit)
        with self._store.read() as connection:
            return [LogRow(*row) for row in connection.execute(query)]

    def logged_count(self, participant: int) -> int:
        query = select(func.count()).where(access_log.c.participant == participant)
        with self._store.read() as connection:
            return int(connection.execute(query).scalar_one())
