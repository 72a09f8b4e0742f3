"""The check mark is found out from the chain when the page is made: every lie that an index or a
node can tell turns it."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import httpx
import pytest
from scene import NORTH, Scene
from sqlalchemy import text
from visiting import client, enter

from gridroam.console.proof import Check, Finding, prove, worst
from gridroam.index.queries import Wanted
from gridroam.index.records import Story

GOOD, WRONG = 'class="note-box good" id="verdict"', 'class="note-box bad" id="verdict"'


@pytest.fixture(scope="module")
def told(shop: Scene) -> Story:
    with shop.console.index.snapshot() as now:
        wanted = Wanted(supplier=shop.number(NORTH), fed_back=True)
        (session,) = now.sessions(wanted, limit=1).items
        story = now.story(session.station, session.session)
    assert story is not None
    return story


@pytest.fixture
def page(shop: Scene, told: Story) -> Iterator[Any]:
    with client(shop.url) as http:
        enter(http, shop.number(NORTH))
        path = f"/console/sessions/{told.session.station}/{told.session.session}"
        yield lambda: http.get(path).text


@contextmanager
def changed(shop: Scene, statement: str, back: str, **values: Any) -> Iterator[None]:
    """The index's database, by somebody who can write to it."""

    def run(each: str) -> None:
        with shop.console.index.store.write() as connection:
            assert connection.execute(text(each), values).rowcount >= 1

    run(statement)
    try:
        yield
    finally:
        run(back)


def test_page__nobody_lied__is_good(page: Any) -> None:
    assert GOOD in page()


@pytest.mark.parametrize(
    "column", ["import_wh", "export_wh", "network_charge", "service_fee", "feed_in", "time"]
)
def test_page__index_says_another_amount__is_wrong(
    shop: Scene, told: Story, page: Any, column: str
) -> None:
    where = f"WHERE message = {told.settlements[0].message}"
    there = f"UPDATE chain_settlements SET {column} = {column} + 1 {where}"
    back = f"UPDATE chain_settlements SET {column} = {column} - 1 {where}"
    with changed(shop, there, back):
        html = page()
        assert WRONG in html
        assert "The ledger settled other amounts." in html
    assert GOOD in page()


def test_page__index_says_another_supplier__is_wrong(shop: Scene, told: Story, page: Any) -> None:
    opening = told.messages[0]
    there = "UPDATE chain_messages SET supplier = supplier + 1 WHERE id = :id"
    back = "UPDATE chain_messages SET supplier = supplier - 1 WHERE id = :id"
    with changed(shop, there, back, id=opening.id):
        assert "did not clear it for this supplier" in page()


def test_page__index_says_another_message__is_wrong(shop: Scene, told: Story, page: Any) -> None:
    opening = told.messages[0]
    body = bytearray(opening.body)
    body[20] ^= 1  # its import register
    update = "UPDATE chain_messages SET body = :{} WHERE id = :id"
    values = {"id": opening.id, "new": bytes(body), "old": opening.body}
    with changed(shop, update.format("new"), update.format("old"), **values):
        html = page()
        assert WRONG in html
        assert "does not stand in its calldata" in html


def test_page__index_makes_a_settlement_a_rejection__contradicts_itself(
    shop: Scene, told: Story, page: Any
) -> None:
    report = told.messages[1]
    there = "UPDATE chain_messages SET reason = 12 WHERE id = :id"
    back = "UPDATE chain_messages SET reason = 0 WHERE id = :id"
    with changed(shop, there, back, id=report.id):
        assert "The index contradicts itself." in page()


class Liar:
    """Stands between the console and its node, and changes one answer."""

    def __init__(self, shop: Scene, method: str, lie: Any) -> None:
        self.provider = shop.stage.ledger.w3.provider
        self._honest, self._method, self._lie = self.provider.make_request, method, lie

    def __enter__(self) -> None:
        def request(method: Any, params: Any) -> Any:
            answer = self._honest(method, params)
            return self._lie(answer) if method == self._method else answer

        self.provider.make_request = request  # type: ignore[method-assign]
        self.provider._request_func_cache = (None, None)

    def __exit__(self, *_: object) -> None:
        del self.provider.make_request
        self.provider._request_func_cache = (None, None)


def finding(shop: Scene, told: Story) -> Finding:
    return worst([proof.finding for proof in prove(shop.stage.ledger, told)])


def test_proof__node_says_all__is_proven(shop: Scene, told: Story) -> None:
    assert finding(shop, told) is Finding.PROVEN


def test_proof__node_leaves_out_a_transaction__is_wrong(shop: Scene, told: Story) -> None:
    with Liar(shop, "eth_getTransactionByHash", lambda a: {**a, "result": None}):
        assert finding(shop, told) is Finding.WRONG


def test_proof__node_alters_a_log__is_wrong(shop: Scene, told: Story) -> None:
    def lie(answer: Any) -> Any:
        logs = [
            {**log, "data": "0x" + f"{int(log['data'][2:66], 16) ^ 1:064x}" + log["data"][66:]}
            if len(log["data"]) >= 66
            else log
            for log in answer["result"]["logs"]
        ]
        return {**answer, "result": {**answer["result"], "logs": logs}}

    with Liar(shop, "eth_getTransactionReceipt", lie):
        assert finding(shop, told) is Finding.WRONG


def test_proof__node_alters_calldata__is_wrong(shop: Scene, told: Story) -> None:
    def lie(answer: Any) -> Any:
        data = bytearray.fromhex(answer["result"]["input"][2:])
        for place in range(200, len(data), 40):
            data[place] ^= 1
        return {**answer, "result": {**answer["result"], "input": "0x" + data.hex()}}

    with Liar(shop, "eth_getTransactionByHash", lie):
        assert finding(shop, told) is Finding.WRONG


def test_proof__node_fails__is_unknown(shop: Scene, told: Story) -> None:
    error = {"jsonrpc": "2.0", "id": 1, "error": {"code": -32000, "message": "busy"}}
    with Liar(shop, "eth_getTransactionReceipt", lambda _: error):
        assert finding(shop, told) is Finding.UNKNOWN


def test_proof__vehicle_signed__is_looked_at(shop: Scene, told: Story) -> None:
    station, session = shop.open_somewhere(NORTH, car_key=b"\x07" * 32)
    shop.wait_for_index()
    with shop.console.index.snapshot() as now:
        signed = now.story(station, session)
    assert signed is not None
    assert signed.session.signed
    (opening,) = prove(shop.stage.ledger, signed)
    assert Check("vehicle", Finding.PROVEN, opening.checks[-1].detail) == opening.checks[-1]
    claimed = replace(told, session=replace(told.session, signed=True))
    assert finding(shop, claimed) is Finding.WRONG, "no vehicle signed that one"


# ----------------------------------------------------------------------------------------- receipts


def receipt_of(shop: Scene, told: Story) -> str:
    with client(shop.url) as http:
        enter(http, shop.number(NORTH))
        path = f"/console/sessions/{told.session.station}/{told.session.session}/receipt.json"
        return http.get(path).text


def test_receipt__unchanged__is_real_for_anybody(
    shop: Scene, told: Story, stranger: httpx.Client
) -> None:
    receipt = receipt_of(shop, told)
    html = stranger.post("/console/receipt", data={"text": receipt}).text
    assert "Yes, this receipt is real." in html
    as_file = {"file": ("receipt.json", receipt, "application/json")}
    assert "Yes, this receipt is real." in stranger.post("/console/receipt", files=as_file).text


def test_receipt__changed__is_not(shop: Scene, told: Story, stranger: httpx.Client) -> None:
    receipt = receipt_of(shop, told)
    charge = next(s.network_charge for s in told.settlements if s.network_charge)
    assert str(charge) in receipt
    html = stranger.post(
        "/console/receipt", data={"text": receipt.replace(str(charge), str(charge + 1))}
    ).text
    assert "No, this receipt is not what the chain says." in html


@pytest.mark.parametrize("text", ["", "{}", "no receipt", '{"format": "gridroam-receipt-1"}'])
def test_receipt__none__says_so(stranger: httpx.Client, text: str) -> None:
    answer = stranger.post("/console/receipt", data={"text": text})
    assert answer.status_code == 400
    assert "Is this receipt real?" in answer.text


def test_receipt__enormous__is_refused_while_it_comes(stranger: httpx.Client) -> None:
    big = {"file": ("receipt.json", b"x" * 4_000_000, "application/json")}
    assert stranger.post("/console/receipt", files=big).status_code == 413


def test_receipt__changed__is_told_in_german(shop: Scene, told: Story) -> None:
    receipt = json.loads(receipt_of(shop, told))
    receipt["lines"][1]["import_wh"] += 1
    receipt["lines"].pop()
    with client(shop.url, "de-DE") as german:
        html = german.post("/console/receipt", data={"text": json.dumps(receipt)}).text
        receipt["ledger"] = "0x" + "11" * 20
        of_another = german.post("/console/receipt", data={"text": json.dumps(receipt)}).text
    assert "Zeile 2: import_wh ist" in html
    assert "wurde aber abgerechnet" in html
    assert " must be " not in html
    assert "Der Beleg ist von einem anderen Hauptbuch" in of_another
