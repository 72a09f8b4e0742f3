"""What the lines of statement and receipt say that only a node can tell: roots, keys, times."""

from gridroam.chain.events import BatchRecorded
from gridroam.statements.anchors import Anchors
from gridroam.statements.checks import NOBODY, Checks
from gridroam.statements.faults import Faults


def compare_proofs(checks: Checks, anchors: Anchors, faults: Faults) -> None:
    """Each path must lead to the root of its batch, which stands where the line says."""
    numbers = sorted({proof.batch for proof in checks.proofs})
    roots = anchors.roots(numbers)
    logs = anchors.logs(BatchRecorded, 0, anchors.source.newest(), batch=numbers)
    places = {log.batch: (log.at.block, "0x" + log.at.tx_hash.hex()) for log in logs}
    for proof in checks.proofs:
        if proof.root != roots[proof.batch]:
            faults.add(
                proof.line,
                "its leaf and path do not lead to the root of batch {batch} on chain",
                batch=proof.batch,
            )
        elif places.get(proof.batch) != (proof.block, proof.tx):
            block, tx = places.get(proof.batch, (0, "none"))
            faults.add(
                proof.line,
                "batch {batch} stands in block {block}, transaction {tx}; the line says {told}, "
                "{told_tx}",
                batch=proof.batch,
                block=block,
                tx=tx,
                told=proof.block,
                told_tx=proof.tx,
            )


def compare_signers(checks: Checks, anchors: Anchors, faults: Faults) -> None:
    """The roots prove what the ledger took; these are the keys that a station has or had."""
    stations = sorted({station for station, _ in checks.signers})
    known = anchors.keys(stations)
    for (station, signer), line in checks.signers.items():
        if signer == NOBODY:
            faults.add(line, "nobody signed it")
        elif (station, signer) not in known:
            faults.add(line, "{signer} signed it, no key of the station", signer=signer)


def compare_times(checks: Checks, anchors: Anchors, faults: Faults) -> None:
    """Of what was booked without a message: a message's leaf has its block's time."""
    times = anchors.times(checks.booked)
    for block, (line, booked) in checks.booked.items():
        if times.get(block) != booked:
            faults.add(
                line,
                "booked is {booked}, block {block} on chain is of {time}",
                booked=booked,
                block=block,
                time=times.get(block, "-"),
            )
