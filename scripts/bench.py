"""The benchmark: gas per message and messages per second, on a chain of its own (anvil).

scripts/bench [gas | relay | index | audit] [--json]; without a part all. With --json stdout is
one JSON object.
What the figures mean stands in docs/benchmarks.md.
"""

import argparse
import json
import sys
from collections.abc import Callable, Mapping
from typing import Any

import bench_audit
import bench_gas
import bench_index
import bench_relay

from gridroam.errors import GridroamError

Figures = Mapping[str, float]

PARTS: dict[str, Callable[[], Figures]] = {
    "gas": bench_gas.measure,
    "relay": bench_relay.measure,
    "index": bench_index.measure,
    "audit": bench_audit.measure,
}


def show_gas(figures: Figures) -> None:
    print(f"{'gas per message':24}{'opening':>12}{'final report':>16}{'session':>12}")
    for size in (1, 10, 100, 500):
        kinds = ("open", "report_final_12_slots", "session")
        opening, report, session = (figures[f"gas.batch_{size}.{kind}"] for kind in kinds)
        print(f"{f'batches of {size}':24}{opening:>12,}{report:>16,}{session:>12,}")
    openings, reports = (
        figures[f"gas.batch_500.{kind}_that_fit"] for kind in ("openings", "reports")
    )
    if min(openings, reports) < 500:
        print(f"500 do not fit into a transaction: it was {openings} openings, {reports} reports.")
    print(f"registering a vehicle, 100 at once: {figures['gas.vehicle_registration']:,}\n")


def show_relay(figures: Figures) -> None:
    relay = {name.removeprefix("relay."): value for name, value in figures.items()}
    rows = {
        "through the relay, 100 per request": relay["messages_per_s"],
        "through the relay, 1 per request": relay["messages_per_s_one_per_request"],
        "plain web3.py loop": relay["plain_loop_messages_per_s"],
        "the chain's ceiling, the same batches": relay["chain_ceiling_messages_per_s"],
    }
    print(f"{'messages per second':40}")
    for name, value in rows.items():
        print(f"{name:40}{value:>12,.1f}")
    print(f"{'the relay / the plain loop':40}{relay['vs_plain_loop']:>12}")
    print(f"{'the relay / the ceiling':40}{relay['vs_chain_ceiling']:>12}")
    for name, kind in ("mined at once", ""), ("blocks of 1 s", "blocks_of_1_s."):
        median, p99 = relay[f"{kind}clearing_median_ms"], relay[f"{kind}clearing_p99_ms"]
        pace = f"clearing at {relay['clearings_per_s']} per second, {name}"
        print(f"{pace}: median {median} ms, p99 {p99} ms")
    for name, kind in ("100 per request", ""), ("1 per request", "_one_per_request"):
        print(
            f"accepted and durable, {name}: {relay[f'accepted_per_s{kind}']:,.1f} per second, ",
            end="",
        )
        print(f"{relay[f'vs_bare_endpoint{kind}']} of an endpoint that only parses")
    print()


def show_index(figures: Figures) -> None:
    index = {name.removeprefix("index."): value for name, value in figures.items()}
    print(f"an index of {index['sessions']:,} sessions and {index['slots']:,} slots of a supplier")
    for name, value in index.items():
        if name.endswith(("_ms", "_per_s")):
            print(f"{name.replace('_', ' '):44}{value:>12,}")
    print()


def show_audit(figures: Figures) -> None:
    print(f"{'sessions per second, audited':40}{'secp256k1':>12}{'P-256':>12}")
    rows = {
        "per core, beyond what the node takes": "sessions_per_s_and_core",
        "what bare signatures would allow": "bare_signatures_sessions_per_s",
        "the audit / bare signatures": "vs_bare_signatures",
        "by the clock, the node included": "sessions_per_s",
    }
    for name, key in rows.items():
        print(f"{name:40}{figures[f'audit.{key}']:>12,}{figures[f'audit.p256.{key}']:>12,}")
    print(f"the largest process took {figures['audit.largest_process_mb']} MB\n")


SHOW: dict[str, Callable[[Figures], None]] = {
    "gas": show_gas,
    "relay": show_relay,
    "index": show_index,
    "audit": show_audit,
}


def nested(figures: Figures) -> dict[str, Any]:
    """`gas.batch_100.open` as an object in an object, as the demo prints its figures."""
    tree: dict[str, Any] = {}
    for name, value in figures.items():
        *rooms, last = name.split(".")
        place = tree
        for room in rooms:
            place = place.setdefault(room, {})
        place[last] = value
    return tree


def main() -> None:
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    parser.add_argument("part", nargs="?", choices=list(PARTS), help="without one, all")
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")
    options = parser.parse_args()
    found: dict[str, float] = {}
    for part in [options.part] if options.part else PARTS:
        figures = PARTS[part]()
        found |= figures
        if not options.json:
            SHOW[part](figures)
    if options.json:
        print(json.dumps(nested(found), indent=2))


if __name__ == "__main__":
    try:
        main()
    except GridroamError as error:
        sys.exit(f"bench: {error}")
