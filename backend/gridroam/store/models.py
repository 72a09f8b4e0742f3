"""The relay's tables. The outbox is `messages`: its rows go from `stored` over `sent` to an
outcome; `batches` and `transactions` say in what they were sent.

Each step of a message is one database transaction, so that a process that dies leaves it either
before the step or after. A change here needs a migration.
"""

import json
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    String,
    Table,
    TypeDecorator,
    bindparam,
    literal_column,
    text,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeEngine

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
    }
)


class Bytes(LargeBinary):
    """Both drivers take bytes and give them as they are; the type would go over each once more."""

    cache_ok = True

    def bind_processor(self, dialect: Dialect) -> None:  # noqa: ARG002
        return None

    def result_processor(self, dialect: Dialect, coltype: object) -> None:  # noqa: ARG002
        return None


def _partial(name: str, *columns: str, where: str, unique: bool = False) -> Index:
    """An index of the rows that are looked for, which stays small."""
    rows = text(where)
    return Index(name, *columns, unique=unique, sqlite_where=rows, postgresql_where=rows)


def is_in(column: ColumnElement[str], *values: str) -> ColumnElement[bool]:
    """With the values written out: SQLite finds an index of some rows by the words of its
    condition, and does not look behind parameters."""
    words: list[ColumnElement[str]] = [literal_column(f"'{value}'") for value in values]
    return column.in_(words) if len(words) > 1 else column == words[0]


class Numbers(TypeDecorator[list[int]]):
    """Many integers as one parameter: an array, or JSON where there are none."""

    impl = String
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        is_array = dialect.name == "postgresql"
        return dialect.type_descriptor(ARRAY(BigInteger) if is_array else String())

    def process_bind_param(self, value: list[int] | None, dialect: Dialect) -> Any:
        return value if dialect.name == "postgresql" else json.dumps(value)


class is_one_of(FunctionElement[bool]):  # noqa: N801  reads like `is_in`
    """Whether a column is one of `Numbers`. A parameter for each takes SQLAlchemy longer to write
    down than the database to answer."""

    name = "is_one_of"
    type = Boolean()
    inherit_cache = True

    def __init__(self, column: ColumnElement[int], name: str) -> None:
        super().__init__(column, bindparam(name, type_=Numbers()))


@compiles(is_one_of, "postgresql")
def _(element: is_one_of, compiler: SQLCompiler, **options: Any) -> str:
    column, numbers = (compiler.process(part, **options) for part in element.clauses)
    return f"{column} = ANY({numbers})"


@compiles(is_one_of, "sqlite")
def _(element: is_one_of, compiler: SQLCompiler, **options: Any) -> str:
    column, numbers = (compiler.process(part, **options) for part in element.clauses)
    return f"{column} IN (SELECT value FROM json_each({numbers}))"  # noqa: S608  of SQLAlchemy's own words


# SQLite numbers rows by itself only where the type is INTEGER
Number = BigInteger().with_variant(Integer, "sqlite")

home = Table(
    "home",
    metadata,
    Column("id", SmallInteger, primary_key=True),
    Column("chain_id", BigInteger, nullable=False),
    Column("ledger", String(42), nullable=False),
    Column("probed", Number, nullable=False),
)
"""One row: the ledger that the database is for."""

feed = Table(
    "feed",
    metadata,
    Column("id", SmallInteger, primary_key=True),
    Column("last", BigInteger, nullable=False),
)
"""One row: the last position given to outcomes. Who takes the next holds the row until it commits,
so that positions become visible in their order."""

senders = Table(
    "senders",
    metadata,
    Column("address", String(42), primary_key=True),
    Column("holder", String(64), nullable=False),
    Column("epoch", BigInteger, nullable=False),
    Column("until", BigInteger, nullable=False),
    Column("balance", String(78)),
    Column("funds", String(8)),
)
"""Sending accounts. Each is leased to one process (`holder`) until `until`, UTC milliseconds of the
database's clock; `epoch` grows with every lease, and who has an old one writes nothing any more.
`balance` in wei; `funds`: ok, low or empty."""

messages = Table(
    "messages",
    metadata,
    Column("id", Number, primary_key=True, autoincrement=True),
    Column("digest", Bytes(32), nullable=False, unique=True),
    Column("station", BigInteger, nullable=False),
    Column("opening", Boolean, nullable=False),
    Column("body", Bytes, nullable=False),
    Column("stored_at", BigInteger, nullable=False),
    Column("status", String(8), nullable=False),
    Column("reason", SmallInteger),
    Column("batch", Number, ForeignKey("batches.id")),
    Column("position", Integer),
    Column("tx_hash", Bytes(32)),
    Column("block", BigInteger),
    Column("feed", BigInteger),
    Index("ix_messages_batch", "batch"),
    Index("ix_messages_station", "station", "stored_at", "id"),
    Index("ix_messages_time", "stored_at", "id"),
    _partial("ix_messages_feed", "feed", "id", where="feed IS NOT NULL"),
    _partial("ix_messages_rejected", "stored_at", "id", where="status = 'rejected'"),
    _partial("ix_messages_stored", "id", where="status = 'stored'"),
    _partial("ix_messages_openings", "id", where="status = 'stored' AND opening"),
    _partial("ix_messages_under_way", "station", "id", where="status IN ('stored', 'sent')"),
)
"""`id` is the order of arrival, `body` the wire format; times are UTC milliseconds. `feed` is the
position of the last change of its outcome; a batch's messages share theirs."""

batches = Table(
    "batches",
    metadata,
    Column("id", Number, primary_key=True, autoincrement=True),
    Column("sender", String(42), nullable=False),
    Column("nonce", BigInteger, nullable=False),
    Column("gas", BigInteger, nullable=False),
    Column("state", String(8), nullable=False),
    Column("made_at", BigInteger, nullable=False),
    Column("mined_at", BigInteger),
    Column("final_at", BigInteger),
    Column("block", BigInteger),
    Column("block_hash", Bytes(32)),
    _partial("ux_batches_nonce", "sender", "nonce", unique=True, where="state <> 'returned'"),
    _partial("ix_batches_open", "sender", "nonce", where="state IN ('sent', 'mined')"),
)
"""`state`: sent, mined (may still vanish with its block), final, or returned: its messages went
back to the outbox."""

transactions = Table(
    "transactions",
    metadata,
    Column("hash", Bytes(32), primary_key=True),
    Column("batch", Number, ForeignKey("batches.id"), nullable=False),
    Column("raw", Bytes, nullable=False),
    Column("max_fee", BigInteger, nullable=False),
    Column("tip", BigInteger, nullable=False),
    Column("sent_at", BigInteger, nullable=False),
    Index("ix_transactions_batch", "batch"),
)
"""Every transaction ever signed for a batch's nonce: any of them may be the one that is mined."""
