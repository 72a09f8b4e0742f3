"""A statement of every account agrees with the chain, in every format; every lie in it is found and
the line named."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from lively import START, Lively

from gridroam.audit.source import NodeSource
from gridroam.index.queries import Index, Wanted
from gridroam.statements import formats
from gridroam.statements.anchors import Anchors
from gridroam.statements.lines import Line, LineKind
from gridroam.statements.make import statement
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


def test_statement__supplier_changed_on_the_road__each_has_its_part(
    index: Index, lively: Lively
) -> None:
    station = lively.market.stations["both-ways"].number
    with index.snapshot() as now:
        found = next(
            s for s in now.sessions(Wanted(supplier=FALLBACK)).items if s.first_supplier == RICH
        )
        assert found in now.sessions(Wanted(supplier=RICH), limit=1_000).items
        split = [s for s in now.story(station, found.session).settlements if s.report == 1]
        switched = [act.name for act in now.story(station, found.session).acts]
    mine = [
        [
            line
            for line in lines_of(index, who)
            if (line.station, line.session) == (station, found.session)
        ]
        for who in (RICH, FALLBACK, COAST)
    ]

    assert [s.supplier for s in split] == [RICH, FALLBACK]
    assert switched == ["SupplierSwitched"]
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


@pytest.mark.parametrize("suffix", formats.SUFFIXES)
def test_write_read__every_format__same_lines(index: Index, tmp_path: Path, suffix: str) -> None:
    lines = lines_of(index, TOWN)
    path = tmp_path / f"statement.{suffix}"
    formats.write(path, lines)

    assert list(formats.read(path)) == lines


# ------------------------------------------------------------------------------------------- lies


def settled(lines: list[Line]) -> list[int]:
    found = [i for i, line in enumerate(lines) if line.kind is LineKind.SETTLED and line.import_wh]
    assert len(found) > 3
    return found


Lie = Callable[[list[Line]], tuple[list[Line], int]]
"""Gives the lines with the lie in them, and the number of the line that is wrong."""


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


def without_opening(lines: list[Line]) -> tuple[list[Line], int]:
    at = next(i for i, line in enumerate(lines) if line.kind is LineKind.CLEARED)
    return renumbered(lines[:at] + lines[at + 1 :]), lines[at].line


def other_end(lines: list[Line]) -> tuple[list[Line], int]:
    return [*lines[:-1], replace(lines[-1], balance=lines[-1].balance + 1)], lines[-1].line


def cut_short(lines: list[Line]) -> tuple[list[Line], int]:
    """The last entries are left out, and the closing balance is made to fit."""
    at = settled(lines)[-1]
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


def told(verdict: Verdict) -> list[str]:
    return [str(fault) for fault in verdict.faults]
