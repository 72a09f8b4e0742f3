"""What a station gets for its messages."""

from pathlib import Path

import pytest
from plug import Plug
from serving import http, served, settings, wait_until

from gridroam.chain.anvil import Anvil
from gridroam.chain.ledger import Ledger
from gridroam.domain.delivery import Status
from gridroam.domain.reasons import Reason
from gridroam.messages import OpenSession
from gridroam.relay.client import RelayClient
from gridroam.relay.schemas import message_json

pytestmark = pytest.mark.chain


def statuses(answers: list) -> list[Status]:
    return [answer.status for answer in answers]


def test_opening_and_reports_in_one_request_are_settled(
    relay: RelayClient, plug: Plug, ledger: Ledger
) -> None:
    session = [plug.opening(), plug.report(), plug.last()]
    answers = relay.send(session, ledger.domain, wait=10)
    assert statuses(answers) == [Status.CLEARED, Status.SETTLED, Status.SETTLED]
    assert [answer.digest for answer in answers] == [plug.digest(one) for one in session]
    assert ledger.session(plug.station.number).import_register == plug.register
    receipt = ledger.w3.eth.get_transaction_receipt(answers[0].transaction)
    assert receipt["blockNumber"] == answers[0].block


def test_reports_may_follow_an_opening_that_is_still_queued(relay: RelayClient, plug: Plug) -> None:
    for message in (plug.opening(), plug.report(), plug.report()):
        assert relay.send([message])[0].status in {Status.STORED, Status.SENT}
    assert relay.send([plug.last()], wait=10)[0].status is Status.SETTLED


def test_second_delivery_has_the_same_answer_and_settles_once(
    relay: RelayClient, plug: Plug, ledger: Ledger
) -> None:
    session = [plug.opening(), plug.report()]
    first = relay.send(session, wait=10)
    assert relay.send(session, wait=10) == first
    assert relay.send(session[1:], wait=10) == first[1:]
    assert ledger.session(plug.station.number).report == 1
    assert ledger.batch_count() == 1


def test_message_twice_in_one_request_has_one_answer(relay: RelayClient, plug: Plug) -> None:
    opening = plug.opening()
    one, other = relay.send([opening, opening], wait=10)
    assert one == other
    assert one.accepted


def test_one_bad_message_does_not_stop_the_others(
    relay: RelayClient, plug: Plug, other_plug: Plug
) -> None:
    stranger = other_plug.sign(other_plug.opening().message, key=plug.station.key)
    answers = relay.send([plug.opening(), stranger, plug.report()], wait=10)
    assert statuses(answers) == [Status.CLEARED, Status.REFUSED, Status.SETTLED]
    assert answers[1].reason is Reason.BAD_SIGNATURE
    assert answers[1].trouble is not None
    assert "key" in answers[1].trouble.hint


def test_unreadable_message_does_not_stop_the_others(relay_url: str, plug: Plug) -> None:
    broken = message_json(plug.report()) | {"time": "now"}
    body = {"messages": [broken, message_json(plug.opening())]}
    reply = http.post(f"{relay_url}/v1/messages", params={"wait": 10}, json=body)
    entries = reply.json()["messages"]
    assert reply.status_code == 200
    assert entries[0]["digest"] is None
    assert entries[0]["problem"]["field"] == "messages[0].time"
    assert entries[1]["status"] == "cleared"


def test_answer_without_wait_is_stored_and_status_tells_later(
    relay: RelayClient, relay_url: str, plug: Plug
) -> None:
    body = {"messages": [message_json(plug.opening())]}
    reply = http.post(f"{relay_url}/v1/messages", json=body)
    entry = reply.json()["messages"][0]
    assert reply.status_code == 202
    assert entry["status"] == "stored"
    later = http.get(relay_url + entry["links"]["self"], params={"wait": 10}).json()
    assert later["status"] == "cleared"
    assert later["transaction"].startswith("0x")


def test_wait_ends_when_the_time_is_over(relay: RelayClient, plug: Plug, anvil: Anvil) -> None:
    anvil.rpc("evm_setAutomine", False)
    try:
        answer = relay.send([plug.opening()], wait=0.3)[0]
        assert not answer.decided
        assert relay.status(answer.digest, wait=0.1).status is Status.SENT
    finally:
        anvil.rpc("evm_setAutomine", True)
        anvil.mine()
    assert relay.status(answer.digest, wait=10).status is Status.CLEARED


def test_refused_clearing_is_recorded_on_the_ledger(
    relay: RelayClient, plug: Plug, ledger: Ledger, no_default_supply: None
) -> None:
    answer = relay.send([plug.opening(vehicle=b"\x01" * 32)], wait=10)[0]
    assert (answer.status, answer.reason) == (Status.REJECTED, Reason.NO_SUPPLIER)
    assert ledger.session(plug.station.number).number == 1
    late = relay.send([plug.report()])[0]
    assert (late.status, late.reason) == (Status.REFUSED, Reason.SESSION_NOT_OPEN)


def test_refused_clearings_are_sent_a_few_times_only(
    anvil: Anvil, ledger: Ledger, plug: Plug, tmp_path: Path, no_default_supply: None
) -> None:
    chosen = settings(anvil, ledger.address, tmp_path / "relay.db", refusals_per_minute=2)
    with served(chosen) as url, RelayClient(url) as relay:
        answers = [relay.send([plug.opening(b"\x01" * 32)], wait=10)[0] for _ in range(3)]
    assert statuses(answers) == [Status.REJECTED, Status.REJECTED, Status.REFUSED]
    assert answers[2].trouble is not None
    assert answers[2].trouble.code == "too-many-refusals"
    assert answers[2].reason is Reason.NO_SUPPLIER
    assert ledger.session(plug.station.number).number == 2


def test_missing_report_can_be_delivered_later(relay: RelayClient, plug: Plug) -> None:
    opening, first, second = plug.opening(), plug.report(), plug.report()
    early = relay.send([opening, second], wait=10)[1]
    assert (early.status, early.reason) == (Status.REFUSED, Reason.REPORT_MISSING)
    assert early.may_pass_later
    assert statuses(relay.send([first, second], wait=10)) == [Status.SETTLED] * 2


def test_message_that_came_to_the_ledger_by_another_way_is_accepted(
    relay: RelayClient, plug: Plug, anvil: Anvil, ledger: Ledger, tmp_path: Path
) -> None:
    session = [plug.opening(), plug.report(), plug.last()]
    elsewhere = relay.send(session, wait=10)
    key = "0x" + anvil.keys[8].hex()
    chosen = settings(anvil, ledger.address, tmp_path / "other.db", sender_key=key)
    with served(chosen) as url, RelayClient(url) as other:
        assert other.send(session) == elsewhere
        forged = plug.sign(
            OpenSession(plug.station.number, 1, plug.vehicle, plug.time, plug.register, 0)
        )
        assert other.send([forged])[0].reason is Reason.SESSION_USED


def test_many_messages_of_one_station_are_taken_at_once(relay: RelayClient, plug: Plug) -> None:
    session = [plug.opening(), *(plug.report() for _ in range(398)), plug.last()]
    answers = relay.send(session)
    assert all(answer.status is Status.STORED for answer in answers)
    wait_until(lambda: relay.status(answers[-1].digest, wait=5).decided)
    assert all(relay.status(answer.digest).accepted for answer in answers[::40])


def test_time_is_that_of_the_next_block_where_the_last_is_old(
    relay: RelayClient, plug: Plug, anvil: Anvil
) -> None:
    plug.time += 1800
    assert relay.send([plug.opening()])[0].reason is Reason.TIME_IN_FUTURE
    anvil.set_next_time(plug.time)
    answers = relay.send([plug.sign(plug.opening().message), plug.report()], wait=10)
    assert statuses(answers) == [Status.CLEARED, Status.SETTLED]


def test_status_tells_ledger_queue_and_sender(relay: RelayClient, ledger: Ledger) -> None:
    status = relay.relay()
    assert status.domain == ledger.domain
    assert status.registry == ledger.registry_address
    assert (status.stored, status.sent) == (0, 0)
    assert status.balance is not None
    assert status.balance > 0
    assert status.head is not None
