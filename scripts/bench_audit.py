"""Sessions per second that the audit derives again, beside what bare signatures would allow.

The chain is real (anvil), its sessions have 12 slots each. The audit's time is the CPU time of all
its processes, which the node's is no part of: sessions per second and core, beyond what the node
takes to answer.
"""

import argparse
import json
import resource
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench_fleet import GROUP, Fleet, fleet
from coincurve import PrivateKey, PublicKey
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from gridroam import audit
from gridroam.audit import source
from gridroam.chain.outgoing import Answer, Fees, Outgoing
from gridroam.chain.signer import LocalSigner
from gridroam.chain.wallet import TX_GAS_LIMIT
from gridroam.errors import ChainError
from gridroam.messages import Signed
from gridroam.processes import cores
from gridroam.signatures import KeyCurve, key_on

SESSIONS = 8_000
TURNS = 40
"""Sessions of one station, one after the other; more would not fit into the backlog limit."""
UNDER_WAY = 8
"""Batches that are sent and not mined."""
FEES = Fees(max_fee=100 * 10**9, tip=10**9)
SIGNATURES = 2
"""Of a session: an opening and a final report."""
BARE = 10_000
ROUNDS = 3
DIGEST = bytes(range(32))

Figures = dict[str, float]


@dataclass(frozen=True)
class Cost:
    """Of one audit: seconds of the clock, seconds of CPU of all its processes, and the largest
    process's memory in bytes."""

    wall: float
    cpu: float
    memory: int


def measure(sessions: int = SESSIONS) -> Figures:
    """Stations with keys on secp256k1, and a quarter as many sessions with keys on P-256."""
    wallet_keys = _measure(sessions, KeyCurve.SECP256K1)
    element_keys = _measure(sessions // 4, KeyCurve.SECP256R1)
    return {"audit.cores": cores()} | {
        f"audit.{name}{value}": figure
        for name, figures in (("", wallet_keys), ("p256.", element_keys))
        for value, figure in figures.items()
    }


def _measure(sessions: int, curve: KeyCurve) -> Figures:
    """Nobody else on the machine holds still: so it is done in rounds, each with bare signatures
    right before and after, and the middle one counts."""
    with fleet(_stations(sessions), int(time.time()), curve) as stations:
        empty = stations.ledger.w3.eth.block_number
        fill(stations, sessions)
        rounds = [_round(stations, empty, sessions, curve) for _ in range(ROUNDS)]
    return {"sessions": sessions} | {
        name: round(statistics.median(one[name] for one in rounds), 2) for name in rounds[0]
    }


def _round(stations: Fleet, empty: int, sessions: int, curve: KeyCurve) -> Figures:
    """The audit up to the block where the market was `empty` is taken off: starting processes has
    nothing to do with size."""
    url, ledger = stations.anvil.url, stations.ledger.address
    bare = [_signatures_per_s(curve)]
    idle = cost_of(lambda: audited(url, ledger, empty))
    full = cost_of(lambda: audited(url, ledger))
    bare.append(_signatures_per_s(curve))
    cpu = full.cpu - idle.cpu
    bound = statistics.mean(bare) / SIGNATURES
    return {
        "sessions_per_s": round(sessions / full.wall),
        "sessions_per_s_and_core": round(sessions / cpu),
        "bare_signatures_sessions_per_s": round(bound),
        "vs_bare_signatures": sessions / cpu / bound,
        "largest_process_mb": round(full.memory / 1e6),
    }


def audited(url: str, ledger: str, block: int | None = None) -> audit.Report:
    """With other processes even where a chain is so short that it would do without."""
    source.FEW = 0
    report = audit.run(audit.open_source(url, ledger), block=block)
    if not report.ok:
        raise ChainError(f"The audit differs: {report.differences[0]}.")
    return report


def cost_of(work: Callable[[], object]) -> Cost:
    """Processes that the work starts must have ended with it."""
    before, start = _cpu(), time.monotonic()
    work()
    wall = time.monotonic() - start
    peak = max(
        resource.getrusage(who).ru_maxrss
        for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    return Cost(wall, _cpu() - before, peak * 1024)


def _cpu() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def _signatures_per_s(curve: KeyCurve) -> float:
    """On one core, by the library alone, the median of five rounds: coincurve's recovery, or
    cryptography's check, which has to be told the key first."""
    one = _recovery() if curve is KeyCurve.SECP256K1 else _check()

    def rate() -> float:
        start = time.process_time()
        for _ in range(BARE // 5):
            one()
        return BARE / 5 / (time.process_time() - start)

    return statistics.median(rate() for _ in range(5))


def _recovery() -> Callable[[], object]:
    signature = PrivateKey(b"\1" * 32).sign_recoverable(DIGEST, hasher=None)
    return lambda: PublicKey.from_signature_and_message(signature, DIGEST, hasher=None)


def _check() -> Callable[[], object]:
    signed = key_on(KeyCurve.SECP256R1, b"\1" * 32).sign(DIGEST)
    r, s, x, y = (int.from_bytes(signed[i : i + 32], "big") for i in range(0, 128, 32))
    signature, scheme = encode_dss_signature(r, s), ec.ECDSA(Prehashed(SHA256()))
    key = ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1())
    return lambda: key.public_key().verify(signature, DIGEST, scheme)


# ---------------------------------------------------------------------------------------- The chain


def _stations(sessions: int) -> int:
    groups = -(-sessions // (TURNS * GROUP))
    return groups * GROUP


def fill(stations: Fleet, sessions: int) -> None:
    """Openings and reports of so many sessions, in batches of 100, all accepted."""
    ledger = stations.ledger
    signer = LocalSigner(stations.anvil.keys[3])
    outgoing = Outgoing(ledger.w3, signer, ledger.address, ledger.domain.chain_id)
    nonce = outgoing.mined_count()
    for batch in _batches(stations, sessions):
        calldata = ledger.submit_calldata([one.pack() for one in batch])
        signed = outgoing.sign(calldata, nonce, TX_GAS_LIMIT, FEES)
        answer, said = outgoing.send(signed.raw)
        if answer is not Answer.TAKEN:
            raise ChainError(f"The node does not take a batch: {said}.")
        nonce += 1
        while outgoing.mined_count() < nonce - UNDER_WAY:
            time.sleep(0.01)
    while outgoing.mined_count() < nonce:
        time.sleep(0.01)


def _batches(stations: Fleet, sessions: int) -> Iterator[list[Signed]]:
    groups = [range(n, n + GROUP) for n in range(0, len(stations.chargers), GROUP)]
    left = sessions
    while left > 0:
        for group in groups:
            some = stations.sessions(group[:left], moving=False)
            left -= len(some)
            if some:
                yield [session.opening for session in some]
                yield [session.report for session in some]


@contextmanager
def chain(sessions: int) -> Iterator[Fleet]:
    """An anvil with so many sessions on it."""
    with fleet(_stations(sessions), int(time.time())) as stations:
        start = time.monotonic()
        fill(stations, sessions)
        print(f"{sessions:,} sessions in {time.monotonic() - start:.0f} s", file=sys.stderr)
        yield stations


def main() -> None:
    """A chain to look at, kept until Enter is pressed; or the figures for another size."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--sessions", type=int, default=SESSIONS)
    parser.add_argument("--keep", type=Path, help="write the chain's address here, and wait")
    options = parser.parse_args()
    if not options.keep:
        print(json.dumps(measure(options.sessions), indent=2))
        return
    with chain(options.sessions) as stations:
        options.keep.write_text(f"{stations.anvil.url} {stations.ledger.address}\n")
        while options.keep.exists():
            time.sleep(1)


if __name__ == "__main__":
    main()
