"""Pauses grow, differ by chance, end at a minute, and are not shorter than the relay asked for."""

from gridroam.station.backoff import Backoff


def test_failed__again_and_again__pauses_twice_as_long_up_to_a_minute() -> None:
    backoff = Backoff()
    for expected in (0.5, 1, 2, 4, 8, 16, 32, 60, 60):
        assert expected / 2 <= backoff.failed() <= expected
    backoff.reset()
    assert backoff.is_over
    assert backoff.failed() <= 0.5


def test_failed__with_what_the_relay_asked_for__is_not_sooner() -> None:
    backoff = Backoff()
    assert backoff.failed(asked=7.0) == 7.0
    assert not backoff.is_over
    assert backoff.failed(asked=0.0) <= 1.0


def test_stations__do_not_come_back_all_at_once() -> None:
    assert len({Backoff().failed() for _ in range(20)}) > 10
