"""Sessions of a file find stations, vehicles and a new time."""

from gridroam.station.planning import Place, plan
from gridroam.station.sessions_file import FileSession

NOW = 2_000_000_000
CARS = dict.fromkeys([bytes([n]) * 32 for n in (1, 2)])


def session(row, start, end, energy=5_000, connector="1"):
    return FileSession(row, str(row), "A", connector, start, end, energy)


def test_plan__first_session__starts_now_and_the_others_keep_their_distance():
    made = plan([session(2, 100, 3700), session(3, 9100, 12700)], [Place("X", 22_000)], CARS, NOW)
    first, second = made.sessions["X"]
    assert (first.start, first.end) == (NOW, NOW + 3600)
    assert (second.start, second.end) == (NOW + 9000, NOW + 12_600)
    assert first.imported.energy_at(first.end) == 5_000
    assert first.vehicle != second.vehicle


def test_plan__connector_with_a_station_of_its_name__goes_there():
    places = [Place("X", 11_000), Place("A*1", 22_000)]
    made = plan([session(2, 0, 3600)], places, CARS, NOW)
    assert len(made.sessions["A*1"]) == 1


def test_plan__strong_session__goes_to_a_strong_station():
    places = [Place("strong", 150_000), Place("weak", 11_000)]
    made = plan([session(2, 0, 3600, 40_000), session(3, 1, 3600)], places, CARS, NOW)
    assert (len(made.sessions["strong"]), len(made.sessions["weak"])) == (1, 1)


def test_plan__no_station_or_no_vehicle_free__is_skipped_with_the_reason():
    rows = [session(2, 0, 3600), session(3, 10, 3600), session(4, 20, 3600, connector="2")]
    made = plan(rows, [Place("X", 22_000)], CARS, NOW)
    assert [(skip.row, "no station" in skip.reason) for skip in made.skipped] == [
        (3, True),
        (4, True),
    ]
    made = plan(rows, [Place(name, 22_000) for name in "XYZ"], CARS, NOW)
    assert [(skip.row, "no vehicle" in skip.reason) for skip in made.skipped] == [(4, True)]
