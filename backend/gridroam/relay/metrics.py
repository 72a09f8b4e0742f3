"""What the relay counts and measures, in Prometheus' terms: its metrics, and one small function for
each thing that happens. Whoever does the thing calls the function; nobody else names a metric. The
HTTP service's are in `gridroam.http.metrics`; the dashboard in `gridroam/ops` reads both.

Amounts of money are floats here and only here: a gauge is for the eye, never for the books.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter

from prometheus_client import Counter, Gauge, Histogram

from gridroam.http.metrics import registry
from gridroam.relay.durations import Durations

_GWEI = 1e9

# ---------------------------------------------------------------------------------------- Messages

_accepted = Counter(
    "gridroam_messages_accepted",
    "Messages durably stored for the ledger.",
    ["kind"],
    registry=registry,
)
_refused = Counter(
    "gridroam_messages_refused",
    "Messages that were not taken, by the problem's code.",
    ["code"],
    registry=registry,
)
_decided = Counter(
    "gridroam_messages_decided",
    "Messages that the ledger cleared, settled or rejected, in blocks seen by this relay.",
    ["status"],
    registry=registry,
)
_rejected = Counter(
    "gridroam_messages_rejected",
    "Messages that the ledger rejected, by its reason.",
    ["reason"],
    registry=registry,
)
_message_seconds = Durations(
    "gridroam_message_seconds",
    "From a message's being stored until its batch is mined, or final.",
    "step",
    buckets=(0.1, 0.25, 0.5, 1, 2, 3, 5, 8, 13, 20, 30, 60, 120, 300, 900, 3600),
    registry=registry,
)
_outbox_messages = Gauge(
    "gridroam_outbox_messages",
    "Messages in the outbox: stored in no transaction yet, or sent and not mined.",
    ["state"],
    registry=registry,
)
_outbox_age = Gauge(
    "gridroam_outbox_oldest_seconds",
    "Age of the message that waits longest in the outbox.",
    registry=registry,
)

_judging = Gauge(
    "gridroam_judging_messages", "Messages between their request and the outbox.", registry=registry
)


def message_accepted(*, opening: bool, number: int = 1) -> None:
    _accepted.labels("opening" if opening else "report").inc(number)


def judging(change: int) -> None:
    _judging.inc(change)


def message_refused(code: str, number: int = 1) -> None:
    """`code` is the problem's, one of a fixed catalogue."""
    _refused.labels(code).inc(number)


def messages_decided(status: str, reason: str | None, number: int) -> None:
    """`status` is cleared, settled or rejected; `reason` the ledger's slug for a rejection."""
    _decided.labels(status).inc(number)
    if reason is not None:
        _rejected.labels(reason).inc(number)


def messages_mined(seconds: float, number: int) -> None:
    """Seconds since they were stored."""
    _message_seconds.observe("mined", seconds, number)


def messages_final(seconds: float, number: int) -> None:
    """Seconds since they were stored."""
    _message_seconds.observe("final", seconds, number)


def outbox(stored: int, sent: int, oldest_seconds: float) -> None:
    """How many wait, and how long the oldest has (0 if none does)."""
    _outbox_messages.labels("stored").set(stored)
    _outbox_messages.labels("sent").set(sent)
    _outbox_age.set(oldest_seconds)


# ----------------------------------------------------------------------------------------- Batches

_batches = Counter(
    "gridroam_batches", "Batches, by what became of them.", ["event"], registry=registry
)
for _event in ("sent", "mined", "failed", "returned", "final"):
    _batches.labels(_event)  # from 0 on: what begins with 1 has not risen, for Prometheus
_batch_messages = Histogram(
    "gridroam_batch_messages",
    "Messages in a mined batch.",
    buckets=(1, 2, 5, 10, 20, 50, 100, 200, 500, 1000),
    registry=registry,
)
_batch_gas = Histogram(
    "gridroam_batch_gas",
    "Gas that a mined batch used.",
    buckets=(1e5, 2.5e5, 5e5, 1e6, 2e6, 4e6, 8e6, 12e6, 16.8e6),
    registry=registry,
)
_gas_used = Counter("gridroam_gas_used", "Gas used by mined batches.", registry=registry)
_fees_paid = Counter(
    "gridroam_fees_paid_gwei", "Fees paid for mined batches, in gwei.", registry=registry
)
_fee = Gauge(
    "gridroam_fee_gwei",
    "Fee per gas in gwei: the last transaction's most and its tip, the chain's base, our cap.",
    ["kind"],
    registry=registry,
)
_confirmation_seconds = Histogram(
    "gridroam_confirmation_seconds",
    "From a batch's first transaction being sent until it is mined.",
    buckets=(0.1, 0.25, 0.5, 1, 2, 3, 5, 8, 13, 20, 30, 60, 120, 300, 900),
    registry=registry,
)
_replacements = Counter(
    "gridroam_transactions_replaced", "Transactions sent again at a higher fee.", registry=registry
)
_capped = Gauge(
    "gridroam_fee_capped",
    "1 while a batch waits because the fee cap is reached.",
    registry=registry,
)
_reorgs = Counter(
    "gridroam_reorgs", "Times that a block with a batch of ours vanished.", registry=registry
)


def batch_sent(max_fee: int, tip: int) -> None:
    """Fees in wei per gas."""
    _batches.labels("sent").inc()
    _offered(max_fee, tip)


def batch_mined(messages: int, gas: int, fee: int, seconds: float) -> None:
    """`fee` is what was paid per gas, in wei; `seconds` since its first transaction was sent."""
    _batches.labels("mined").inc()
    _batch_messages.observe(messages)
    _batch_gas.observe(gas)
    _gas_used.inc(gas)
    _fees_paid.inc(gas * fee / _GWEI)
    _confirmation_seconds.observe(seconds)


def batch_failed() -> None:
    """It was mined and reverted as a whole."""
    _batches.labels("failed").inc()


def batch_returned(number: int = 1) -> None:
    """Its messages went back to the outbox."""
    _batches.labels("returned").inc(number)


def batch_final(number: int = 1) -> None:
    _batches.labels("final").inc(number)


def transaction_replaced(max_fee: int, tip: int) -> None:
    """Fees in wei per gas."""
    _replacements.inc()
    _offered(max_fee, tip)


def fees(base: int, cap: int, *, waits: bool) -> None:
    """In wei per gas; whether sending waits because the base is above the cap."""
    _fee.labels("base").set(base / _GWEI)
    _fee.labels("cap").set(cap / _GWEI)
    _capped.set(waits)


def block_vanished() -> None:
    _reorgs.inc()


def _offered(max_fee: int, tip: int) -> None:
    _fee.labels("max").set(max_fee / _GWEI)
    _fee.labels("tip").set(tip / _GWEI)


# ---------------------------------------------------------------------------- Accounts, node, store

_nonce = Gauge(
    "gridroam_sender_nonce", "The sending account's next nonce.", ["sender"], registry=registry
)
_balance = Gauge(
    "gridroam_sender_balance_ether",
    "The sending account's balance, in the chain's own money.",
    ["sender"],
    registry=registry,
)
_lease = Gauge(
    "gridroam_sender_lease",
    "1 while this process sends from the account.",
    ["sender"],
    registry=registry,
)
_leases = Counter(
    "gridroam_sender_leases",
    "Times that this process got the lease of an account.",
    ["sender"],
    registry=registry,
)
_node_up = Gauge("gridroam_node_up", "1 while the node answers.", registry=registry)
_head = Gauge("gridroam_head_block", "Number of the latest block.", registry=registry)
_head_age = Gauge(
    "gridroam_head_age_seconds", "Age of the latest block by its own time.", registry=registry
)
_database = Histogram(
    "gridroam_database_seconds",
    "Of a transaction with the database.",
    ["kind"],
    buckets=(0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5),
    registry=registry,
)
_database_errors = Counter(
    "gridroam_database_errors", "Transactions with the database that failed.", registry=registry
)


def sender_nonce(address: str, nonce: int) -> None:
    _nonce.labels(address).set(nonce)


def sender_balance(address: str, wei: int) -> None:
    _balance.labels(address).set(wei / 1e18)


def sender_lease(address: str, *, held: bool) -> None:
    _lease.labels(address).set(held)
    _leases.labels(address).inc(held)


def node(*, up: bool, head: int | None = None, age_seconds: float | None = None) -> None:
    _node_up.set(up)
    if head is not None:
        _head.set(head)
    if age_seconds is not None:
        _head_age.set(age_seconds)


@contextmanager
def database(kind: str) -> Iterator[None]:
    """Around a transaction; `kind` is read or write."""
    start = perf_counter()
    try:
        yield
    except BaseException:
        _database_errors.inc()
        raise
    finally:
        _database.labels(kind).observe(perf_counter() - start)
