"""A meter's quarter hours: series = allocations + delta, an over-claim is flagged, and energy whose
boundaries were spread evenly is known as such."""

from dataclasses import replace
from pathlib import Path

import pytest
from lively import Lively
from sqlalchemy import insert, select

from gridroam.allocation.identity import claims, identities, identity
from gridroam.allocation.meter_series import Row, put_series, read_series
from gridroam.domain.energy import Reading
from gridroam.domain.participants import Role
from gridroam.domain.session import State
from gridroam.domain.slots import SLOT
from gridroam.errors import BrokenFileError, InvalidInputError
from gridroam.index.queries import MOST, Index, Wanted
from gridroam.index.spread import is_even
from gridroam.messages import EnergyReport
from gridroam.station.meter import Registers, evenly
from gridroam.store import index_schema as schema

COAST = 4
EVER = SLOT << 29


@pytest.fixture
def index(lively: Lively, tmp_path: Path) -> Index:
    return lively.index(tmp_path / "index.db")


def meter_of(index: Index, lively: Lively, station: str) -> bytes:
    with index.snapshot() as now:
        found = now.station(lively.market.stations[station].number)
    assert found is not None
    return found.meter


def test_identity__sum_of_sessions__is_what_they_settled(index: Index, lively: Lively) -> None:
    meter, number = meter_of(index, lively, "both-ways"), lively.market.stations["both-ways"].number
    with index.snapshot() as now:
        found = identity(now, meter, 0, EVER)
        sessions = now.sessions(Wanted(station=number), limit=1_000).items

    assert sum(slot.import_wh for slot in found.slots) == sum(s.import_wh for s in sessions) > 0
    assert sum(slot.export_wh for slot in found.slots) == sum(s.export_wh for s in sessions) > 0
    assert all(slot.delta_import_wh is None for slot in found.slots)
    assert found.without_series == len(found.slots)
    assert found.grid_operator == COAST


def test_claims__of_every_slot__add_up_to_what_is_allocated(index: Index, lively: Lively) -> None:
    """By supplier and direction; of corrected sessions what the present version says."""
    meter = meter_of(index, lively, "both-ways")
    with index.snapshot() as now:
        for slot in identity(now, meter, 0, EVER).slots:
            found = claims(now, meter, slot.time)
            sums: dict[int, list[int]] = {supplier: [0, 0] for supplier in slot.shares}
            for claim in found:
                sums[claim.supplier][0] += claim.share.import_wh
                sums[claim.supplier][1] += claim.share.export_wh
            assert sums == {n: [s.import_wh, s.export_wh] for n, s in slot.shares.items()}
            assert all(c.session.opened < slot.time + SLOT for c in found)
        with pytest.raises(InvalidInputError, match="quarter hour"):
            claims(now, meter, 1)


def test_identity__all_meters_of_a_grid_operator__are_its_allocations(index: Index) -> None:
    with index.snapshot() as now:
        meters = now.meters(COAST).items
        by_supplier: dict[tuple[int, int], tuple[int, int]] = {}
        for meter in meters:
            for slot in identity(now, meter.id, 0, EVER).slots:
                for supplier, share in slot.shares.items():
                    before = by_supplier.get((slot.time, supplier), (0, 0))
                    by_supplier[slot.time, supplier] = (
                        before[0] + share.import_wh,
                        before[1] + share.export_wh,
                    )
        allocated = {
            (a.sum.time, a.supplier): (a.sum.import_wh, a.sum.export_wh)
            for a in now.allocations(0, EVER, grid_operator=COAST)
            if a.sum.import_wh or a.sum.export_wh
        }
        series = now.series(COAST, Role.GRID_OPERATOR, 0, EVER)

    assert by_supplier == allocated
    assert sum(a for a, _ in allocated.values()) == sum(s.import_wh for s in series)


def test_identity__with_a_series__the_rest_is_the_delta(index: Index, lively: Lively) -> None:
    meter = meter_of(index, lively, "both-ways")
    with index.snapshot() as now:
        bare = identity(now, meter, 0, EVER).slots
    given = [(slot.time, slot.import_wh + 7, slot.export_wh) for slot in bare]
    # one slot claims more than the meter counted, one has no session at all
    given[1] = (given[1][0], bare[1].import_wh - 1, bare[1].export_wh)
    alone = given[0][0] - 10 * SLOT
    put_series(index, meter, [*given, (alone, 55, 0)])

    with index.snapshot() as now:
        found = identity(now, meter, 0, EVER)
        (summed,) = identities(now, COAST, 0, EVER)

    for slot in found.slots:
        assert slot.delta_import_wh is not None
        assert slot.series_import_wh == slot.import_wh + slot.delta_import_wh
        assert slot.series_export_wh == slot.export_wh + (slot.delta_export_wh or 0)
    by_time = {slot.time: slot for slot in found.slots}
    assert by_time[alone].delta_import_wh == 55
    assert [s.time for s in found.slots if s.over_claimed] == [given[1][0]]
    assert by_time[given[1][0]].delta_import_wh == -1
    assert found.over_claimed == 1
    assert found.total("series_import_wh") == found.total("import_wh") + found.total(
        "delta_import_wh"
    )
    assert summed == found
    assert found.station_operators == (lively.market.participants["operator"].number,)


def test_put_series__again_and_after_a_rebuild__what_was_given_last(
    lively: Lively, tmp_path: Path
) -> None:
    follower = lively.follower(tmp_path / "index.db")
    follower.catch_up()
    meter = meter_of(follower.index, lively, "both-ways")
    put_series(follower.index, meter, [(0, 1, 1), (SLOT, 2, 2)])
    put_series(follower.index, meter, [(SLOT, 3, 4)])
    follower.rebuild()
    follower.catch_up()

    with follower.index.snapshot() as now:
        found = identity(now, meter, 0, 2 * SLOT)
    assert [(s.time, s.series_import_wh, s.series_export_wh) for s in found.slots] == [
        (0, 1, 1),
        (SLOT, 3, 4),
    ]


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("start;import_wh;export_wh\n2026-11-25T10:00:00Z;5;0\n", [(1_795_600_800, 5, 0)]),
        ("end,export_wh,import_wh\n2026-11-25T11:15:00+01:00,1,5", [(1_795_600_800, 5, 1)]),
        ("\ufeffStart\tImport_Wh\tExport_Wh\n900\t1\t2", [(900, 1, 2)]),
    ],
)
def test_read_series__as_people_write_it__rows(text: str, rows: list[Row]) -> None:
    assert read_series(text) == rows


@pytest.mark.parametrize(
    "text",
    [
        "",
        "start;import_wh\n900;1",
        "start;end;import_wh;export_wh\n900;1800;1;2",
        "start;import_wh;export_wh\n901;1;2",
        "start;import_wh;export_wh\n900;-1;2",
        "start;import_wh;export_wh\n900;1.5;2",
        "start;import_wh;export_wh\n900;1;2\n900;1;2",
        "start;import_wh;export_wh\nyesterday;1;2",
        "start;import_wh;export_wh\n900;1",
        "start;import_wh;export_wh\n900;1;2;3",
        "start;import_wh;export_wh\n900;1_0;2",
        "start;import_wh;export_wh\n900;\u0661;2",
        "end;import_wh;export_wh\n0;1;2",
    ],
)
def test_read_series__what_is_none__broken_file(text: str) -> None:
    with pytest.raises(BrokenFileError):
        read_series(text)


def test_identity__session_is_open_since_before_the_period__not_final(
    index: Index, lively: Lively
) -> None:
    """What the station has not reported yet may still lie in these slots."""
    going_on = (State.OPEN, State.SUPERSEDED)
    with index.snapshot() as now:
        stations = [s for s in now.stations().items if s.session_state in going_on]
    for station in stations:
        first = station.time // SLOT * SLOT
        put_series(index, station.meter, [(first + n * SLOT, 5, 5) for n in range(9)])
        with index.snapshot() as now:
            whole = identity(now, station.meter, first, first + 9 * SLOT)
            later = identity(now, station.meter, first + 2 * SLOT, first + 9 * SLOT)

        assert not any(slot.is_final for slot in whole.slots)
        assert not any(slot.is_final for slot in later.slots)
        assert len(later.slots) == 7
    assert stations


def test_identity__more_stations_than_on_a_page__all(index: Index, lively: Lively) -> None:
    meter = meter_of(index, lively, "both-ways")
    with index.store.write() as connection:
        table = schema.stations
        row = connection.execute(select(table).where(table.c.meter == meter)).mappings().first()
        assert row is not None
        copies = [{**row, "number": 1_000 + number, "operator": 7} for number in range(MOST)]
        connection.execute(insert(table), copies[:-1])
        connection.execute(insert(table), [copies[-1] | {"operator": 9}])
    with index.snapshot() as now:
        assert identity(now, meter, 0, EVER).station_operators[-2:] == (7, 9)


def test_read_series__longer_than_a_cell_can_be__broken_file() -> None:
    with pytest.raises(BrokenFileError, match="no CSV"):
        read_series("start;import_wh;export_wh\n900;1;" + "2" * ((1 << 24) + 1))


def test_put_series__of_a_meter_that_nobody_knows__refused(index: Index) -> None:
    with pytest.raises(InvalidInputError):
        put_series(index, bytes(32), [(0, 1, 1)])


@pytest.mark.parametrize(
    ("boundaries", "even"),
    [
        (((133, 0), (1_333, 0)), True),
        (((133, 0), (1_334, 0)), False),
        (((0, 0), (1_333, 0)), False),
        ((), False),
    ],
)
def test_is_even__only_what_spreading_gives_exactly(
    boundaries: tuple[tuple[int, int], ...], even: bool
) -> None:
    report = EnergyReport(1, 1, 1, 2_300, 2_000, 0, False, boundaries=boundaries)

    assert is_even(Reading(800, 0, 0), report) is even


def test_is_even__boundaries_of_a_station_that_had_no_readings__known() -> None:
    start, end = Registers(1_000, 77), Registers(8_333, 501)
    between = evenly(1_234, start, 9_876, end)
    report = EnergyReport(1, 1, 1, 9_876, *end, False, boundaries=between)

    assert len(between) == 9
    assert is_even(Reading(1_234, *start), report)
    off = (between[0]._replace(imported=between[0].imported + 1), *between[1:])
    assert not is_even(Reading(1_234, *start), replace(report, boundaries=off))


def test_is_even__no_energy__measured() -> None:
    report = EnergyReport(1, 1, 1, 2_300, 5, 0, False, boundaries=((5, 0), (5, 0)))

    assert is_even(Reading(800, 5, 0), report) is False
