"""Whether the relay's memory stays level, however much it has carried.

python scripts/bench_memory.py [--messages 1000000]: 400 stations charge and stop, again and again,
100 messages in a request, through one relay on SQLite to a chain of its own. Prints the resident
memory after each tenth, and fails if the last is more than a quarter above the second.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from bench_fleet import GROUP, Fleet, fleet
from bench_relay import STATIONS, deliver

from gridroam.demo.relay_process import RelayProcess
from gridroam.messages import EnergyReport, OpenSession, Signed, sign
from gridroam.relay.client import RelayClient
from gridroam.relay.schemas import message_json

TENTHS = 10
MOST_GROWTH = 1.25


def measure(messages: int) -> bool:
    """Whether it stayed level."""
    with (
        fleet(STATIONS, int(time.time())) as stations,
        tempfile.TemporaryDirectory() as folder,
        RelayProcess(
            stations.anvil.url, stations.ledger.address, stations.anvil.keys[1], Path(folder)
        ) as relay,
        ThreadPoolExecutor(STATIONS // GROUP) as pool,
    ):
        found = []
        for _ in range(TENTHS):
            start = time.monotonic()
            for _ in range(max(1, messages // TENTHS // (2 * STATIONS))):
                list(pool.map(lambda group: deliver(relay.url, _session(stations, group)), _GROUPS))
            _wait_until_settled(relay.url)
            found.append(resident(relay.pid))
            seconds = time.monotonic() - start
            print(f"{found[-1] >> 20:>6} MiB, {seconds:.0f} s for this tenth", flush=True)
    return found[-1] < MOST_GROWTH * found[1]


_GROUPS = [range(first, first + GROUP) for first in range(0, STATIONS, GROUP)]


def _session(stations: Fleet, group: Sequence[int]) -> list[bytes]:
    """The next session of each of these stations, which begins and ends in one moment."""
    pairs = [_moment(stations, number) for number in group]
    return [
        json.dumps({"messages": [message_json(one) for one in batch]}).encode()
        for batch in zip(*pairs, strict=True)
    ]


def _moment(stations: Fleet, number: int) -> tuple[Signed, Signed]:
    charger, car = stations.chargers[number], stations.cars[number].id
    charger.session += 1
    station, reading = charger.station, (charger.clock, charger.imported, charger.exported)
    opening = OpenSession(station.number, charger.session, car, *reading)
    report = EnergyReport(station.number, charger.session, 1, *reading, last=True)
    domain = stations.ledger.domain
    return sign(domain, opening, station.signer), sign(domain, report, station.signer)


def _wait_until_settled(url: str) -> None:
    with RelayClient(url) as client:
        while (status := client.relay()).stored or status.sent:
            time.sleep(0.05)


def resident(process: int) -> int:
    """Bytes of its memory that are in RAM."""
    return int(Path(f"/proc/{process}/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=1_000_000)
    sys.exit(not measure(parser.parse_args().messages))
