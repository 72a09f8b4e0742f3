"""Limits let through what they say, forget whom they do not see, and never lose count."""

from hypothesis import given
from hypothesis import strategies as st

from gridroam.http import limits
from gridroam.http.limits import Budget, Rates, client_key


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_take__within_the_burst__is_allowed_then_waits_for_the_rate() -> None:
    clock = Clock()
    rates = Rates(2.0, 3.0, clock)
    assert [rates.take("a") for _ in range(3)] == [0.0] * 3
    assert rates.take("a") == 0.5
    assert rates.take("b") == 0.0
    clock.now += 0.5
    assert rates.take("a") == 0.0
    assert rates.take("a") > 0


def test_take__refused__takes_nothing() -> None:
    clock = Clock()
    rates = Rates(1.0, 1.0, clock)
    rates.take("a")
    for _ in range(100):
        assert rates.take("a") == 1.0


def test_take__more_than_the_burst__passes_once_and_is_paid_for_later() -> None:
    clock = Clock()
    rates = Rates(1.0, 10.0, clock)
    assert rates.take("a", 25) == 0.0
    assert rates.take("a") == 16.0


def test_charge__goes_into_debt_of_one_burst_at_most() -> None:
    clock = Clock()
    rates = Rates(1.0, 10.0, clock)
    for _ in range(1000):
        rates.charge("a", 50)
    assert rates.wait("a") == 11.0


def test_rate_of_zero__is_no_limit() -> None:
    rates = Rates(0.0, 0.0)
    assert all(rates.take("a") == 0.0 for _ in range(1000))
    rates.charge("a", 1000)
    assert rates.wait("a") == 0.0
    assert len(rates) == 0


@given(st.lists(st.floats(0, 10), min_size=1, max_size=50))
def test_take__whatever_the_pauses__lets_no_more_through_than_rate_and_burst(
    pauses: list[float],
) -> None:
    clock = Clock()
    rates = Rates(1.0, 5.0, clock)
    start, passed = clock.now, 0
    for pause in pauses:
        clock.now += pause
        passed += rates.take("a") == 0.0
    assert passed <= 5.0 + (clock.now - start) + 1e-6


def test_keys_of_strangers__do_not_fill_the_memory() -> None:
    rates = Rates(1.0, 1.0)
    for number in range(limits._MOST_KEYS + 500):
        rates.take(number)
    assert len(rates) == limits._MOST_KEYS


@given(st.lists(st.integers(1, 40), max_size=30))
def test_budget__is_never_exceeded_and_comes_back_whole(amounts: list[int]) -> None:
    seen: list[int] = []
    budget = Budget(100, seen.append)
    with budget.share() as share:
        for amount in amounts:
            fits = budget.used + amount <= 100
            assert share.grow(amount) == fits
            assert budget.used <= 100
    assert budget.used == 0
    assert sum(seen) == 0


def test_client_key__ipv6__is_the_network_of_one_customer() -> None:
    assert client_key("2001:db8:1:2:3::1") == client_key("2001:db8:1:2:ffff::9")
    assert client_key("2001:db8:1:2::1") != client_key("2001:db8:1:3::1")
    assert client_key("::ffff:10.0.0.7") == client_key("10.0.0.7") == "10.0.0.7"
