"""The index's tables: what the chain says, as rows that can be asked quickly. Nothing stands here
that does not follow from the chain (but for `chain_meter_series`, which a grid operator gives), so
the tables are dropped and made anew instead of migrated: `VERSION` says for which code they are.

Rows of two kinds: facts, which are only added and bear the `block` that brought them, and rows that
change, whose images before the newest blocks are in `chain_undo`. So a block can be taken back.
Energy in Wh, money in nano-euro, times in UTC seconds.
"""

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Numeric,
    PrimaryKeyConstraint,
    SmallInteger,
    String,
    Table,
    Text,
    text,
)
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator, TypeEngine

from gridroam.domain.units import NO_KEY

VERSION = 6
"""Of the tables and of what is written into them. One of another version has to be made anew."""

metadata = MetaData(naming_convention={"pk": "pk_%(table_name)s"})


class Whole(TypeDecorator[int]):
    """An integer of any size. SQLite has none beyond 64 bits, so there it is text: for what is
    neither summed nor sorted in SQL."""

    impl = Numeric(78, 0)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name == "sqlite":
            return dialect.type_descriptor(Text())
        return dialect.type_descriptor(Numeric(78, 0))

    def process_bind_param(self, value: int | None, dialect: Dialect) -> object:
        return str(value) if dialect.name == "sqlite" and value is not None else value

    def process_result_value(self, value: object, dialect: Dialect) -> int | None:  # noqa: ARG002
        return None if value is None else int(str(value))


def _number(name: str, default: int | None = 0) -> Column[int]:
    return Column(name, BigInteger, nullable=default is None, default=default)


def _hash(name: str, *, nullable: bool = False) -> Column[bytes]:
    return Column(name, LargeBinary(32), nullable=nullable)


def _only(condition: str) -> dict[str, Any]:
    return {"sqlite_where": text(condition), "postgresql_where": text(condition)}


def _if(flag: str) -> dict[str, Any]:
    """As questions about it are written."""
    return {"sqlite_where": text(f"{flag} = 1"), "postgresql_where": text(flag)}


# ------------------------------------------------------------------------------ where the index is

cursor = Table(
    "chain_cursor",
    metadata,
    Column("id", SmallInteger, primary_key=True),
    _number("version"),
    _number("chain_id"),
    Column("ledger", String(42), nullable=False),
    _number("window"),
    _number("first_block"),
    _number("block"),
    _hash("block_hash"),
    _number("block_time"),
    _number("head"),
    _number("head_time"),
    _number("messages"),
)
"""One row. `window`: for how many seconds after its end a session can be corrected, as deployed.
`block` is the last one whose rows are here, written in the transaction that wrote them;
`head` the newest that the node had then; `messages` how many there are: the last one's id."""

blocks = Table(
    "chain_blocks",
    metadata,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    _hash("hash"),
    _number("time"),
    _number("block"),
)
"""Of the newest blocks: by these a reorganisation is noticed."""

undo = Table(
    "chain_undo",
    metadata,
    Column("block", BigInteger, nullable=False),
    Column("place", Integer, nullable=False),
    Column("name", String(40), nullable=False),
    Column("key", Text, nullable=False),
    Column("before", Text),
    PrimaryKeyConstraint("block", "place"),
)
"""Rows as they were before a block changed them (JSON); no `before`: there was no such row."""

market = Table(
    "chain_market",
    metadata,
    Column("id", SmallInteger, primary_key=True),
    _number("skew"),
    _number("backlog"),
    _number("silence"),
    _number("notice"),
    _number("reserve_wh"),
    _number("max_price"),
    _number("max_session_fee"),
    Column("paused", Boolean, nullable=False, default=False),
)
"""One row: the limits in force."""

# ------------------------------------------------------------------------------------- who is who

participants = Table(
    "chain_participants",
    metadata,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("account", String(42), nullable=False),
    Column("roles", SmallInteger, nullable=False),
    Column("active", Boolean, nullable=False, default=True),
    Column("market_code", Text, nullable=False, default=""),
    _number("default_supplier"),
    Column("balance", Whole, nullable=False, default=0),
    _number("reserved"),
    Column("owed", Whole, nullable=False, default=0),
    Column("journal_head", LargeBinary(26), nullable=False, default=bytes(26)),
    _number("journal_count"),
    _number("since"),
    _number("day"),
)
"""`day`: the UTC day, by its first second, of the last change to the account."""

account_days = Table(
    "chain_account_days",
    metadata,
    Column("participant", BigInteger, nullable=False),
    Column("day", BigInteger, nullable=False),
    Column("balance", Whole, nullable=False),
    Column("owed", Whole, nullable=False),
    Column("journal_head", LargeBinary(26), nullable=False),
    _number("journal_count"),
    _number("block"),
    PrimaryKeyConstraint("participant", "day"),
)
"""Accounts as they were before their first change on a UTC day: where a statement starts."""

default_supply = Table(
    "chain_default_supply",
    metadata,
    Column("supplier", BigInteger, nullable=False),
    Column("operator", BigInteger, nullable=False),
    Column("offered", Boolean, nullable=False),
    PrimaryKeyConstraint("supplier", "operator"),
)

tariffs = Table(
    "chain_tariffs",
    metadata,
    Column("participant", BigInteger, nullable=False),
    Column("role", SmallInteger, nullable=False),
    Column("version", Integer, nullable=False),
    _number("import_standard"),
    _number("import_high"),
    _number("import_low"),
    _number("export_standard"),
    _number("export_high"),
    _number("export_low"),
    _number("session_fee"),
    _number("valid_from"),
    Column("levels", Whole, nullable=False, default=0),
    _number("block"),
    PrimaryKeyConstraint("participant", "role", "version"),
)

meters = Table(
    "chain_meters",
    metadata,
    Column("id", LargeBinary(32), primary_key=True),
    _number("grid_operator"),
    Column("curve", SmallInteger, nullable=False, default=0),
    _hash("x", nullable=True),
    _hash("y", nullable=True),
    _hash("serial", nullable=True),
    _number("block"),
    Index("ix_chain_meters_grid", "grid_operator"),
)
"""`curve` 0: no public key on file."""

stations = Table(
    "chain_stations",
    metadata,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("evse_id", Text, nullable=False),
    _hash("meter"),
    _number("operator"),
    _number("grid_operator"),
    _number("asked_grid_operator"),
    Column("key", String(42), nullable=False),
    Column("former_key", String(42), nullable=False, default=""),
    _number("former_until"),
    _number("max_power"),
    _number("max_feed_in"),
    Column("closed", Boolean, nullable=False, default=False),
    _number("session"),
    Column("session_state", SmallInteger, nullable=False, default=0),
    _number("time"),
    _number("touched"),
    _number("import_register"),
    _number("export_register"),
    _number("sessions"),
    _number("since"),
    Index("ix_chain_stations_operator", "operator"),
    Index("ix_chain_stations_grid", "grid_operator"),
    Index("ix_chain_stations_meter", "meter"),
)
"""`time` and registers are those of the last reading, `touched` when the chain heard of it.
`operator` stays when it is closed."""

vehicles = Table(
    "chain_vehicles",
    metadata,
    Column("id", LargeBinary(32), primary_key=True),
    _number("supplier"),
    _number("from_"),
    _number("next_supplier"),
    _number("next_from"),
    Column("keyed", Boolean, nullable=False, default=False),
    Column("key", String(42), nullable=False, default=NO_KEY),
    _number("key_from"),
    _number("key_since"),
    Column("former_key", String(42), nullable=False, default=NO_KEY),
    _number("station"),
    _number("session"),
    _number("sessions"),
    _number("import_wh"),
    _number("export_wh"),
    _number("last_time"),
    _number("since"),
    Index("ix_chain_vehicles_supplier", "supplier", "id"),
    Index("ix_chain_vehicles_next", "next_supplier", "id"),
)
"""A vehicle that nobody registered has supplier 0 and is here once it was cleared or refused."""

supplies = Table(
    "chain_supplies",
    metadata,
    Column("vehicle", LargeBinary(32), nullable=False),
    Column("from_", BigInteger, nullable=False),
    _number("supplier"),
    _number("block"),
    _number("log"),
    PrimaryKeyConstraint("vehicle", "block", "log"),
)
"""Every supply of a vehicle that was ever agreed: from when, by whom; supplier 0: released."""

offers = Table(
    "chain_offers",
    metadata,
    Column("vehicle", LargeBinary(32), primary_key=True),
    _number("supplier"),
    _number("to"),
    _number("effective"),
    Index("ix_chain_offers_to", "to"),
)
"""Those that are open."""

# --------------------------------------------------------------------------- batches and messages

batches = Table(
    "chain_batches",
    metadata,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    _hash("root"),
    _number("count"),
    _number("block"),
    _number("time"),
    _number("tx_index"),
    _hash("tx_hash"),
    Index("ix_chain_batches_block", "block"),
    Index("ix_chain_batches_time", "time"),
)
"""`time` is the block's."""

messages = Table(
    "chain_messages",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    _number("block"),
    _number("batch"),
    Column("position", Integer, nullable=False),
    Column("kind", SmallInteger, nullable=False),
    _number("station"),
    _number("session"),
    _number("report"),
    _number("time"),
    Column("reason", SmallInteger, nullable=False, default=0),
    _hash("digest"),
    _hash("leaf"),
    Column("body", LargeBinary, nullable=False),
    _hash("vehicle", nullable=True),
    _number("supplier"),
    _number("grid_operator"),
    _number("station_operator"),
    Index("ix_chain_messages_session", "station", "session", "id"),
    Index("ix_chain_messages_digest", "digest"),
    Index("ix_chain_messages_batch", "batch", "position"),
    Index("ix_chain_messages_block", "block"),
    Index("ix_chain_messages_rejected", "id", **_only("reason <> 0")),
)
"""`id` counts from 1 in the chain's order. `kind` 0 malformed, 1 opening, 2 report, 3 an expiry.
`reason` 0: accepted. Parties and vehicle as far as they are known, also of what was rejected."""

# ------------------------------------------------------------------------- sessions, settlements

sessions = Table(
    "chain_sessions",
    metadata,
    Column("station", BigInteger, nullable=False),
    Column("session", BigInteger, nullable=False),
    _hash("vehicle"),
    _number("supplier"),
    _number("grid_operator"),
    _number("station_operator"),
    Column("state", SmallInteger, nullable=False),
    Column("reason", SmallInteger, nullable=False, default=0),
    _number("opened"),
    _number("time"),
    _number("import_start"),
    _number("export_start"),
    _number("import_register"),
    _number("export_register"),
    _number("network_charge"),
    _number("service_fee"),
    _number("feed_in"),
    Column("grid_tariff", Integer, nullable=False, default=0),
    Column("operator_tariff", Integer, nullable=False, default=0),
    _number("supplier_reserve"),
    _number("grid_reserve"),
    _number("held"),
    _number("reports"),
    _number("ended"),
    Column("signed", Boolean, nullable=False, default=False),
    _number("former_supplier"),
    Column("version", Integer, nullable=False, default=1),
    Column("disputed", Boolean, nullable=False, default=False),
    Column("verified", Boolean, nullable=False, default=False),
    _hash("evidence", nullable=True),
    _number("opening"),
    _number("block"),
    PrimaryKeyConstraint("station", "session"),
    Index("ix_chain_sessions_supplier", "supplier", "opened", "station", "session"),
    Index("ix_chain_sessions_grid", "grid_operator", "opened", "station", "session"),
    Index("ix_chain_sessions_operator", "station_operator", "opened", "station", "session"),
    Index("ix_chain_sessions_vehicle", "vehicle", "opened", "station", "session"),
    Index("ix_chain_sessions_opened", "opened", "station", "session"),
    Index(
        "ix_chain_sessions_former",
        "former_supplier",
        "opened",
        "station",
        "session",
        **_only("former_supplier <> 0"),
    ),
    Index("ix_chain_sessions_open", "opened", "station", "session", **_only("state = 1")),
    Index("ix_chain_sessions_corrected", "opened", "station", "session", **_only("version > 1")),
    Index("ix_chain_sessions_disputed", "opened", "station", "session", **_if("disputed")),
    Index("ix_chain_sessions_verified", "opened", "station", "session", **_if("verified")),
)
"""A session per opening that was decided: also those refused. `opened`, `time`: first and last
reading. Charges and registers are those of the present version; `ended`: the time of the block that
ended it, 0 as long as it is open; `held` is the supplier's reserve at present; `opening`
is the message's id; `former_supplier` cleared it, where it changed its supplier on the way."""

settlements = Table(
    "chain_settlements",
    metadata,
    Column("message", BigInteger, nullable=False),
    Column("part", SmallInteger, nullable=False, default=1),
    _number("block"),
    _number("station"),
    _number("session"),
    _number("report"),
    _number("since"),
    _number("time"),
    _number("supplier"),
    _number("grid_operator"),
    _number("station_operator"),
    _number("import_wh"),
    _number("export_wh"),
    _number("network_charge"),
    _number("service_fee"),
    _number("feed_in"),
    Column("last", Boolean, nullable=False),
    _hash("leaf"),
    _number("supplier_entry"),
    _number("grid_entry"),
    _number("operator_entry"),
    PrimaryKeyConstraint("message", "part"),
    Index("ix_chain_settlements_supplier", "supplier", "supplier_entry"),
    Index("ix_chain_settlements_grid", "grid_operator", "grid_entry"),
    Index("ix_chain_settlements_operator", "station_operator", "operator_entry"),
    Index("ix_chain_settlements_session", "station", "session", "report", "part"),
    Index("ix_chain_settlements_block", "block"),
)
"""What a report settled between the readings at `since` and `time`, and its number in the journals
of the three; where two of them are one, the same number."""

# ------------------------------------------------------------------------------------ corrections

versions = Table(
    "chain_versions",
    metadata,
    Column("station", BigInteger, nullable=False),
    Column("session", BigInteger, nullable=False),
    Column("number", Integer, nullable=False),
    _hash("content"),
    Column("body", LargeBinary, nullable=False),
    Column("by_meter", Boolean, nullable=False, default=False),
    _number("block"),
    _number("time"),
    _hash("tx_hash", nullable=True),
    PrimaryKeyConstraint("station", "session", "number"),
)
"""Versions of the sessions that somebody acted on. `body` as the contracts encode it, `content` its
hash; `time` when it came into force. Version 1 is what was settled; its block is not told."""

proposals = Table(
    "chain_proposals",
    metadata,
    Column("content", LargeBinary(32), primary_key=True),
    _number("station"),
    _number("session"),
    Column("version", Integer, nullable=False),
    _number("by"),
    _number("block"),
    _number("time"),
    Column("body", LargeBinary, nullable=False),
    Column("same_registers", Boolean, nullable=False),
    Index("ix_chain_proposals_session", "station", "session", "version"),
    Index("ix_chain_proposals_block", "block", "content"),
)
"""Versions that somebody proposed. One is open as long as its session is one version short of it;
if the meter has spoken, only with its registers."""

consents = Table(
    "chain_consents",
    metadata,
    Column("content", LargeBinary(32), nullable=False),
    Column("participant", BigInteger, nullable=False),
    Column("needed", Boolean, nullable=False, default=False),
    _number("time"),
    _number("block"),
    PrimaryKeyConstraint("content", "participant"),
    Index("ix_chain_consents_missing", "participant", "content", **_only("time = 0")),
)
"""Who agreed to a version, or has to: `time` is the block's, 0 as long as it has not."""

session_suppliers = Table(
    "chain_session_suppliers",
    metadata,
    Column("supplier", BigInteger, nullable=False),
    Column("station", BigInteger, nullable=False),
    Column("session", BigInteger, nullable=False),
    PrimaryKeyConstraint("supplier", "station", "session"),
)
"""All suppliers that a corrected session ever had, in any version; of others those in between, of
which the session's own row tells neither first nor last."""

# ------------------------------------------------------------------------------------------ money

payments = Table(
    "chain_payments",
    metadata,
    Column("participant", BigInteger, nullable=False),
    Column("entry", BigInteger, nullable=False),
    Column("kind", SmallInteger, nullable=False),
    Column("amount", Whole, nullable=False),
    _number("other"),
    _hash("hash"),
    _number("block"),
    _number("time"),
    _number("tx_index"),
    _number("log"),
    _hash("tx_hash"),
    _number("station"),
    _number("session"),
    Column("version", Integer, nullable=False, default=0),
    Column("unpaid", Whole, nullable=False, default=0),
    PrimaryKeyConstraint("participant", "entry"),
    Index("ix_chain_payments_block", "block", "log"),
)
"""Journal entries that no report left: `kind` 1 deposit, 2 withdrawal, 3 collection (by the payer
if `amount` is negative), 4 correction. `unpaid`: what of it was not covered at that moment,
positive where the participant owes it."""

claims = Table(
    "chain_claims",
    metadata,
    Column("block", BigInteger, nullable=False),
    Column("log", BigInteger, nullable=False),
    _number("payer"),
    _number("payee"),
    _number("amount"),
    _number("time"),
    _number("message"),
    Column("part", SmallInteger, nullable=False, default=0),
    _number("station"),
    _number("session"),
    Column("version", Integer, nullable=False, default=1),
    PrimaryKeyConstraint("block", "log"),
    Index("ix_chain_claims_message", "message"),
    Index("ix_chain_claims_session", "station", "session"),
)
"""What of a posting the payer could not cover at that moment: a report's, or a later version's."""

pairs = Table(
    "chain_pairs",
    metadata,
    Column("payer", BigInteger, nullable=False),
    Column("payee", BigInteger, nullable=False),
    Column("amount", Whole, nullable=False, default=0),
    Column("claim", Whole, nullable=False, default=0),
    _number("import_wh"),
    _number("export_wh"),
    PrimaryKeyConstraint("payer", "payee"),
    Index("ix_chain_pairs_payee", "payee"),
)

pair_days = Table(
    "chain_pair_days",
    metadata,
    Column("payer", BigInteger, nullable=False),
    Column("payee", BigInteger, nullable=False),
    Column("day", BigInteger, nullable=False),
    _number("amount"),
    _number("import_wh"),
    _number("export_wh"),
    _number("postings"),
    PrimaryKeyConstraint("payer", "payee", "day"),
    Index("ix_chain_pair_days_payee", "payee", "day"),
    Index("ix_chain_pair_days_payer", "payer", "day"),
)
"""By the UTC day (its first second) of the block that posted."""

# --------------------------------------------------------------------------------- quarter hours

_SUMS = (
    "import_wh",
    "export_wh",
    "network_charge",
    "service_fee",
    "feed_in",
    "fees",
    "service_fees",
    "even_import_wh",
    "even_export_wh",
)
"""`fees`: the session fees within the charges of a final report, counted in the slot that it lies
in; `service_fees`: of them, the station operator's; `even_...`: of the energy, what boundaries say
that are spread evenly (docs/quarter-hours.md)"""

series = Table(
    "chain_series",
    metadata,
    Column("participant", BigInteger, nullable=False),
    Column("role", SmallInteger, nullable=False),
    Column("slot", BigInteger, nullable=False),
    *(_number(name) for name in _SUMS),
    PrimaryKeyConstraint("participant", "role", "slot"),
)
"""A participant's quarter hours in a role, by their start: all that a month's chart needs."""

allocations = Table(
    "chain_allocations",
    metadata,
    Column("grid_operator", BigInteger, nullable=False),
    Column("supplier", BigInteger, nullable=False),
    Column("slot", BigInteger, nullable=False),
    *(_number(name) for name in _SUMS),
    PrimaryKeyConstraint("grid_operator", "supplier", "slot"),
    Index("ix_chain_allocations_supplier", "supplier", "slot"),
)
"""The energy of a slot, per supplier and grid operator."""

acts = Table(
    "chain_acts",
    metadata,
    Column("block", BigInteger, nullable=False),
    Column("log", BigInteger, nullable=False),
    Column("name", String(40), nullable=False),
    _number("time"),
    _hash("tx_hash"),
    _number("station"),
    _number("session"),
    _number("participant"),
    Column("details", Text, nullable=False),
    PrimaryKeyConstraint("block", "log"),
    Index("ix_chain_acts_session", "station", "session", "block", "log"),
    Index("ix_chain_acts_name", "name", "block", "log"),
)
"""What happened to sessions beside messages: expiries, changes of supplier, disputes, corrections
and meters' evidence, also where it was refused, each with its event's fields (JSON)."""

meter_series = Table(
    "chain_meter_series",
    metadata,
    Column("meter", LargeBinary(32), nullable=False),
    Column("slot", BigInteger, nullable=False),
    _number("import_wh"),
    _number("export_wh"),
    PrimaryKeyConstraint("meter", "slot"),
)
"""What a meter counted in a slot, as its grid operator says: the only rows from off the chain.
They stay when the index is rebuilt."""

FACTS = (blocks, account_days, supplies, batches, messages, settlements, payments, claims, acts)
"""Rows of these go with their block."""
REBUILT = tuple(table for table in metadata.sorted_tables if table is not meter_series)
