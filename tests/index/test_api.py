"""The query API over HTTP: every list in both formats, pages, the head in every answer, events that
go on where a client was cut off, receipts and statements."""

import asyncio
import base64
import csv
import io
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from corrected import Corrector
from lively import Lively
from traffic import Traffic

from gridroam.allocation.identity import identity
from gridroam.api import quarters, sessions
from gridroam.api.app import create_app
from gridroam.api.events import Place
from gridroam.api.service import Queries
from gridroam.audit.source import NodeSource
from gridroam.domain.session import State
from gridroam.domain.slots import SLOT
from gridroam.http import serving
from gridroam.http.keys import ApiKeys
from gridroam.http.operator import Operator
from gridroam.http.server import Server, listen
from gridroam.index.follower import Follower
from gridroam.index.queries import Snapshot, Wanted
from gridroam.index.records import Session
from gridroam.settings import IndexSettings
from gridroam.statements import formats
from gridroam.statements.anchors import Anchors
from gridroam.statements.verify import verify

BOTH, RICH, FALLBACK, COAST, OPERATOR = 2, 1, 3, 4, 6
FROM_THE_START = "0-0.0-0-"
EXPIRED = "SessionExpired"
"""An act that is told as a message."""
LISTS = (
    "participants",
    "participants/1/journal",
    "participants/1/postings?by=day",
    "participants/1/series?role=supplier",
    "participants/1/series?role=supplier&step=day",
    "pairs",
    "payments",
    "stations",
    "stations?state=ready&text=charg",
    "vehicles",
    "meters",
    "sessions",
    "sessions?supplier=1&fed_back=true&sort=-cost",
    "sessions?state=expired&since=2026-01-01",
    "rejections",
    "rejections?reason=bad-signature",
    "batches",
    "acts",
    "acts?name=SessionDisputed&participant=1",
    "allocations",
    "deltas?grid_operator=4",
)


@pytest.fixture(scope="module")
def service(lively: Lively, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Queries]:
    index = lively.index(tmp_path_factory.mktemp("index") / "index.db")
    anchors = Anchors(NodeSource(lively.ledger), lively.anvil.url)
    yield Queries(index, lambda: anchors, Operator(ApiKeys([])))
    index.close()


@pytest.fixture(scope="module")
def follower(service: Queries, lively: Lively) -> Follower:
    return Follower(service.index, NodeSource(lively.ledger))


@pytest.fixture(scope="module")
def client(service: Queries) -> Iterator[httpx.Client]:
    settings = IndexSettings()
    app = create_app(service, None, settings)
    with listen("127.0.0.1", 0) as listening:
        server = Server(app, serving.of(settings), app.state.drain)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        port = listening.getsockname()[1]
        with httpx.Client(base_url=f"http://127.0.0.1:{port}/v1/chain/", timeout=20) as client:
            yield client
        server.should_exit = True
        thread.join()


@pytest.mark.parametrize("path", LISTS)
def test_list__json_and_csv__same_rows(client: httpx.Client, path: str) -> None:
    found = client.get(path)
    body = found.json()
    table = client.get(path, headers={"Accept": "text/csv"})

    assert found.status_code == table.status_code == 200
    assert body["indexed"]["behind"] == 0
    assert found.headers["X-Index-Block"] == str(body["indexed"]["block"])
    rows = list(csv.DictReader(io.StringIO(table.text)))
    assert len(rows) == len(body["items"])
    assert path.startswith(("deltas", "stations?", "sessions?", "acts")) or rows


def test_list__page_by_page__every_row_once(client: httpx.Client) -> None:
    whole = client.get("sessions").json()["items"]
    pages, after = [], None
    while True:
        page = client.get("sessions", params={"limit": 3} | ({"after": after} if after else {}))
        pages += page.json()["items"]
        after = page.json()["next"]
        assert ('rel="next"' in page.headers.get("Link", "")) == bool(after)
        if not after:
            break

    assert pages == whole
    assert len(whole) > 6


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("participants/99", 404, "unknown-record"),
        ("stations/99", 404, "unknown-record"),
        ("sessions/1/99", 404, "unknown-record"),
        ("sessions/1/99/receipt", 404, "unknown-record"),
        ("batches/999", 404, "unknown-record"),
        (f"vehicles/0x{'11' * 32}", 404, "unknown-record"),
        ("vehicles/0x11", 422, "wrong-format"),
        ("sessions?after=nonsense", 422, "wrong-value"),
        ("sessions?since=yesterday", 422, "wrong-value"),
        ("sessions?limit=0", 422, "out-of-range"),
        ("participants/1/statement?since=2030-01-01&until=2029-01-01", 422, "wrong-value"),
        (f"participants/{1 << 80}", 422, "out-of-range"),
        (f"participants/{1 << 80}/series?role=supplier", 422, "out-of-range"),
        (f"sessions/1/{1 << 80}", 422, "out-of-range"),
        ("stations/-1", 422, "out-of-range"),
        (f"vehicles/0x{'11 ' * 31}11", 422, "wrong-format"),
        (f"sessions?since={'9' * 40}", 422, "wrong-value"),
        ("sessions?since=1900-01-01", 422, "wrong-value"),
        (f"batches?after={base64.urlsafe_b64encode(b'[1e999]').decode()}", 422, "wrong-value"),
        (
            f"batches?after={base64.urlsafe_b64encode(b'[%d]' % 10**40).decode()}",
            422,
            "wrong-value",
        ),
        ("deltas?grid_operator=4&since=2020-01-01", 422, "wrong-value"),
        ("nothing", 404, "not-found"),
        ("stations/", 404, "not-found"),
    ],
)
def test_get__what_is_not_there_or_wrong__problem(
    client: httpx.Client, path: str, status: int, code: str
) -> None:
    found = client.get(path)

    assert (found.status_code, found.json()["code"]) == (status, code)


@pytest.mark.parametrize("path", ["allocations", "participants/1/series?role=supplier"])
def test_list__without_pages_and_too_long__problem_says_to_ask_for_less(
    client: httpx.Client, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    rows = len(client.get(path).json()["items"])
    monkeypatch.setattr(quarters, "_MOST_ROWS", rows)
    assert client.get(path).status_code == 200
    monkeypatch.setattr(quarters, "_MOST_ROWS", rows - 1)

    found = client.get(path)

    assert (found.status_code, found.json()["code"]) == (422, "wrong-value")
    assert "since and until" in found.json()["detail"]


def test_receipts__others_are_checked_for_long__asked_to_come_again(
    client: httpx.Client, service: Queries, monkeypatch: pytest.MonkeyPatch
) -> None:
    with service.snapshot() as (now, _):
        one = now.sessions(Wanted(state=State.CLOSED)).items[0]
    real = client.get(f"sessions/{one.station}/{one.session}/receipt").json()
    monkeypatch.setattr(sessions, "_PATIENCE", 0.1)
    monkeypatch.setattr(service, "proofs", asyncio.Semaphore(0))

    found = client.post("receipts", json=real)

    assert (found.status_code, found.json()["code"]) == (502, "node-failing")
    assert found.headers["Retry-After"]


def test_get__format_that_there_is_not__406(client: httpx.Client) -> None:
    assert client.get("sessions", headers={"Accept": "image/png"}).status_code == 406


def test_story__has_registers_slots_postings_and_messages(
    client: httpx.Client, service: Queries
) -> None:
    with service.index.snapshot() as now:
        one = next(s for s in now.sessions(Wanted(state=State.CLOSED)).items if s.import_wh)
    story = client.get(f"sessions/{one.station}/{one.session}").json()["story"]

    assert sum(slot["import_wh"] for slot in story["slots"]) == one.import_wh
    assert sum(part["network_charge"] for part in story["settlements"]) == one.network_charge
    accepted = [message for message in story["messages"] if message["accepted"]]
    assert accepted[0]["kind"] == "opening"
    assert story["readings"][-1]["import_register"] == one.import_register


@pytest.mark.parametrize("form", formats.SUFFIXES)
def test_statement__downloaded__verified_by_the_chain(
    client: httpx.Client, service: Queries, tmp_path: Path, form: str
) -> None:
    found = client.get("participants/1/statement", params={"format": form})
    path = tmp_path / f"statement.{form}"
    path.write_bytes(found.content)
    assert service.anchors is not None

    assert verify(formats.read(path), service.anchors()).ok
    assert found.headers["Content-Disposition"].endswith(f'"statement-1.{form}"')


def test_receipt__checked_by_the_service(client: httpx.Client, service: Queries) -> None:
    with service.index.snapshot() as now:
        one = next(s for s in now.sessions(Wanted(state=State.CLOSED)).items if s.import_wh)
    made = client.get(f"sessions/{one.station}/{one.session}/receipt").json()

    assert client.post("receipts", json=made).json()["verdict"] == "ok"
    made["lines"][1]["import_wh"] += 1
    assert client.post("receipts", json=made).json()["verdict"] == "wrong"
    assert client.post("receipts", json={"format": "nothing"}).status_code == 422


def test_series__brought_in_by_the_operator_only__identity(
    client: httpx.Client, service: Queries
) -> None:
    meter = client.get("meters").json()["items"][0]["id"]
    text = "start;import_wh;export_wh\n1970-01-01T00:00:00Z;9;0\n"
    brought = client.put(f"meters/{meter}/series", content=text)
    through_proxy = {"X-Forwarded-For": "203.0.113.5"}

    assert brought.json() == {"slots": 1}
    found = client.get(f"meters/{meter}/identity?since=0&until=900").json()["items"]
    assert [(slot["delta_import_wh"], slot["over_claimed"]) for slot in found] == [(9, False)]
    refused = client.put(f"meters/{meter}/series", content=text, headers=through_proxy)
    assert refused.status_code == 401
    assert client.put(f"meters/{meter}/series", content="nonsense").status_code == 422


def test_claims__of_a_slot__in_one_direction_and_as_csv(
    client: httpx.Client, service: Queries
) -> None:
    with service.snapshot() as (now, _):
        meter = now.station(BOTH).meter  # type: ignore[union-attr]
        slots = identity(now, meter, 0, SLOT << 29).slots
    slot = next(s for s in slots if s.import_wh and s.export_wh)
    path = f"meters/0x{meter.hex()}/claims?slot={slot.time}"
    both = client.get(path).json()["items"]
    fed = client.get(path + "&direction=export").json()["items"]

    assert sum(row["import_wh"] for row in both) == slot.import_wh
    assert sum(row["export_wh"] for row in fed) == slot.export_wh
    assert all(row["export_wh"] and row["station"] == BOTH for row in fed)
    assert len(client.get(path + "&format=csv").text.splitlines()) == len(both) + 1
    for wrong in ("slot=1", "slot=", "slot=900&direction=up"):
        assert client.get(f"meters/0x{meter.hex()}/claims?{wrong}").status_code == 422
    assert client.get("meters/0x" + "00" * 32 + "/claims?slot=900").status_code == 422


def test_events__cut_off_and_again__nothing_missing(
    client: httpx.Client, service: Queries, follower: Follower, lively: Lively
) -> None:
    with service.index.snapshot() as now:
        messages = [("message", one.id) for one in now.messages_after(0, 1_000)]
        acts = [(one.block, one.log) for one in now.acts(limit=1_000).items if one.name != EXPIRED]
    count = len(messages) + len(acts)
    first = _events(client, FROM_THE_START, count // 2)
    rest = _events(client, first[-1]["id"], count - count // 2)

    told = [(event["name"], json.loads(event["data"])) for event in (*first, *rest)]
    assert [_which(data) for _, data in told if "id" in data] == messages
    assert [_which(data) for _, data in told if "log" in data] == acts[::-1]
    assert [data["block"] for _, data in told] == sorted(data["block"] for _, data in told)
    assert {name for name, _ in told} == {
        *("cleared", "settled", "rejected", "expired", "superseded", "switched"),
        *("disputed", "proposed", "consented", "corrected", "verified"),
    }


def _which(data: dict[str, Any]) -> tuple[Any, Any]:
    return (data["block"], data["log"]) if "log" in data else ("message", data["id"])


def test_events__cut_off_after_any_event__goes_on_with_the_next(client: httpx.Client) -> None:
    """Also between two acts of one block, and between a message and an act."""
    everything = _events(client, FROM_THE_START, 400)
    acts = [i for i, event in enumerate(everything[:-1]) if '"log":' in event["data"]]
    for place in acts[::3]:
        assert _events(client, everything[place]["id"], 1) == [everything[place + 1]]


def test_events__of_a_participant__acts_on_what_it_has_a_part_in(
    client: httpx.Client, service: Queries
) -> None:
    """A supplier that a proposal brings into the session is told of it."""
    with service.index.snapshot() as now:
        mine = [
            (one.block, one.log)
            for one in now.acts(limit=1_000).items[::-1]
            if one.name != EXPIRED and FALLBACK in now.parties(one.station, one.session)
        ]
        assert any(
            FALLBACK not in {s.supplier, s.first_supplier, s.grid_operator, s.station_operator}
            for place in mine
            for s in [_session_of(now, place)]
        )
    told = [
        json.loads(event["data"])
        for event in _events(client, FROM_THE_START, 10_000, f"events?participant={FALLBACK}")
    ]

    acts = [data for data in told if "log" in data]
    assert [_which(data) for data in acts] == mine
    assert all(FALLBACK in data["parties"] for data in acts)


def _session_of(now: Snapshot, place: tuple[int, int]) -> Session:
    (act,) = [a for a in now.acts(limit=1_000).items if (a.block, a.log) == place]
    found = now.session(act.station, act.session)
    assert found is not None
    return found


def test_events__disputed_and_proposed_now__told_with_where_the_rest_is(
    client: httpx.Client, service: Queries, follower: Follower, lively: Lively
) -> None:
    with service.index.snapshot() as now:
        start = _place(now)
    with lively.passing():
        corrector = Corrector(Traffic(lively.anvil, lively.ledger, lively.market))
        present = corrector.present(BOTH, 2)
        corrector.dispute(OPERATOR, BOTH, 2, reason=5)
        corrector.propose(RICH, present, corrector.change(present, imported=-450))
        corrector.bring(corrector.false_proof(BOTH, 2))
        follower.catch_up()
        told = _events(client, start, 8)
        proposals = client.get("proposals", params={"station": BOTH, "session": 2}).json()["items"]
    follower.catch_up()

    assert [event["name"] for event in told] == [
        "disputed",
        "proposed",
        "consented",
        "proof-refused",
    ]
    disputed, proposed, consented, refused = (json.loads(event["data"]) for event in told)
    assert (disputed["details"]["by"], disputed["details"]["reason"]) == (OPERATOR, 5)
    assert {(data["station"], data["session"]) for data in (disputed, proposed)} == {(BOTH, 2)}
    assert {RICH, COAST, OPERATOR} <= set(proposed["parties"])
    assert proposed["details"]["content"] == proposals[0]["draft"]["content"]
    assert (refused["station"], refused["details"]["reason"]) == (BOTH, "OnFile")
    assert consented["details"]["content"] == proposed["details"]["content"]


def test_events__chain_goes_another_way__reset(
    client: httpx.Client, service: Queries, follower: Follower, lively: Lively
) -> None:
    with lively.passing():
        lively.go_on(seed=8, batches=1)
        follower.catch_up()
        with service.index.snapshot() as now:
            head, place = now.head(), _place(now)
            assert head is not None
    follower.catch_up()

    reset = _events(client, place, 1)[0]

    assert reset["name"] == "reset"
    assert json.loads(reset["data"])["block"] < head.block


def test_events__chain_goes_another_way_while_one_catches_up__reset(
    client: httpx.Client, service: Queries, follower: Follower, lively: Lively
) -> None:
    """The client was told of some of a vanished block, and not yet of where the index is."""
    with service.index.snapshot() as now:
        start, head = _place(now), now.head()
        assert head is not None
    with lively.passing():
        lively.go_on(seed=9, batches=1)
        follower.catch_up()
        (first,) = _events(client, start, 1)
    follower.catch_up()

    reset = _events(client, first["id"], 1)[0]

    assert json.loads(first["data"])["block"] > head.block
    assert reset["name"] == "reset"
    assert json.loads(reset["data"])["block"] == head.block


def test_events__cursor_of_another_list__problem(client: httpx.Client) -> None:
    for cursor in ("nonsense", "0-1-abcd", "1-2.3-4-ABCD", "-".join(["1"] * 5)):
        answer = client.get("events", headers={"Last-Event-ID": cursor})
        assert (answer.status_code, answer.json()["code"]) == (422, "wrong-cursor"), cursor


def _place(now: Snapshot) -> str:
    head = now.head()
    assert head is not None
    return str(Place.end_of(now, head.block, head.block_hash.hex()[:8]))


def _events(
    client: httpx.Client, after: str, count: int, path: str = "events"
) -> list[dict[str, str]]:
    """That many, or all that there are."""
    found: list[dict[str, str]] = []
    current: dict[str, str] = {}
    with client.stream("GET", path, headers={"Last-Event-ID": after}) as answer:
        for line in answer.iter_lines():
            name, _, value = line.partition(": ")
            if line:
                current["name" if name == "event" else name] = value
            elif "data" in current:
                if current["name"] == "block":
                    return found
                found.append(current)
                current = {}
                if len(found) >= count:
                    return found
            else:
                current = {}
    return found


def test_sessions__corrected_disputed_verified__are_filtered(client: httpx.Client) -> None:
    corrected = client.get("sessions", params={"corrected": True, "limit": 1_000}).json()["items"]
    disputed = client.get("sessions", params={"disputed": True}).json()["items"]
    both = client.get("sessions", params={"corrected": True, "verified": True}).json()["items"]

    assert {one["version"] > 1 for one in corrected} == {True}
    assert [one["disputed"] for one in disputed] == [True]
    assert len(both) == 1 < len(corrected)


def test_versions__corrected_session__each_in_whole(client: httpx.Client) -> None:
    versions = client.get("sessions/2/1/versions").json()["items"]
    story = client.get("sessions/2/1").json()["story"]

    assert [one["draft"]["number"] for one in versions] == [1, 2, 3]
    assert versions == story["versions"]
    registers = versions[2]["draft"]["registers"]
    assert registers[-1]["import_register"] == story["session"]["import_register"]
    assert versions[1]["agreed"]


def test_proposals__awaiting_somebody__page_by_page(client: httpx.Client) -> None:
    everything = client.get("proposals", params={"limit": 1_000}).json()["items"]
    found: list[Any] = []
    after: dict[str, str] = {}
    while True:
        page = client.get("proposals", params={"limit": 2, **after}).json()
        found += page["items"]
        if not page["next"]:
            break
        after = {"after": page["next"]}
    waiting = client.get("proposals", params={"awaiting": 6}).json()["items"]

    assert found == everything
    assert {one["state"] for one in everything} == {"open", "in-force", "void"}
    assert all(6 in one["missing"] for one in waiting)
    assert waiting
    assert client.get("proposals", params={"station": 2}).status_code == 422
