"""A statement of every account agrees with the chain, in every format; every lie in it is found and
the line named."""

import csv
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from lively import START, Lively

from gridroam.audit.source import NodeSource
from gridroam.domain.participants import Role
from gridroam.errors import BrokenFileError
from gridroam.index.queries import Index, Snapshot, Wanted
from gridroam.index.records import Act, Session
from gridroam.statements import formats
from gridroam.statements.anchors import Anchors
from gridroam.statements.corrections import message_of, versions_of
from gridroam.statements.lines import COLUMNS, Line, LineKind
from gridroam.statements.make import posted, statement
from gridroam.statements.verify import Verdict, verify

EVER = 1 << 39
RICH, FALLBACK, COAST, TOWN, OPERATOR = 1, 3, 4, 5, 6


@pytest.fixture(scope="module")
def index(lively: Lively, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Index]:
    found = lively.index(tmp_path_factory.mktemp("index") / "index.db")
    yield found
    found.close()


@pytest.fixture
def anchors(lively: Lively) -> Anchors:
    return Anchors(NodeSource(lively.ledger), lively.anvil.url)


def lines_of(index: Index, who: int, since: int = 0, until: int = EVER) -> list[Line]:
    with index.snapshot() as now:
        return list(statement(now, who, since, until).lines)


@pytest.mark.parametrize("who", [1, 2, 3, 4, 5, 6, 7])
def test_verify__statement_of_each_participant__ok(
    index: Index, anchors: Anchors, who: int
) -> None:
    verdict = verify(lines_of(index, who), anchors)

    assert told(verdict) == []
    assert verdict.ok


def test_statement__has_what_happened(index: Index) -> None:
    kinds = {who: {line.kind for line in lines_of(index, who)} for who in range(1, 8)}

    assert {LineKind.CLEARED, LineKind.SETTLED, LineKind.DEPOSIT} <= kinds[RICH]
    assert any(LineKind.COLLECTION in some for some in kinds.values())
    assert any(LineKind.WITHDRAWAL in some for some in kinds.values())
    assert any(line.unpaid for who in range(1, 8) for line in lines_of(index, who))


_OF_CORRECTIONS = {LineKind.CORRECTION, LineKind.REVERSED, LineKind.REPLACED}


def _acts(now: Snapshot, session: Session) -> tuple[Act, ...]:
    story = now.story(session.station, session.session)
    return story.acts if story else ()


def test_statement__supplier_changed_on_the_road__each_has_its_part(
    index: Index, lively: Lively
) -> None:
    station = lively.market.stations["both-ways"].number
    with index.snapshot() as now:
        found = next(
            s
            for s in now.sessions(Wanted(supplier=FALLBACK)).items
            if any(act.name == "SupplierSwitched" for act in _acts(now, s))
        )
        assert found in now.sessions(Wanted(supplier=RICH), limit=1_000).items
        split = [s for s in now.story(station, found.session).settlements if s.report == 1]
        switched = [act.name for act in now.story(station, found.session).acts]
    mine = [
        [
            line
            for line in lines_of(index, who)
            if (line.station, line.session) == (station, found.session)
            and line.kind not in _OF_CORRECTIONS
        ]
        for who in (RICH, FALLBACK, COAST)
    ]

    assert [s.supplier for s in split] == [RICH, FALLBACK]
    assert switched[0] == "SupplierSwitched"
    assert split[0].time == split[1].since == split[0].time // 900 * 900
    kinds = [[line.kind for line in lines] for lines in mine]
    cleared, carried, settled = LineKind.CLEARED, LineKind.CARRIED, LineKind.SETTLED
    assert kinds == [[cleared, settled], [carried, settled, settled], [cleared, *[settled] * 3]]
    assert sum(line.import_wh for line in (*mine[0], *mine[1])) == 4_300
    assert [line.slots[0].time for line in mine[1][1:2]] == [split[0].time]


def test_statement__period_in_the_middle__carries_what_it_builds_on(
    index: Index, anchors: Anchors
) -> None:
    for line in lines_of(index, COAST)[6:-4:5]:
        part = lines_of(index, COAST, line.booked, line.booked + 40_000)
        verdict = verify(part, anchors)

        assert told(verdict) == []
    carried = [
        one
        for line in lines_of(index, COAST)[4:-1]
        for one in lines_of(index, COAST, line.booked, line.booked + 5_000)[:4]
        if one.kind is LineKind.CARRIED
    ]
    assert carried


def test_statement__parts_of_a_period__fit_together(index: Index) -> None:
    whole = lines_of(index, RICH)
    cut = whole[len(whole) // 2].booked
    first, second = lines_of(index, RICH, 0, cut), lines_of(index, RICH, cut, EVER)

    assert (first[-1].balance, first[-1].head) == (second[0].balance, second[0].head)
    told_twice = [line.entry for line in (*first, *second) if line.amount]
    assert told_twice == [line.entry for line in whole if line.amount]


@pytest.mark.parametrize("who", [RICH, FALLBACK, COAST, OPERATOR])
def test_statement__corrections__reversed_and_replaced_in_whole(
    index: Index, anchors: Anchors, who: int
) -> None:
    """In a period of their own, after the one with the session, and in both together."""
    everything = lines_of(index, who)
    corrections = [line for line in everything if line.kind is LineKind.CORRECTION]
    for one in corrections:
        later = lines_of(index, who, one.booked, one.booked + 1)
        assert told(verify(later, anchors)) == []
        (entry, *details) = later[1:-1]
        assert entry.kind is LineKind.CORRECTION
        assert {d.kind for d in details} <= {LineKind.REVERSED, LineKind.REPLACED}
        assert sum(posted(d, who) for d in details) == entry.amount
        assert later[-1].balance - later[0].balance == entry.amount + entry.unpaid

    assert corrections
    # over everything the sums are those of the sessions as they stand now
    with index.snapshot() as now:
        stands = now.totals(who, ROLES[who], 0, EVER)
    for name in ("import_wh", "export_wh", "network_charge", "service_fee", "feed_in"):
        told_of = (line for line in everything if line.kind in COUNTED)
        assert sum(getattr(line, name) for line in told_of) == getattr(stands, name)


ROLES = {
    RICH: Role.SUPPLIER,
    FALLBACK: Role.SUPPLIER,
    COAST: Role.GRID_OPERATOR,
    OPERATOR: Role.STATION_OPERATOR,
}
COUNTED = {LineKind.SETTLED, LineKind.REVERSED, LineKind.REPLACED}


def test_statement__supplier_that_lost_a_session__only_reversed(index: Index) -> None:
    lines = [line for line in lines_of(index, FALLBACK) if (line.session, line.version) == (3, 2)]

    assert [line.kind for line in lines if line.import_wh < 0] == [LineKind.REVERSED]


@pytest.mark.parametrize("suffix", formats.SUFFIXES)
def test_write_read__every_format__same_lines(index: Index, tmp_path: Path, suffix: str) -> None:
    lines = lines_of(index, TOWN)
    path = tmp_path / f"statement.{suffix}"
    formats.write(path, lines)

    assert list(formats.read(path)) == lines


@pytest.mark.parametrize("name", ["=HYPERLINK(1)", "+1", "-1", "@x", "\t=1", "\r=1", "'=1", "DE*1"])
def test_write_csv__name_that_looks_like_a_formula__text_and_read_again(
    index: Index, tmp_path: Path, name: str
) -> None:
    """A station operator calls its stations what it likes, and its suppliers open the file."""
    lines = [replace(lines_of(index, TOWN)[3], evse_id=name)]
    path = tmp_path / "statement.csv"
    formats.write(path, lines)

    with path.open(encoding="utf-8", newline="") as file:
        shown = next(csv.DictReader(file))["evse_id"]
    assert shown[0] not in "=+-@\t\r"
    assert list(formats.read(path)) == lines


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: text.replace(b"\n", b";\xff\n", 1),
        lambda text: text.rstrip() + b",more\n",
        lambda text: text.replace(b",settled,", b',"' + b"x" * (1 << 24) + b'",', 1),
        lambda text: text.replace(b"opening-balance,3", b"opening-balance,3_", 1),
    ],
    ids=["no UTF-8", "a cell too many", "too long", "no integer"],
)
def test_read_csv__damaged__broken_file(
    index: Index, tmp_path: Path, damage: Callable[[bytes], bytes]
) -> None:
    path = tmp_path / "statement.csv"
    formats.write(path, lines_of(index, TOWN))
    path.write_bytes(damage(path.read_bytes()))

    with pytest.raises(BrokenFileError):
        list(formats.read(path))


# ------------------------------------------------------------------------------------------- lies


Lie = Callable[[list[Line]], tuple[list[Line], int]]
"""Gives the lines with the lie in them, and the number of the line that is wrong."""


def correction(lines: list[Line]) -> int:
    return next(i for i, line in enumerate(lines) if line.kind is LineKind.CORRECTION)


def correction_left_out(lines: list[Line]) -> tuple[list[Line], int]:
    """With its details, and all that follows made to fit."""
    at = correction(lines)
    rest = [line for line in lines[at + 1 :] if line.kind not in _OF_CORRECTIONS]
    return renumbered(lines[:at] + rest), lines[at].line


def detail_left_out(lines: list[Line]) -> tuple[list[Line], int]:
    at = correction(lines)
    last = next(i for i in range(at + 1, len(lines)) if lines[i].kind not in COUNTED) - 1
    return renumbered(lines[:last] + lines[last + 1 :]), lines[last].line


def altered_correction(place: int, **changes: object) -> Lie:
    """Of its entry (0), or of the details behind it."""

    def lie(lines: list[Line]) -> tuple[list[Line], int]:
        at = correction(lines) + place
        changed = replace(lines[at], **changes)  # type: ignore[arg-type]
        assert changed != lines[at]
        return [*lines[:at], changed, *lines[at + 1 :]], lines[at].line

    return lie


def other_version(lines: list[Line]) -> tuple[list[Line], int]:
    """The new version itself has another register."""
    at = correction(lines)
    before, after = versions_of(lines[at])
    readings = after.readings[:-1] + bytes([after.readings[-1] ^ 1])
    message = message_of(before, replace(after, readings=readings))
    return [*lines[:at], replace(lines[at], message=message), *lines[at + 1 :]], lines[at].line


def settled(lines: list[Line]) -> list[int]:
    found = [i for i, line in enumerate(lines) if line.kind is LineKind.SETTLED and line.import_wh]
    assert len(found) > 3
    return found


def removed(lines: list[Line]) -> tuple[list[Line], int]:
    at = settled(lines)[1]
    return renumbered(lines[:at] + lines[at + 1 :]), lines[at].line


def swapped(lines: list[Line]) -> tuple[list[Line], int]:
    at = settled(lines)[1]
    changed = [*lines]
    changed[at], changed[at + 1] = changed[at + 1], changed[at]
    return renumbered(changed), lines[at + 1].line


def invented(lines: list[Line]) -> tuple[list[Line], int]:
    at = settled(lines)[1]
    return renumbered([*lines[: at + 1], *lines[at:]]), lines[at].line + 1


def altered(**changes: object) -> Lie:
    def lie(lines: list[Line]) -> tuple[list[Line], int]:
        at = settled(lines)[1]
        changed = replace(lines[at], **changes)  # type: ignore[arg-type]
        assert changed != lines[at]
        return [*lines[:at], changed, *lines[at + 1 :]], lines[at].line

    return lie


def other_registers(lines: list[Line]) -> tuple[list[Line], int]:
    """The signed message itself has another reading in it."""
    at = settled(lines)[1]
    message = bytearray.fromhex(lines[at].message[2:])
    message[23] ^= 1
    changed = replace(lines[at], message="0x" + message.hex())
    return [*lines[:at], changed, *lines[at + 1 :]], lines[at].line


def unsigned(lines: list[Line]) -> tuple[list[Line], int]:
    """What was signed is there, the signature is another's: r, s and v of the line before."""
    at, other = settled(lines)[1], settled(lines)[0]
    message = lines[at].message[:-130] + lines[other].message[-130:]
    changed = replace(lines[at], message=message)
    return [*lines[:at], changed, *lines[at + 1 :]], lines[at].line


def without_opening(lines: list[Line]) -> tuple[list[Line], int]:
    at = next(i for i, line in enumerate(lines) if line.kind is LineKind.CLEARED)
    return renumbered(lines[:at] + lines[at + 1 :]), lines[at].line


def other_end(lines: list[Line]) -> tuple[list[Line], int]:
    return [*lines[:-1], replace(lines[-1], balance=lines[-1].balance + 1)], lines[-1].line


def cut_short(lines: list[Line]) -> tuple[list[Line], int]:
    """The last entries are left out, and the closing balance is made to fit."""
    at = settled(lines)[-2]
    end = replace(lines[-1], entry=lines[at].entry, head=lines[at].head, balance=lines[at].balance)
    return renumbered([*lines[: at + 1], end]), lines[at].line + 1


def renumbered(lines: list[Line]) -> list[Line]:
    """As a forger would."""
    return [replace(line, line=number) for number, line in enumerate(lines, 1)]


@pytest.mark.parametrize(
    "lie",
    [
        removed,
        swapped,
        invented,
        other_registers,
        without_opening,
        other_end,
        cut_short,
        altered(network_charge=1),
        altered(service_fee=1),
        altered(feed_in=7),
        altered(import_wh=1),
        altered(export_wh=9),
        altered(amount=0),
        altered(unpaid=5),
        altered(balance=0),
        altered(supplier=2),
        altered(grid_operator=6),
        altered(vehicle="0x" + "00" * 32),
        altered(evidence="0x" + "11" * 32),
        altered(time=START),
        altered(block=1),
        altered(tx="0x" + "22" * 32),
        altered(path="0x" + "33" * 32),
        altered(batch=1),
        altered(supplier_reserve=9),
        altered(version=2),
        altered(other=4),
        altered(session=77),
        altered(report=77),
        altered(slots=()),
        altered(entry=1),
        altered(head="0x" + "44" * 26),
        altered(import_start=3),
        altered(last=True, report=2),
        altered(booked=START),
        altered(evse_id="DE*OTHER"),
        unsigned,
        correction_left_out,
        detail_left_out,
        other_version,
        altered_correction(0, amount=5),
        altered_correction(0, unpaid=5),
        altered_correction(0, version=7),
        altered_correction(0, digest="0x" + "55" * 32),
        altered_correction(0, tx="0x" + "22" * 32),
        altered_correction(1, network_charge=1),
        altered_correction(1, import_wh=-1),
        altered_correction(2, supplier=3),
        altered_correction(2, kind=LineKind.REVERSED),
    ],
    ids=lambda lie: getattr(lie, "__name__", "lie"),
)
def test_verify__a_lie__is_found_and_its_line_named(
    index: Index, anchors: Anchors, lie: Lie
) -> None:
    lines, wrong = lie(lines_of(index, RICH))

    verdict = verify(lines, anchors)

    assert not verdict.ok
    assert wrong in {fault.line for fault in verdict.faults}, told(verdict)


def test_verify__any_single_value_changed__found(index: Index, anchors: Anchors) -> None:
    """In one line of each kind that has its value; `settled` has lies of its own above."""
    fine = []
    for (kind, name), (lines, at) in one_of_each(index).items():
        changed = [*lines]
        changed[at] = replace(lines[at], **{name: another(getattr(lines[at], name))})
        if verify(changed, anchors).ok:
            fine.append((kind, name))
    assert fine == []


def one_of_each(index: Index) -> dict[tuple[LineKind, str], tuple[list[Line], int]]:
    """By kind and column: a statement, not much longer than its line."""
    found: dict[tuple[LineKind, str], tuple[list[Line], int]] = {}
    for who in (FALLBACK, COAST, OPERATOR):
        for booked in dict.fromkeys(line.booked for line in lines_of(index, who)[1:-1]):
            lines = lines_of(index, who, booked, booked + 1)
            for at, line in enumerate(lines):
                if line.kind is LineKind.SETTLED:
                    continue
                for name in set(COLUMNS) - {"kind", "chain_id", "ledger", "slots"}:
                    if getattr(line, name):
                        found.setdefault((line.kind, name), (lines, at))
    return found


def another(value: int | str) -> int | str:
    if isinstance(value, bool):
        return not value
    return value + 1 if isinstance(value, int) else value[:-1] + ("1" if value[-1:] != "1" else "2")


def told(verdict: Verdict) -> list[str]:
    return [str(fault) for fault in verdict.faults]
