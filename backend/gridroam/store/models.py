"""The relay's tables. The outbox is `messages`: its rows go from `stored` over `sent` to an
outcome; `batches` and `transactions` say in what they were sent.

Each step of a message is one database transaction, so that a process that dies leaves it either
before the step or after. A change here needs a migration.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    String,
    Table,
    text,
)

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
    }
)

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

messages = Table(
    "messages",
    metadata,
    Column("id", Number, primary_key=True, autoincrement=True),
    Column("digest", LargeBinary(32), nullable=False, unique=True),
    Column("station", BigInteger, nullable=False),
    Column("opening", Boolean, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("stored_at", BigInteger, nullable=False),
    Column("status", String(8), nullable=False),
    Column("reason", SmallInteger),
    Column("batch", Number, ForeignKey("batches.id")),
    Column("position", Integer),
    Column("tx_hash", LargeBinary(32)),
    Column("block", BigInteger),
    Index("ix_messages_status", "status", "id"),
    Index("ix_messages_batch", "batch"),
    Index(
        "ix_messages_under_way",
        "station",
        "id",
        sqlite_where=text("status IN ('stored', 'sent')"),
        postgresql_where=text("status IN ('stored', 'sent')"),
    ),
)
"""`id` is the order of arrival, `body` the wire format; times are UTC milliseconds."""

batches = Table(
    "batches",
    metadata,
    Column("id", Number, primary_key=True, autoincrement=True),
    Column("sender", String(42), nullable=False),
    Column("nonce", BigInteger, nullable=False),
    Column("gas", BigInteger, nullable=False),
    Column("state", String(8), nullable=False),
    Column("made_at", BigInteger, nullable=False),
    Column("block", BigInteger),
    Column("block_hash", LargeBinary(32)),
    Index(
        "ux_batches_nonce",
        "sender",
        "nonce",
        unique=True,
        sqlite_where=text("state <> 'returned'"),
        postgresql_where=text("state <> 'returned'"),
    ),
    Index("ix_batches_state", "state", "nonce"),
)
"""`state`: sent, mined (may still vanish with its block), final, or returned: its messages went
back to the outbox."""

transactions = Table(
    "transactions",
    metadata,
    Column("hash", LargeBinary(32), primary_key=True),
    Column("batch", Number, ForeignKey("batches.id"), nullable=False),
    Column("raw", LargeBinary, nullable=False),
    Column("max_fee", BigInteger, nullable=False),
    Column("tip", BigInteger, nullable=False),
    Column("sent_at", BigInteger, nullable=False),
    Index("ix_transactions_batch", "batch"),
)
"""Every transaction ever signed for a batch's nonce: any of them may be the one that is mined."""
