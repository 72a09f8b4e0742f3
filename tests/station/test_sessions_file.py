"""Files of sessions: the excerpt is what it says, and a broken row is named."""

from importlib.resources import files
from pathlib import Path

import pytest

from gridroam.errors import BrokenFileError
from gridroam.station.sessions_file import read_sessions, read_tolerantly

HEAD = "transaction,station,connector,start,end,energy_wh"
GOOD = "1,A,1,2019-12-09T08:00:00+01:00,2019-12-09T09:00:00+01:00,5000"
SAP_HEAD = (
    "Type Lieu de charge;ID transaction;ID borne;ID connecteur borne;Date demarrage;"
    "Charge batterie demarrage (%);Date fin;Consommation totale (Wh)"
)


@pytest.fixture
def sessions_file(tmp_path):
    def write(*lines: str) -> Path:
        path = tmp_path / "sessions.csv"
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return path

    return write


def test_week__as_shipped__has_every_session_of_the_original():
    sessions = read_sessions(Path(str(files("gridroam.demo") / "week.csv")))
    assert len(sessions) == 335
    assert sum(session.energy for session in sessions) == 8_186_123
    assert len({session.place for session in sessions}) == 36
    assert len({session.station for session in sessions}) == 18
    assert {session.station.split("-")[1] for session in sessions} == {"Mougins", "Caen"}


def test_read_sessions__own_format__times_in_utc(sessions_file):
    (session,) = read_sessions(sessions_file(HEAD, GOOD))
    assert session.end - session.start == 3600
    assert session.start == 1_575_874_800
    assert session.place == ("A", "1")


def test_read_sessions__original_format__across_the_end_of_summer_time(sessions_file):
    row = "Travail;7;B;2;2019-10-27T01:30:00+02:00;0;2019-10-27T04:00:00+01:00;9000"
    (session,) = read_sessions(sessions_file("\ufeff" + SAP_HEAD, row))
    assert session.end - session.start == 3.5 * 3600
    assert (session.transaction, session.energy) == ("7", 9000)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("2,A,1,,,", "'' is no time"),
        ("2,A,1,yesterday,2019-12-09T09:00:00+01:00,1", "'yesterday' is no time"),
        ("2,A,1,2019-12-09T10:00:00,2019-12-09T11:00:00,1", "has no UTC offset"),
        ("2,A,1,2019-12-09T11:00:00+01:00,2019-12-09T11:00:00+01:00,1", "not after its start"),
        ("2,A,1,2019-12-09T12:00:00+01:00,2019-12-09T11:00:00+01:00,1", "not after its start"),
        ("2,A,1,2019-12-09T10:00:00+01:00,2019-12-09T11:00:00+01:00,-1", "no whole number"),
        ("2,A,1,2019-12-09T10:00:00+01:00,2019-12-09T11:00:00+01:00,1.5", "no whole number"),
        ("2,A,1,2019-12-09T10:00:00+01:00", "'' is no time"),
        ("2,,1,2019-12-09T10:00:00+01:00,2019-12-09T11:00:00+01:00,1", "no station"),
        ("2,A,1,2019-12-09T08:59:59+01:00,2019-12-09T11:00:00+01:00,1", "overlaps line 2"),
    ],
)
def test_read__broken_row__named_or_skipped(sessions_file, row, reason):
    path = sessions_file(HEAD, GOOD, row)
    with pytest.raises(BrokenFileError, match=f"line 3: .*{reason}"):
        read_sessions(path)
    sessions, skipped = read_tolerantly(path)
    assert [session.transaction for session in sessions] == ["1"]
    assert [skip.row for skip in skipped] == [3]
    assert reason in skipped[0].reason


def test_read__overlap_of_an_overlap__only_what_overlaps_is_left_out(sessions_file):
    path = sessions_file(
        HEAD,
        "1,A,1,2019-12-09T08:00:00Z,2019-12-09T09:00:00Z,1",
        "2,A,1,2019-12-09T08:30:00Z,2019-12-09T12:00:00Z,1",
        "3,A,1,2019-12-09T09:00:00Z,2019-12-09T10:00:00Z,1",
        "4,A,2,2019-12-09T08:30:00Z,2019-12-09T12:00:00Z,1",
    )
    sessions, skipped = read_tolerantly(path)
    assert [session.transaction for session in sessions] == ["1", "4", "3"]
    assert [skip.row for skip in skipped] == [3]


def test_read_sessions__zero_energy__is_a_session(sessions_file):
    (session,) = read_sessions(sessions_file(HEAD, GOOD.replace("5000", "0")))
    assert session.energy == 0


@pytest.mark.parametrize("head", ["", "a,b,c", HEAD.replace(",", ";")])
def test_read_sessions__other_headings__says_which_are_expected(sessions_file, head):
    with pytest.raises(BrokenFileError, match="transaction,station,connector"):
        read_sessions(sessions_file(head, GOOD))


def test_read_sessions__no_file__says_so(tmp_path):
    with pytest.raises(BrokenFileError, match="cannot be read"):
        read_sessions(tmp_path / "missing.csv")


def test_read_sessions__no_text__says_so(tmp_path):
    path = tmp_path / "sessions.csv"
    path.write_bytes(HEAD.encode() + b"\n\xff\xfe\x00")
    with pytest.raises(BrokenFileError, match="no CSV in UTF-8"):
        read_sessions(path)
