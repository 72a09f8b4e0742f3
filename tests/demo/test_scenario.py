"""The demo's plan: the real week, exactly, at another date, with a fleet that can be."""

from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from gridroam.demo import market, scenario
from gridroam.demo.market import SMALL
from gridroam.domain.slots import boundaries_between

NOW = int(datetime(2026, 7, 1, 12, tzinfo=UTC).timestamp())


@pytest.fixture(scope="module")
def week():
    return scenario.build(NOW)


def local(time):
    return datetime.fromtimestamp(time, UTC) + timedelta(seconds=scenario.CLOCK)


def test_week__imports_exactly_what_the_file_says(week):
    assert len(week.visits) == 335
    imported = [v.session.imported.energy_at(v.session.end) for v in week.visits]
    assert imported == [v.energy for v in week.visits]
    assert sum(imported) == 8_186_123


def test_week__is_the_last_complete_one_with_the_same_weekdays_and_times(week):
    assert (local(week.start).weekday(), local(week.start).hour) == (0, 0)
    assert week.end <= NOW < week.end + scenario.WEEK
    original = scenario.load_week()
    for before, visit in zip(original, week.visits, strict=True):
        assert (visit.session.start - before.start) % scenario.WEEK == 0
        assert visit.session.end - visit.session.start == before.end - before.start


def test_week__fewer_days__are_its_first(week):
    day = scenario.build(NOW, days=1)
    assert {local(v.session.start).weekday() for v in day.visits} == {0}
    assert len(day.visits) == 73
    assert day.market == week.market


def test_fleet__no_car_is_in_two_places_and_none_changes_its_site(week):
    sessions = defaultdict(list)
    for visit in week.visits:
        sessions[visit.car].append(visit)
    for visits in sessions.values():
        for before, after in pairwise(visits):
            assert before.session.end + scenario.HOUR <= after.session.start
        assert len({market.site(visit.station) for visit in visits}) == 1
    assert 120 <= len(sessions) <= 150
    assert max(map(len, sessions.values())) >= 4


def test_fleet__every_supplier_has_cars_that_charge_on_the_first_day():
    suppliers = {car.name: car.supplier for car in scenario.fleet()}
    visits = scenario.build(NOW, days=1).visits
    counts = Counter(suppliers[visit.car] for visit in visits)
    assert len(counts) == 3
    assert counts[SMALL] >= 2


def test_week__no_slot_needs_more_power_than_its_station_has(week):
    stations = {station.name: station for station in week.market.stations}
    for visit in week.visits:
        s, station = visit.session, stations[visit.station]
        for before, after in pairwise([s.start, *boundaries_between(s.start, s.end), s.end]):
            for curve, power in (
                (s.imported, station.max_power),
                (s.exported, station.max_feed_in),
            ):
                energy = curve.energy_at(after) - curve.energy_at(before)
                assert 0 <= energy <= (power * (after - before) // 3600 + 1 if power else 0)


def test_week__cars_feed_back_at_the_peak_and_do_not_charge_meanwhile(week):
    feeding = [v.session for v in week.visits if v.session.exported.energy_at(v.session.end)]
    assert len(feeding) > 20
    for session in feeding:
        start, end = session.exported.start, session.exported.end
        assert local(start).hour >= 17
        assert local(end - 1).hour < 19
        assert session.imported.energy_at(start) == session.imported.energy_at(end)
