"""The outbox: messages, the batches and transactions they are sent in."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

Number = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    op.create_table(
        "home",
        sa.Column("id", sa.SmallInteger, primary_key=True),
        sa.Column("chain_id", sa.BigInteger, nullable=False),
        sa.Column("ledger", sa.String(42), nullable=False),
        sa.Column("probed", Number, nullable=False),
    )
    op.create_table(
        "batches",
        sa.Column("id", Number, primary_key=True, autoincrement=True),
        sa.Column("sender", sa.String(42), nullable=False),
        sa.Column("nonce", sa.BigInteger, nullable=False),
        sa.Column("gas", sa.BigInteger, nullable=False),
        sa.Column("state", sa.String(8), nullable=False),
        sa.Column("made_at", sa.BigInteger, nullable=False),
        sa.Column("block", sa.BigInteger),
        sa.Column("block_hash", sa.LargeBinary(32)),
    )
    valid = sa.text("state <> 'returned'")
    op.create_index(
        "ux_batches_nonce",
        "batches",
        ["sender", "nonce"],
        unique=True,
        sqlite_where=valid,
        postgresql_where=valid,
    )
    op.create_index("ix_batches_state", "batches", ["state", "nonce"])
    op.create_table(
        "messages",
        sa.Column("id", Number, primary_key=True, autoincrement=True),
        sa.Column("digest", sa.LargeBinary(32), nullable=False, unique=True),
        sa.Column("station", sa.BigInteger, nullable=False),
        sa.Column("opening", sa.Boolean, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.Column("stored_at", sa.BigInteger, nullable=False),
        sa.Column("status", sa.String(8), nullable=False),
        sa.Column("reason", sa.SmallInteger),
        sa.Column("batch", Number, sa.ForeignKey("batches.id")),
        sa.Column("position", sa.Integer),
        sa.Column("tx_hash", sa.LargeBinary(32)),
        sa.Column("block", sa.BigInteger),
    )
    op.create_index("ix_messages_status", "messages", ["status", "id"])
    op.create_index("ix_messages_batch", "messages", ["batch"])
    under_way = sa.text("status IN ('stored', 'sent')")
    op.create_index(
        "ix_messages_under_way",
        "messages",
        ["station", "id"],
        sqlite_where=under_way,
        postgresql_where=under_way,
    )
    op.create_table(
        "transactions",
        sa.Column("hash", sa.LargeBinary(32), primary_key=True),
        sa.Column("batch", Number, sa.ForeignKey("batches.id"), nullable=False),
        sa.Column("raw", sa.LargeBinary, nullable=False),
        sa.Column("max_fee", sa.BigInteger, nullable=False),
        sa.Column("tip", sa.BigInteger, nullable=False),
        sa.Column("sent_at", sa.BigInteger, nullable=False),
    )
    op.create_index("ix_transactions_batch", "transactions", ["batch"])
