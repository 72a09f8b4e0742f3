"""Many relays on one database: leased senders, times of every step, a feed of outcomes."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "senders",
        sa.Column("address", sa.String(42), primary_key=True),
        sa.Column("holder", sa.String(64), nullable=False),
        sa.Column("epoch", sa.BigInteger, nullable=False),
        sa.Column("until", sa.BigInteger, nullable=False),
        sa.Column("balance", sa.String(78)),
        sa.Column("funds", sa.String(8)),
    )
    feed = op.create_table(
        "feed",
        sa.Column("id", sa.SmallInteger, primary_key=True),
        sa.Column("last", sa.BigInteger, nullable=False),
    )
    op.bulk_insert(feed, [{"id": 1, "last": 0}])
    op.add_column("batches", sa.Column("mined_at", sa.BigInteger))
    op.add_column("batches", sa.Column("final_at", sa.BigInteger))
    op.add_column("messages", sa.Column("feed", sa.BigInteger))
    op.drop_index("ix_batches_state", "batches")
    op.drop_index("ix_messages_status", "messages")
    _index("ix_batches_open", "batches", ["sender", "nonce"], "state IN ('sent', 'mined')")
    op.create_index("ix_messages_station", "messages", ["station", "stored_at", "id"])
    op.create_index("ix_messages_time", "messages", ["stored_at", "id"])
    _index("ix_messages_feed", "messages", ["feed", "id"], "feed IS NOT NULL")
    _index("ix_messages_rejected", "messages", ["stored_at", "id"], "status = 'rejected'")
    _index("ix_messages_stored", "messages", ["id"], "status = 'stored'")
    _index("ix_messages_openings", "messages", ["id"], "status = 'stored' AND opening")
    _fill()


def _index(name: str, table: str, columns: list[str], where: str) -> None:
    rows = sa.text(where)
    op.create_index(name, table, columns, sqlite_where=rows, postgresql_where=rows)


def _fill() -> None:
    """What was mined or final before there were times became so when its batch was made."""
    op.execute("UPDATE batches SET mined_at = made_at WHERE state IN ('mined', 'final')")
    op.execute("UPDATE batches SET final_at = made_at WHERE state = 'final'")
    op.execute("UPDATE messages SET feed = id WHERE status NOT IN ('stored', 'sent')")
    op.execute("UPDATE feed SET last = (SELECT COALESCE(MAX(id), 0) FROM messages)")
