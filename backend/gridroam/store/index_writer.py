"""Writing the index: rows read once, changed in memory, and written with the cursor in one
transaction; and taking blocks back.

A handler never says SQL: it looks rows up, changes them, adds facts and sums. Before the newest
blocks change a row, its image is kept, so that undoing needs no handler of its own.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Table, delete, insert, select, tuple_, update
from sqlalchemy.dialects import postgresql, sqlite

from gridroam.errors import StoreError
from gridroam.store import index_schema as schema

Key = tuple[Any, ...]
Row = dict[str, Any]

_CACHED = 300_000
"""Rows that are kept in memory; a page of the chain brings some ten thousand."""
_AT_ONCE = 400
"""Keys in one question."""


@dataclass(frozen=True, slots=True)
class Cursor:
    """Up to which block the rows are, and how many messages that are."""

    block: int
    block_hash: bytes
    block_time: int
    messages: int


class OvertakenError(StoreError):
    """Another process moved the cursor: what is in memory is old."""

    code = "overtaken"


@dataclass(slots=True)
class Rows:
    """What one transaction is going to write. Not safe to use in several threads."""

    _known: dict[tuple[str, Key], Row | None] = field(default_factory=dict)
    _before: dict[tuple[str, Key], Row | None] = field(default_factory=dict)
    _facts: dict[str, list[Row]] = field(default_factory=lambda: defaultdict(list))
    _sums: dict[tuple[str, Key], dict[str, int]] = field(default_factory=dict)
    _connection: Connection | None = None

    # --------------------------------------------------------------------------------- for handlers

    def look(self, table: Table, *key: Any) -> Mapping[str, Any] | None:
        """A row as it is now; not to be changed."""
        place = (table.name, key)
        if place not in self._known:
            self._known[place] = self._read(table, key)
        return self._known[place]

    def change(self, table: Table, *key: Any, **new: Any) -> Row:
        """A row to be changed. If there is none, one of `new` values and defaults is made."""
        place = (table.name, key)
        self.look(table, *key)
        row = self._known[place]
        if place not in self._before:
            self._before[place] = None if row is None else dict(row)
        if row is None:
            row = _made(table, key, new)
            self._known[place] = row
        return row

    def remove(self, table: Table, *key: Any) -> None:
        place = (table.name, key)
        row = self.look(table, *key)
        if row is not None:
            self._before.setdefault(place, dict(row))
            self._known[place] = None

    def add(self, table: Table, **values: Any) -> None:
        """A fact: it never changes, and goes with its block."""
        self._facts[table.name].append(values)

    def sum(self, table: Table, *key: Any, **amounts: int) -> None:
        """Adds to the numbers of a row, which is made if there is none."""
        sums = self._sums.setdefault((table.name, key), defaultdict(int))
        for name, amount in amounts.items():
            sums[name] += amount

    def stored(self) -> Connection:
        """For a question that no key answers: all facts so far are written. Rows that change are
        not; ask for those by their key."""
        self._write_facts()
        self._facts.clear()
        return self._asking

    # ----------------------------------------------------------------------------- for the follower

    def begin(self, connection: Connection) -> None:
        """Everything until `flush` happens within this transaction."""
        self._connection = connection

    def flush(self, block: int | None) -> None:
        """Writes everything; keeps images of what changed if `block` may be taken back."""
        self._load_sums()
        for (name, key), sums in self._sums.items():
            row = self.change(schema.metadata.tables[name], *key)
            for column, amount in sums.items():
                row[column] += amount
        self._write_facts()
        self._write_changes()
        if block is not None:
            self._write_undo(block)
        self._facts.clear()
        self._sums.clear()
        self._before.clear()
        if len(self._known) > _CACHED:
            self._known.clear()

    def forget(self) -> None:
        """What is in memory, for the database has something else."""
        for kept in (self._known, self._before, self._facts, self._sums):
            kept.clear()

    # ------------------------------------------------------------------------------------- internal

    def _read(self, table: Table, key: Key) -> Row | None:
        query = select(table).where(
            *(column == value for column, value in zip(table.primary_key, key, strict=True))
        )
        found = self._asking.execute(query).one_or_none()
        return dict(found._mapping) if found else None  # noqa: SLF001  the public way to a mapping

    def _load_sums(self) -> None:
        """All rows that are added to, in few questions."""
        missing: dict[str, list[Key]] = defaultdict(list)
        for name, key in self._sums:
            if (name, key) not in self._known:
                missing[name].append(key)
        for name, keys in missing.items():
            table = schema.metadata.tables[name]
            columns = tuple(table.primary_key)
            for start in range(0, len(keys), _AT_ONCE):
                some = keys[start : start + _AT_ONCE]
                query = select(table).where(tuple_(*columns).in_(some))
                self._known |= {(name, key): None for key in some}
                for row in self._asking.execute(query).mappings():
                    self._known[name, tuple(row[c.name] for c in columns)] = dict(row)

    @property
    def _asking(self) -> Connection:
        if self._connection is None:
            raise RuntimeError("no transaction has begun")
        return self._connection

    def _write_facts(self) -> None:
        for name, values in self._facts.items():
            table = schema.metadata.tables[name]
            made = [_made(table, (), value) for value in values]
            self._asking.execute(insert(table), made)

    def _write_changes(self) -> None:
        changed: dict[str, list[Row]] = defaultdict(list)
        for place in self._before:
            row = self._known[place]
            if row is None:
                _delete(self._asking, schema.metadata.tables[place[0]], place[1])
            else:
                changed[place[0]].append(row)
        for name, rows in changed.items():
            put(self._asking, schema.metadata.tables[name], rows)

    def _write_undo(self, block: int) -> None:
        images = [
            {
                "block": block,
                "place": place,
                "name": name,
                "key": _text(key),
                "before": None if before is None else _text(before),
            }
            for place, ((name, key), before) in enumerate(self._before.items())
        ]
        if images:
            self._asking.execute(insert(schema.undo), images)


def put(connection: Connection, table: Table, rows: Sequence[Row]) -> None:
    """Inserts rows, or replaces those with the same key."""
    dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
    statement = dialect.insert(table)
    keys = [column.name for column in table.primary_key]
    others = {c.name: statement.excluded[c.name] for c in table.c if c.name not in keys}
    if others:
        whole = statement.on_conflict_do_update(index_elements=keys, set_=others)
    else:
        whole = statement.on_conflict_do_nothing(index_elements=keys)
    connection.execute(whole, rows)


# -------------------------------------------------------------------------------------- the cursor


def read_cursor(connection: Connection) -> Cursor | None:
    c = schema.cursor.c
    query = select(c.block, c.block_hash, c.block_time, c.messages)
    row = connection.execute(query).one_or_none()
    return Cursor(*row) if row else None


def home(connection: Connection) -> tuple[int, str] | None:
    """The chain and ledger that the rows are of."""
    row = connection.execute(select(schema.cursor.c.chain_id, schema.cursor.c.ledger)).one_or_none()
    return (row[0], row[1]) if row else None


def make_cursor(
    connection: Connection, home: tuple[int, str], window: int, at: Cursor, head: Row
) -> None:
    """`home`: chain and ledger."""
    values = {
        "id": 1,
        "version": schema.VERSION,
        "chain_id": home[0],
        "ledger": home[1],
        "window": window,
        "first_block": at.block + 1,
        **_place(at),
        **head,
    }
    connection.execute(insert(schema.cursor).values(values))
    keep_block(connection, at)


def move_cursor(connection: Connection, before: Cursor, after: Cursor, head: Row) -> None:
    """Raises `OvertakenError` if it is not where it was left."""
    c = schema.cursor.c
    moved = connection.execute(
        update(schema.cursor)
        .where(c.block == before.block, c.block_hash == before.block_hash)
        .values(**_place(after), **head)
    )
    if moved.rowcount != 1:
        raise OvertakenError("Another process writes this index.", "Let one of them do it.")


def _place(at: Cursor) -> Row:
    return {
        "block": at.block,
        "block_hash": at.block_hash,
        "block_time": at.block_time,
        "messages": at.messages,
    }


def keep_block(connection: Connection, at: Cursor) -> None:
    """So that it is known again."""
    row = {"number": at.block, "hash": at.block_hash, "time": at.block_time, "block": at.block}
    put(connection, schema.blocks, [row])


def kept_blocks(connection: Connection) -> list[tuple[int, bytes, int]]:
    """Number, hash and time; the newest first. To each of them the index can go back."""
    c = schema.blocks.c
    query = select(c.number, c.hash, c.time).order_by(c.number.desc())
    return [(row[0], row[1], row[2]) for row in connection.execute(query)]


def forget_undo(connection: Connection, before: int) -> None:
    """Blocks up to `before` do not vanish any more: the newest of them stays as the last to which
    one can go back."""
    c = schema.blocks.c
    floor = connection.execute(
        select(c.number).where(c.number <= before).order_by(c.number.desc()).limit(1)
    ).scalar_one_or_none()
    if floor is not None:
        connection.execute(delete(schema.blocks).where(c.number < floor))
        connection.execute(delete(schema.undo).where(schema.undo.c.block <= floor))


def roll_back(connection: Connection, to: int) -> Cursor:
    """Takes everything back that blocks after `to`, one of `kept_blocks`, brought."""
    u = schema.undo.c
    query = select(u.name, u.key, u.before).where(u.block > to)
    for name, key, before in connection.execute(query.order_by(u.block.desc(), u.place.desc())):
        table = schema.metadata.tables[name]
        if before is None:
            _delete(connection, table, tuple(_value(key)))
        else:
            put(connection, table, [_value(before)])
    connection.execute(delete(schema.undo).where(u.block > to))
    for table in schema.FACTS:
        connection.execute(delete(table).where(table.c.block > to))
    b, m = schema.blocks.c, schema.messages.c
    number, hash_, time = connection.execute(
        select(b.number, b.hash, b.time).where(b.number == to)
    ).one()
    last = connection.execute(select(m.id).order_by(m.id.desc()).limit(1)).scalar_one_or_none()
    return Cursor(number, hash_, time, last or 0)


# ---------------------------------------------------------------------------------------- internal


def _made(table: Table, key: Key, values: Mapping[str, Any]) -> Row:
    """A whole row: key, given values, defaults."""
    row: Row = dict(zip((column.name for column in table.primary_key), key, strict=False))
    row |= values
    for column in table.columns:
        if column.name not in row:
            default: Any = column.default
            row[column.name] = None if default is None else default.arg
    return row


def _delete(connection: Connection, table: Table, key: Key) -> None:
    columns: Iterable[Any] = table.primary_key
    connection.execute(
        delete(table).where(*(c == value for c, value in zip(columns, key, strict=True)))
    )


def _text(value: Any) -> str:
    return json.dumps(value, default=lambda raw: {"hex": bytes(raw).hex()})


def _value(text: str) -> Any:
    return json.loads(text, object_hook=_unhex)


def _unhex(value: dict[str, Any]) -> Any:
    return bytes.fromhex(value["hex"]) if set(value) == {"hex"} else value
