"""Every session's receipt is proven by the chain alone; a changed one is not."""

import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
from lively import Lively

from gridroam.audit.source import NodeSource
from gridroam.domain.session import State
from gridroam.errors import BrokenFileError, InvalidInputError
from gridroam.index.queries import Index, Wanted
from gridroam.index.records import Session
from gridroam.messages import EnergyReport, Signed, unpack
from gridroam.statements.anchors import Anchors
from gridroam.statements.faults import KEPT
from gridroam.statements.receipt import MOST_LINES, read_receipt, receipt
from gridroam.statements.verify_receipt import ReceiptVerdict, verify_receipt


@pytest.fixture(scope="module")
def index(lively: Lively, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Index]:
    found = lively.index(tmp_path_factory.mktemp("index") / "index.db")
    yield found
    found.close()


@pytest.fixture
def anchors(lively: Lively) -> Anchors:
    return Anchors(NodeSource(lively.ledger), lively.anvil.url)


def written(index: Index, reports: int = 2) -> str:
    """The receipt of a closed session with so many reports or more."""
    with index.snapshot() as now:
        closed = now.sessions(Wanted(state=State.CLOSED)).items
        one = next(s for s in closed if s.reports >= reports and s.import_wh and s.version == 1)
        return json.dumps(receipt(now, one.station, one.session).as_dict())


def test_verify_receipt__of_every_session__real(index: Index, anchors: Anchors) -> None:
    with index.snapshot() as now:
        sessions = [s for s in now.sessions().items if s.state is not State.REFUSED]
        receipts = [receipt(now, s.station, s.session) for s in sessions]
    for one, session in zip(receipts, sessions, strict=True):
        verdict = verify_receipt(read_receipt(json.dumps(one.as_dict())), anchors)

        assert said(verdict) == []
        assert verdict.totals["network_charge"] == session.network_charge
        assert verdict.totals["import_wh"] == session.import_wh
    assert {one.state for one in receipts} >= {"open", "closed", "expired"}


def test_receipt__opening_that_was_refused__none(index: Index) -> None:
    with index.snapshot() as now:
        refused = now.sessions(Wanted(state=State.REFUSED)).items[0]
        with pytest.raises(InvalidInputError):
            receipt(now, refused.station, refused.session)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": "gridroam-statement-1"}'])
def test_read_receipt__something_else__broken_file(text: str) -> None:
    with pytest.raises(BrokenFileError):
        read_receipt(text)


Change = Callable[[dict[str, Any]], object]

CHANGES: dict[str, tuple[str, Change]] = {
    "a report is left out": ("messages", lambda r: r["lines"].pop(1)),
    "the last report is left out": ("whole", lambda r: r["lines"].pop()),
    "the opening is left out": ("messages", lambda r: r["lines"].pop(0)),
    "a charge": ("messages", lambda r: r["lines"][1].update(network_charge=1)),
    "the energy": ("messages", lambda r: r["lines"][1].update(import_wh=1)),
    "a slot": ("messages", lambda r: r["lines"][1]["slots"][0].update(import_wh=1)),
    "the signature": (
        "signatures",
        lambda r: r["lines"][1].update(message=r["lines"][1]["message"][:-4] + "0000"),
    ),
    "a path": ("proofs", lambda r: r["lines"][1].update(path="0x" + "11" * 32)),
    "a block": ("proofs", lambda r: r["lines"][1].update(block=1)),
    "the station's name": ("names", lambda r: r.update(evse_id="DE*OTHER")),
    "a company": ("names", lambda r: r["parties"][0].update(market_code="another")),
    "another company": ("names", lambda r: r["parties"].pop(0)),
    "somebody else in a role": (
        "names",
        lambda r: r["parties"].append(r["parties"][1] | {"role": "supplier"}),
    ),
    "its state": ("whole", lambda r: r.update(state="open")),
    "its session": ("messages", lambda r: r.update(session=r["session"] + 1)),
}


@pytest.mark.parametrize("what", CHANGES)
def test_verify_receipt__changed__not_real(index: Index, anchors: Anchors, what: str) -> None:
    row = json.loads(written(index))
    failing, change = CHANGES[what]
    change(row)

    verdict = verify_receipt(read_receipt(json.dumps(row)), anchors)

    assert not verdict.ok
    assert failing in {check.name for check in verdict.checks if not check.ok}, said(verdict)


@pytest.mark.parametrize("which", ["closed", "expired", "corrected"])
def test_verify_receipt__any_single_value_changed__not_real(
    index: Index, anchors: Anchors, which: str
) -> None:
    """Wherever it stands: at the top, where it is read first, or in a column of no meaning."""
    row = receipt_of(index, which)
    real = []
    for place in alike_once(row, NEW_IN[which]):
        changed = json.loads(json.dumps(row))
        within = changed
        for step in place[:-1]:
            within = within[step]
        within[place[-1]] = another(within[place[-1]])
        try:
            if verify_receipt(read_receipt(json.dumps(changed)), anchors).ok:
                real.append(place)
        except (BrokenFileError, InvalidInputError):
            pass
    # without a meter's record it was as real, until somebody brought one
    assert real == ([("verified",)] if row["verified"] else [])


def receipt_of(index: Index, which: str) -> dict[str, Any]:
    """`closed` and never corrected, `expired` with reports, or `corrected` by its meter."""
    fits: dict[str, Callable[[Session], bool]] = {
        "closed": lambda s: s.state is State.CLOSED and s.version == 1 and s.import_wh > 0,
        "expired": lambda s: s.state is State.EXPIRED and s.reports > 0,
        "corrected": lambda s: s.version > 1 and s.verified,
    }
    with index.snapshot() as now:
        one = next(s for s in now.sessions(limit=1_000).items if fits[which](s))
        made = receipt(now, one.station, one.session).as_dict()
    found: dict[str, Any] = json.loads(json.dumps(made))
    return found


NEW_IN = {
    "closed": ("cleared", "settled"),
    "expired": ("expired",),
    "corrected": ("correction", "reversed", "replaced"),
}


def alike_once(row: dict[str, Any], of: tuple[str, ...]) -> list[tuple[Any, ...]]:
    """Ways to values; of lines only to those of the first of these kinds, and to its first slot."""
    kinds = [line["kind"] for line in row["lines"]]
    first = {kinds.index(kind) for kind in of}
    return [
        place
        for place in places(row)
        if place[0] != "lines" or (place[1] in first and ("slots" not in place or place[3] == 0))
    ]


def test_verify_receipt__a_line_told_twice__not_real(index: Index, anchors: Anchors) -> None:
    """With a top that fits: the driver would pay the report twice."""
    row = receipt_of(index, "closed")
    for at, line in enumerate(row["lines"]):
        changed = row | {"lines": [*row["lines"][: at + 1], line, *row["lines"][at + 1 :]]}
        changed["lines"] = [x | {"line": i} for i, x in enumerate(changed["lines"], 1)]
        changed["totals"] = read_receipt(json.dumps(changed)).totals()

        verdict = verify_receipt(read_receipt(json.dumps(changed)), anchors)

        assert not verdict.ok, line["kind"]


@pytest.mark.parametrize(
    "line",
    [
        {"kind": "deposit", "leaf": "0x"},
        {"kind": "carried"},
        {"kind": "settled", "message": "0x00"},
        {"kind": "correction", "message": "0x00|0x00"},
        {"kind": "correction", "message": "nothing"},
        {"booked": 1 << 40},
        {"station": -1},
        {"batch": 1 << 300},
        {"network_charge": 1 << 300},
        {"import_wh": "1_000"},
        {"path": "0x00"},
        {"ledger": "none"},
    ],
    ids=str,
)
def test_verify_receipt__a_line_that_is_none__not_real(
    index: Index, anchors: Anchors, line: dict[str, Any]
) -> None:
    row = receipt_of(index, "closed")
    row["lines"][1] |= line

    with suppress(BrokenFileError):
        assert not verify_receipt(read_receipt(json.dumps(row)), anchors).ok


def test_verify_receipt__wider_than_its_word__not_real(index: Index, anchors: Anchors) -> None:
    """In a leaf the time stands beside the supplier, whose bits are these."""
    row = receipt_of(index, "closed")
    line = row["lines"][-1]
    line["booked"] |= line["supplier"] << 40

    with pytest.raises(BrokenFileError):
        read_receipt(json.dumps(row))


def test_verify_receipt__report_over_thirty_thousand_years__told_at_once(
    index: Index, anchors: Anchors
) -> None:
    """Its slot boundaries would not fit into any memory."""
    row = receipt_of(index, "closed")
    opening, line = row["lines"][0], row["lines"][1]
    report = unpack(bytes.fromhex(line["message"][2:])).message
    assert isinstance(report, EnergyReport)
    late = Signed(replace(report, time=(1 << 40) - 1), bytes(65))
    line |= {"message": "0x" + late.pack().hex(), "since": opening["since"] + 1}

    verdict = verify_receipt(read_receipt(json.dumps(row)), anchors)

    assert "says nothing of" in verdict.checks[0].detail


def test_verify_receipt__more_faults_than_are_kept__each_check_says_so(
    index: Index, anchors: Anchors
) -> None:
    row = receipt_of(index, "closed")
    row["lines"] = row["lines"][:1] + row["lines"][1:2] * (2 * KEPT)
    row["lines"][1] = row["lines"][1] | {"path": "0x" + "11" * 32}

    verdict = verify_receipt(read_receipt(json.dumps(row)), anchors)

    assert {"messages", "proofs"} <= {check.name for check in verdict.checks if not check.ok}


@pytest.mark.parametrize("text", ["[" * 100_000, '{"lines": ' + "[" * 100_000])
def test_read_receipt__deeper_than_can_be_read__broken_file(text: str) -> None:
    with pytest.raises(BrokenFileError):
        read_receipt(text)


def test_read_receipt__more_lines_than_a_session_has__broken_file(index: Index) -> None:
    row = receipt_of(index, "closed")
    row["lines"] = row["lines"][:1] * (MOST_LINES + 1)

    with pytest.raises(BrokenFileError, match="too large"):
        read_receipt(json.dumps(row))


def places(value: Any, here: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Ways to every value that holds no others."""
    if not isinstance(value, dict | list):
        yield here
        return
    for step, within in value.items() if isinstance(value, dict) else enumerate(value):
        yield from places(within, (*here, step))


def another(value: Any) -> Any:
    if isinstance(value, bool):
        return not value
    return value + 1 if isinstance(value, int) else value[:-1] + ("1" if value[-1:] != "1" else "2")


def of_kind(row: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    return [line for line in row["lines"] if line["kind"] == kind]


CHANGES_OF_CORRECTED: dict[str, tuple[str, Change]] = {
    "the last version is left out": (
        "whole",
        lambda r: r.update(lines=[x for x in r["lines"] if x["booked"] < r["lines"][-1]["booked"]]),
    ),
    "all versions are left out": (
        "whole",
        lambda r: r.update(lines=[x for x in r["lines"] if x["version"] == 1 and x["report"]]),
    ),
    "a part is left out": ("messages", lambda r: r["lines"].remove(of_kind(r, "reversed")[0])),
    "a part's energy": ("messages", lambda r: of_kind(r, "replaced")[0].update(import_wh=1)),
    "its hash": ("messages", lambda r: of_kind(r, "correction")[0].update(digest="0x" + "00" * 32)),
    "the meter": ("whole", lambda r: r.update(verified=True)),
}


@pytest.mark.parametrize("what", CHANGES_OF_CORRECTED)
def test_verify_receipt__of_a_corrected_session_changed__not_real(
    index: Index, anchors: Anchors, what: str
) -> None:
    with index.snapshot() as now:
        row = receipt(now, 2, 1).as_dict()
    assert row["version"] == 3
    assert verify_receipt(read_receipt(json.dumps(row)), anchors).ok
    failing, change = CHANGES_OF_CORRECTED[what]
    change(row)

    verdict = verify_receipt(read_receipt(json.dumps(row)), anchors)

    assert failing in {check.name for check in verdict.checks if not check.ok}, said(verdict)


def test_verify_receipt__of_another_ledger__refused(index: Index, anchors: Anchors) -> None:
    row = json.loads(written(index)) | {"ledger": "0x" + "11" * 20}

    with pytest.raises(InvalidInputError):
        verify_receipt(read_receipt(json.dumps(row)), anchors)


def said(verdict: ReceiptVerdict) -> list[str]:
    return [f"{check.name}: {check.detail}" for check in verdict.checks if not check.ok]
