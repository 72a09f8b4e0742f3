"""Which messages go into the next batch, when, and how large batches are."""

from gridroam.chain.wallet import TX_GAS_LIMIT
from gridroam.messages import OPENING_BYTES, REPORT_BYTES
from gridroam.relay import gas
from gridroam.relay.choice import Bounds, choose, due_in_ms
from gridroam.relay.pace import Pace
from gridroam.store.claims import Queue, Waiting

BOUNDS = Bounds(messages=100, gas=12_000_000, age_ms=250)


def opening(number: int, station: int, at: int = 0) -> Waiting:
    return Waiting(number, b"", station, True, bytes(OPENING_BYTES), at)


def report(number: int, station: int, at: int = 0, boundaries: int = 0) -> Waiting:
    return Waiting(number, b"", station, False, bytes(REPORT_BYTES + 12 * boundaries), at)


def chosen(*waiting: Waiting, bounds: Bounds = BOUNDS) -> list[int]:
    return [message.id for message in choose(waiting, bounds).messages]


def test_openings_go_ahead_of_other_stations_reports() -> None:
    assert chosen(report(1, 7), report(2, 8), opening(3, 9)) == [3, 1, 2]


def test_opening_never_overtakes_a_report_of_its_own_station() -> None:
    assert chosen(report(1, 7), opening(2, 7), report(3, 7)) == [1, 2, 3]


def test_opening_goes_ahead_however_long_the_reports_have_waited() -> None:
    assert chosen(report(1, 7, at=0), opening(2, 8, at=3_600_000)) == [2, 1]


def test_openings_leave_a_quarter_of_the_places_to_what_waits_longest() -> None:
    waiting = [report(1, 7), report(2, 8), *(opening(n, n) for n in range(10, 20))]
    bounds = Bounds(messages=8, gas=12_000_000, age_ms=250)
    assert chosen(*waiting, bounds=bounds) == [10, 11, 12, 13, 14, 15, 1, 2]
    assert len(chosen(*waiting[2:], bounds=bounds)) == 8


def test_batch_is_bounded_by_messages_and_keeps_the_order_of_a_station() -> None:
    bounds = Bounds(messages=2, gas=12_000_000, age_ms=250)
    assert chosen(report(1, 7), report(2, 7), report(3, 7), bounds=bounds) == [1, 2]


def test_batch_is_bounded_by_gas_but_has_one_message_at_least() -> None:
    long = report(1, 7, boundaries=192)
    room = gas.BATCH + gas.of(long.body, opening=False)
    assert chosen(long, report(2, 7), bounds=Bounds(100, room, 250)) == [1]
    assert chosen(long, report(2, 7), bounds=Bounds(100, 1, 250)) == [1]


def test_batch_is_due_when_full_or_when_its_oldest_message_is_old_enough() -> None:
    def due(reports: int, oldest: int | None, now: int) -> int | None:
        return due_in_ms(Queue(reports, 0, reports * REPORT_BYTES, oldest), BOUNDS, now)

    assert due(0, None, now=1000) is None
    assert due(1, 1000, now=1100) == 150
    assert due(1, 1000, now=1250) == 0
    assert due(100, 1000, now=1000) == 0


def test_batch_is_due_when_its_gas_is_used_up() -> None:
    long = REPORT_BYTES + 12 * 192
    assert due_in_ms(Queue(13, 0, 13 * long, 1000), BOUNDS, 1000) == 250
    assert due_in_ms(Queue(14, 0, 14 * long, 1000), BOUNDS, 1000) == 0


def test_failed_batch_gets_more_gas_then_fewer_messages_then_a_rest() -> None:
    pace = Pace(100)
    assert pace.limit(1_000_000) == 3_000_000
    pace.failed(100, 3_000_000)
    assert (pace.limit(1_000_000), pace.messages) == (6_000_000, 100)
    pace.failed(100, TX_GAS_LIMIT)
    assert pace.messages == 50
    for _ in range(20):
        pace.succeeded()
    assert (pace.messages, pace.rests) == (100, False)
    pace.failed(1, TX_GAS_LIMIT)
    assert pace.rests
