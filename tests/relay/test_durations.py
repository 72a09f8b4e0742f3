"""Our histogram says what the client library's says."""

from prometheus_client import CollectorRegistry, Histogram, generate_latest

from gridroam.relay.durations import Durations

BUCKETS = 0.1, 1, 5.5, 60
SEEN = [("mined", 0.05, 3), ("mined", 1.0, 2), ("final", 61.0, 1), ("mined", 5.0, 100)]


def test_many_at_once_count_like_one_by_one() -> None:
    ours, theirs = CollectorRegistry(), CollectorRegistry()
    quick = Durations("some_seconds", "Of something.", "step", buckets=BUCKETS, registry=ours)
    slow = Histogram("some_seconds", "Of something.", ["step"], buckets=BUCKETS, registry=theirs)
    for step, seconds, number in SEEN:
        quick.observe(step, seconds, number)
        for _ in range(number):
            slow.labels(step).observe(seconds)
    lines = [
        line for line in generate_latest(theirs).decode().splitlines() if "_created" not in line
    ]
    assert generate_latest(ours).decode().splitlines() == lines
