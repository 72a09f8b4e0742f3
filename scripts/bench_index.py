"""How quickly the index answers about a large supplier's year, and how quickly it reads a chain.

The year's rows are made up, but whole: every session has its opening and its report of ten quarter
hours, all of one supplier, spread over a year, 20 grid operators, 50 station operators and 20,000
stations. The size is an option:

    scripts/bench index                                    200,000 sessions, 2,000,000 slots
    python scripts/bench_index.py --sessions 10000000      a hundred million slots: takes its time
    python scripts/bench_index.py --sessions 10000000 --db postgresql+psycopg://...
"""

import argparse
import json
import sqlite3
import statistics
import struct
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from bench_fleet import fleet
from sqlalchemy import Table, insert
from sqlalchemy.schema import CreateIndex, DropIndex

from gridroam.audit.source import NodeSource
from gridroam.chain.wallet import TX_GAS_LIMIT, Wallet
from gridroam.domain.participants import Role
from gridroam.index.follower import Follower
from gridroam.index.queries import Index, Snapshot, Wanted
from gridroam.index.records import Step
from gridroam.store import index_schema as schema

Figures = dict[str, float]

START = 1_767_225_600  # 2026-01-01
YEAR, MONTH, SLOT = 365 * 86_400, 30 * 86_400, 900
SLOTS, SLOT_WH, EXPORT_WH = 10, 2_500, 1_000
SUPPLIER, GRIDS, OPERATORS = 1, range(11, 31), range(31, 81)
STATIONS, VEHICLES, BATCH = 20_000, 400_000, 100
PRICE, FEED_IN, SERVICE, FEE = 80_000, 60_000, 50_000, 350_000_000
_PIECE = 20_000


def measure(sessions: int = 200_000, where: str | None = None) -> Figures:
    """With the index in a file of its own, or in a database that is empty."""
    figures: Figures = {"index.sessions": sessions, "index.slots": sessions * SLOTS}
    with tempfile.TemporaryDirectory() as folder:
        database = where or str(Path(folder) / "index.db")
        began = time.perf_counter()
        index = Index.open(database)
        fill(index, sessions)
        figures["index.fill_s"] = round(time.perf_counter() - began, 1)
        if where is None:
            figures["index.bytes_per_session"] = round(Path(database).stat().st_size / sessions)
        figures |= {f"index.{name}": ms for name, ms in _answers(index).items()}
        index.close()
    return figures | _reading()


# ----------------------------------------------------------------------------------------- answers


def _answers(index: Index) -> Figures:
    month = START + 6 * MONTH
    supplier, grid = Wanted(supplier=SUPPLIER), GRIDS[3]
    questions: dict[str, Callable[[Snapshot], Any]] = {
        "month_series": lambda s: s.series(SUPPLIER, Role.SUPPLIER, month, month + MONTH),
        "month_series_of_grid": lambda s: s.series(grid, Role.GRID_OPERATOR, month, month + MONTH),
        "month_allocation": lambda s: s.allocations(month, month + MONTH, grid_operator=grid),
        "year_by_day": lambda s: s.series(SUPPLIER, Role.SUPPLIER, START, START + YEAR, Step.DAY),
        "month_totals": lambda s: s.totals(SUPPLIER, Role.SUPPLIER, month, month + MONTH),
        "month_posted": lambda s: s.posted(SUPPLIER, month, month + MONTH),
        "newest_sessions": lambda s: s.sessions(supplier, limit=50),
        "sessions_fed_back": lambda s: s.sessions(Wanted(supplier=SUPPLIER, fed_back=True)),
        "sessions_of_station": lambda s: s.sessions(Wanted(station=4_711)),
        "sessions_by_text": lambda s: s.sessions(Wanted(supplier=SUPPLIER, text="E4711")),
        "sessions_of_vehicle": lambda s: s.sessions(Wanted(vehicle=_vehicle(4_711))),
        "sessions_disputed": lambda s: s.sessions(Wanted(supplier=SUPPLIER, disputed=True)),
        "sessions_of_day": lambda s: s.sessions(Wanted(since=month, until=month + 86_400)),
        "day_counts": lambda s: s.counts(
            Wanted(supplier=SUPPLIER, since=month, until=month + 86_400)
        ),
        "story": lambda s: s.story(4_711, 1),
        "journal_page": lambda s: s.journal(SUPPLIER),
    }
    figures: Figures = {}
    for name, ask in questions.items():
        figures[f"{name}_ms"], figures[f"{name}_cpu_ms"] = _medians_ms(index, ask)
    return figures


def _medians_ms(index: Index, ask: Callable[[Snapshot], Any]) -> tuple[float, float]:
    """By the clock, and of this process's processor: with a file that is all the work."""
    times, works = [], []
    for _ in range(7):
        began, worked = time.perf_counter(), time.process_time()
        with index.snapshot() as now:
            ask(now)
        times.append((time.perf_counter() - began) * 1_000)
        works.append((time.process_time() - worked) * 1_000)
    return round(statistics.median(times), 1), round(statistics.median(works), 1)


def _reading(sessions: int = 600) -> Figures:
    """From an anvil that has them, logs trusted and proven; messages per second."""
    figures: Figures = {}
    with fleet(100, int(time.time())) as market, tempfile.TemporaryDirectory() as folder:
        sender = Wallet(market.anvil.w3, market.anvil.admin)
        for _ in range(sessions // 100):
            some = market.sessions(range(100), moving=False)
            for signed in ([s.opening for s in some], [s.report for s in some]):
                data = market.ledger.submit_calldata([one.pack() for one in signed])
                sender.wait([sender.post(market.ledger.address, data, gas=TX_GAS_LIMIT)])
        for name, depth in (("old_blocks", 0), ("newest_blocks", 10_000)):
            index = Index.open(str(Path(folder) / f"{name}.db"))
            began = time.perf_counter()
            Follower(index, NodeSource(market.ledger), depth).catch_up()
            took = time.perf_counter() - began
            figures[f"index.reads_{name}_messages_per_s"] = round(2 * sessions / took)
            index.close()
    return figures


# ------------------------------------------------------------------------------------ a year's rows


def fill(index: Index, sessions: int) -> None:
    """The rows as the projection would make them, as far as the questions need."""
    _few(index)
    with _Loader(index) as load:
        for table, rows in _many(sessions):
            load(table, rows)
        for table, rows in _sums(sessions):
            load(table, rows)
        load(schema.pair_days, _days(sessions))


def _few(index: Index) -> None:
    numbers = (SUPPLIER, *GRIDS, *OPERATORS)
    companies = [
        {"number": n, "account": f"0x{n:040x}", "roles": _role(n), "market_code": str(n)}
        for n in numbers
    ]
    tariffs = [
        {"participant": n, "role": _role(n), "version": 1, "import_standard": PRICE}
        for n in (*GRIDS, *OPERATORS)
    ]
    stations = [
        {
            "number": n,
            "evse_id": f"DE*GRM*E{n}",
            "meter": n.to_bytes(32, "big"),
            "operator": OPERATORS[n % len(OPERATORS)],
            "grid_operator": GRIDS[n % len(GRIDS)],
            "key": f"0x{n:040x}",
            "max_power": 22_000,
        }
        for n in range(1, STATIONS + 1)
    ]
    cursor = {
        "id": 1,
        "version": schema.VERSION,
        "chain_id": 1,
        "ledger": f"0x{1:040x}",
        "first_block": 0,
        "block": 1,
        "block_hash": bytes(32),
        "head": 1,
    }
    with index.store.write() as connection:
        for table, rows in (
            (schema.participants, companies),
            (schema.tariffs, tariffs),
            (schema.stations, stations),
            (schema.cursor, [cursor]),
        ):
            connection.execute(insert(table), rows)


def _role(number: int) -> int:
    if number == SUPPLIER:
        return int(Role.SUPPLIER)
    return int(Role.GRID_OPERATOR if number in GRIDS else Role.STATION_OPERATOR)


def _many(sessions: int) -> Iterator[tuple[Table, list[dict[str, Any]]]]:
    """A piece of each table at a time."""
    numbers = iter(range(sessions))
    while some := list(islice(numbers, _PIECE)):
        made = [_Session(number, sessions) for number in some]
        yield schema.sessions, [one.session() for one in made]
        yield schema.messages, [row for one in made for row in one.messages()]
        yield schema.settlements, [one.settlement() for one in made]
        batches = range(2 * some[0] // BATCH, 2 * (some[-1] + 1) // BATCH + 1)
        if some[0] % _PIECE == 0:
            yield schema.batches, [_batch(number, sessions) for number in batches[:-1]]
    yield schema.batches, [_batch(2 * sessions // BATCH + 1, sessions)]


def _batch(number: int, sessions: int) -> dict[str, Any]:
    time_ = START + number * BATCH // 2 * YEAR // sessions
    return {"number": number, "root": bytes(32), "count": BATCH, "block": number, "time": time_} | {
        "tx_index": 0,
        "tx_hash": number.to_bytes(32, "big"),
    }


def _vehicle(number: int) -> bytes:
    return number.to_bytes(32, "little")


class _Session:
    def __init__(self, number: int, sessions: int) -> None:
        self.number = number
        self.station = number % STATIONS + 1
        self.count = number // STATIONS + 1
        self.opened = START + number * YEAR // sessions // SLOT * SLOT
        self.end = self.opened + SLOTS * SLOT
        self.exported = EXPORT_WH if number % 5 == 0 else 0
        self.parties = {
            "supplier": SUPPLIER,
            "grid_operator": GRIDS[self.station % len(GRIDS)],
            "station_operator": OPERATORS[self.station % len(OPERATORS)],
        }
        self.start = self.count * SLOTS * SLOT_WH, self.count * EXPORT_WH

    def amounts(self) -> dict[str, int]:
        taken = SLOTS * SLOT_WH
        return {
            "network_charge": taken * PRICE,
            "service_fee": taken * SERVICE + FEE,
            "feed_in": self.exported * FEED_IN,
        }

    def names(self) -> dict[str, int]:
        return {"station": self.station, "session": self.count}

    def session(self) -> dict[str, Any]:
        return {
            **self.names(),
            **self.parties,
            **self.amounts(),
            "vehicle": _vehicle(self.number % VEHICLES),
            "state": 2,
            "opened": self.opened,
            "time": self.end,
            "import_start": self.start[0],
            "export_start": self.start[1],
            "import_register": self.start[0] + SLOTS * SLOT_WH,
            "export_register": self.start[1] + self.exported,
            "grid_tariff": 1,
            "operator_tariff": 1,
            "reports": 1,
            "opening": 2 * self.number + 1,
            "block": 2 * self.number // BATCH,
        }

    def messages(self) -> Iterator[dict[str, Any]]:
        first = 2 * self.number
        shared = {**self.names(), **self.parties, "vehicle": _vehicle(self.number % VEHICLES)}
        place = {"batch": first // BATCH, "block": first // BATCH}
        yield {
            **shared,
            **place,
            "id": first + 1,
            "position": first % BATCH,
            "kind": 1,
            "report": 0,
            "time": self.opened,
            "digest": _digest(first),
            "leaf": _digest(first),
            "body": self._opening(),
        }
        yield {
            **shared,
            **place,
            "id": first + 2,
            "position": first % BATCH + 1,
            "kind": 2,
            "report": 1,
            "time": self.end,
            "digest": _digest(first + 1),
            "leaf": _digest(first + 1),
            "body": self._report(),
        }

    def settlement(self) -> dict[str, Any]:
        return {
            **self.names(),
            **self.parties,
            **self.amounts(),
            "message": 2 * self.number + 2,
            "part": 1,
            "block": 2 * self.number // BATCH,
            "report": 1,
            "since": self.opened,
            "time": self.end,
            "last": True,
            "import_wh": SLOTS * SLOT_WH,
            "export_wh": self.exported,
            "leaf": _digest(2 * self.number + 1),
            "supplier_entry": self.number + 1,
            "grid_entry": self.number + 1,
            "operator_entry": self.number + 1,
        }

    def _opening(self) -> bytes:
        return (
            struct.pack(">BII", 1, self.station, self.count)
            + _reading_bytes(self.opened, *self.start)
            + _vehicle(self.number % VEHICLES)
            + bytes(65)
        )

    def _report(self) -> bytes:
        imported, exported = self.start
        ends = imported + SLOTS * SLOT_WH, exported + self.exported
        between = b"".join(
            (imported + n * SLOT_WH).to_bytes(6, "big")
            + (exported + n * self.exported // SLOTS).to_bytes(6, "big")
            for n in range(1, SLOTS)
        )
        return (
            struct.pack(">BIII", 2, self.station, self.count, 1)
            + _reading_bytes(self.end, *ends)
            + bytes([1])
            + bytes(32)
            + between
            + bytes(65)
        )


def _reading_bytes(time_: int, imported: int, exported: int) -> bytes:
    return time_.to_bytes(5, "big") + imported.to_bytes(6, "big") + exported.to_bytes(6, "big")


def _digest(number: int) -> bytes:
    # spread like hashes are, so that an index on them is as it would be
    return (number * 0x9E3779B97F4A7C15 % (1 << 64)).to_bytes(8, "big") + bytes(24)


def _sums(sessions: int) -> Iterator[tuple[Table, list[dict[str, Any]]]]:
    """The sums that the projection would have kept."""
    count = YEAR // SLOT + 2 * SLOTS + 2
    energy: defaultdict[tuple[str, int, int], list[int]] = defaultdict(lambda: [0] * count)
    exports: defaultdict[tuple[str, int, int], list[int]] = defaultdict(lambda: [0] * count)
    for number in range(sessions):
        one = _Session(number, sessions)
        grid, operator = one.parties["grid_operator"], one.parties["station_operator"]
        slot = (one.opened - START) // SLOT
        for key in (("s", SUPPLIER, 1), ("s", grid, 2), ("s", operator, 4), ("a", grid, SUPPLIER)):
            steps = energy[key]
            steps[slot] += SLOT_WH
            steps[slot + SLOTS] -= SLOT_WH
            if one.exported:
                exports[key][slot] += one.exported
    for (kind, first, second), steps in energy.items():
        table = schema.series if kind == "s" else schema.allocations
        names = [column.name for column in table.primary_key]
        rows, now = [], 0
        given = exports[kind, first, second]
        for slot, (step, exported) in enumerate(zip(steps, given, strict=True)):
            now += step
            if now or exported:
                place = dict(zip(names, (first, second, START + slot * SLOT), strict=True))
                sums = {"import_wh": now, "export_wh": exported, "network_charge": now * PRICE}
                rows.append(place | sums | {"service_fee": now * SERVICE})
        yield table, rows


def _days(sessions: int) -> list[dict[str, Any]]:
    a_day = sessions // 365
    return [
        {"payer": SUPPLIER, "payee": payee, "day": START + day * 86_400, "amount": a_day * PRICE}
        | {"import_wh": a_day, "postings": a_day}
        for payee in (*GRIDS, *OPERATORS)
        for day in range(365)
    ]


class _Loader:
    """Rows in the quickest way there is, and indexes when they are all there."""

    def __init__(self, index: Index) -> None:
        self._engine = index.store.engine
        self._indexes = [
            one
            for table in (schema.sessions, schema.messages, schema.settlements)
            for one in table.indexes
        ]

    def __enter__(self) -> Callable[[Table, Sequence[dict[str, Any]]], None]:
        with self._engine.begin() as connection:
            for one in self._indexes:
                connection.execute(DropIndex(one, if_exists=True))
        self._raw = self._engine.raw_connection()
        return self._load

    def __exit__(self, *_: object) -> None:
        self._raw.commit()
        self._raw.close()
        with self._engine.begin() as connection:
            for one in self._indexes:
                connection.execute(CreateIndex(one))
            if self._engine.dialect.name != "sqlite":
                connection.exec_driver_sql("ANALYZE")

    def _load(self, table: Table, rows: Sequence[dict[str, Any]]) -> None:
        names = [column.name for column in table.columns]
        defaults = [None if c.default is None else c.default.arg for c in table.columns]  # type: ignore[attr-defined]
        values: Iterable[tuple[Any, ...]] = (
            tuple(row.get(name, default) for name, default in zip(names, defaults, strict=True))
            for row in rows
        )
        driver: Any = self._raw.driver_connection
        if isinstance(driver, sqlite3.Connection):
            marks = ", ".join("?" * len(names))
            columns = ", ".join(f'"{name}"' for name in names)
            driver.execute("BEGIN")
            driver.executemany(f"INSERT INTO {table.name} ({columns}) VALUES ({marks})", values)
            driver.execute("COMMIT")
            return
        columns = ", ".join(f'"{name}"' for name in names)
        with (
            driver.cursor() as cursor,
            cursor.copy(f"COPY {table.name} ({columns}) FROM STDIN") as copy,
        ):
            for value in values:
                copy.write_row(value)
        driver.commit()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sessions", type=int, default=200_000)
    parser.add_argument("--db", help="a file or a database URL, empty")
    options = parser.parse_args()
    print(json.dumps(measure(options.sessions, options.db), indent=2))


if __name__ == "__main__":
    main()
