"""Disputes, consents, corrections and meters' records: derived anew they are what the contract
made of them, and whatever is changed about them is named."""

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from desk import Desk
from eth_account import Account
from eth_account.signers.local import LocalAccount
from eth_utils.crypto import keccak
from lying_node import Lie, Node, node_before
from player import Player
from test_audit import Liar, texts
from traffic import Traffic

from gridroam import audit
from gridroam.audit.source import NodeSource, Transaction
from gridroam.chain import abi, events
from gridroam.chain.ledger import Ledger
from gridroam.errors import FalseAnswerError
from gridroam.evidence.corrections import Corrections, proof

if TYPE_CHECKING:
    from conftest import RunningMarket


@pytest.fixture(scope="module")
def acts(running_market: "RunningMarket") -> Iterator[Desk]:
    """One session is disputed, corrected by agreement, and by its meter; the next one is what its
    meter says, and disputed all the same. Played once."""
    anvil, ledger = running_market.anvil, running_market.ledger
    snapshot = anvil.rpc("evm_snapshot")
    anybody: LocalAccount = Account.from_key(anvil.keys[2])
    desk = Desk(Traffic(anvil, ledger, running_market.market), Corrections(ledger), anybody)
    player = Player(desk.traffic)
    player.put_meter_on_file()
    first = desk.evidence(wrong=250)
    player.session(6_000, first.digest)
    desk.dispute()
    desk.agree(desk.less(500))
    refused = proof(desk.story, first)
    desk.prove_all(refused, proof(desk.story, first, desk.present))
    second = desk.evidence(page=8)
    player.session(6_000, second.digest)
    other = replace(desk, session=2)
    desk.corrections.send_encoded(desk.anybody, proof(other.story, second))
    other.dispute()
    yield desk
    anvil.rpc("evm_revert", snapshot)
    anvil.rpc("evm_setTime", int(time.time() * 1000))


def test_audit__after_corrections__derives_the_same(acts: Desk, ledger: Ledger) -> None:
    believed = audit.run(NodeSource(ledger))
    assert texts(believed) == []
    proven = audit.run(audit.open_source(acts.traffic.anvil.url, ledger.address, processes=1))
    assert proven == believed
    counts = proven.counts
    assert (counts["disputed"], counts["corrected"], counts["verified"]) == (2, 2, 2)
    assert [e.import_wh for e in proven.energy] == [6_250 + 6_000]
    assert "Corrected 2, by meters verified 2" in proven.lines()


def test_audit__in_several_processes__derives_the_same(
    acts: Desk, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gridroam.audit.source.FEW", 0)
    report = audit.run(audit.open_source(acts.traffic.anvil.url, ledger.address, processes=1))
    assert texts(report) == []


# ---------------------------------------------------------------------------------- what is changed


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        (events.SessionDisputed, "standing of station 2, session 2.disputed"),
        (events.CorrectionProposed, "propose"),
        (events.CorrectionConsented, "CorrectionConsented: derived CorrectionConsented("),
        (events.SessionCorrected, "SessionCorrected: derived SessionCorrected("),
        (events.SessionMeterVerified, "SessionMeterVerified: derived SessionMeterVerified("),
    ],
)
def test_audit__omitted_event__is_missed(
    acts: Desk, ledger: Ledger, kind: type[events.Event], said: str
) -> None:
    liar = Liar(ledger, event=lambda event: None if isinstance(event, kind) else event)
    report = audit.run(liar)
    assert any(said in text for text in texts(report)), texts(report)


def altered(kind: type[events.Event], **changes: Any) -> Callable[[events.Event], events.Event]:
    def alter(event: events.Event) -> events.Event:
        return replace(event, **changes) if isinstance(event, kind) else event

    return alter


@pytest.mark.parametrize(
    ("kind", "changes", "field"),
    [
        (events.SessionDisputed, {"reason": 4}, "reason"),
        (events.SessionDisputed, {"evidence": bytes(32)}, "evidence"),
        (events.CorrectionProposed, {"by": 3}, "by"),
        (events.CorrectionProposed, {"content": bytes(32)}, "content"),
        (events.CorrectionConsented, {"content": b"\1" * 32}, "content"),
        (events.SessionCorrected, {"version": 9}, "version"),
        (events.SessionMeterVerified, {"record": bytes(32)}, "record"),
    ],
)
def test_audit__altered_event__names_the_field(
    acts: Desk, ledger: Ledger, kind: type[events.Event], changes: dict[str, Any], field: str
) -> None:
    report = audit.run(Liar(ledger, event=altered(kind, **changes)))
    named = {(d.subject, d.field) for d in report.differences}
    assert (kind.__name__, field) in named, texts(report)


def test_audit__an_amount_of_a_version_is_altered__names_what_it_should_be(
    acts: Desk, ledger: Ledger
) -> None:
    def alter(event: events.Event) -> events.Event:
        if not isinstance(event, events.SessionCorrected):
            return event
        share = event.corrected.shares[0]
        dearer = replace(share, network_charge=share.network_charge + 1)
        return replace(event, corrected=replace(event.corrected, shares=(dearer,)))

    report = audit.run(Liar(ledger, event=alter))
    assert {(d.subject, d.field) for d in report.differences} == {("SessionCorrected", "shares")}


def test_audit__event_that_no_act_explains__is_not_allowed(acts: Desk, ledger: Ledger) -> None:
    class Doubling(NodeSource):
        def events(self, first: int, last: int) -> list[events.Event]:
            found = super().events(first, last)
            return sorted(
                [*found, *(e for e in found if isinstance(e, events.SessionCorrected))],
                key=lambda event: event.at,
            )

    report = audit.run(Doubling(ledger))
    assert any("SessionCorrected: derived not allowed" in text for text in texts(report))


def inputs(
    ledger: Ledger, function: str, change: Callable[[bytes], bytes]
) -> Callable[[str, bytes], bytes]:
    selector = abi.functions("Corrections")[function].selector
    return lambda _, calldata: change(calldata) if calldata[:4] == selector else calldata


def test_audit__a_digit_of_the_record__is_another_record(acts: Desk, ledger: Ledger) -> None:
    digit = inputs(ledger, "prove", lambda data: data.replace(b'"RV":6.0', b'"RV":6.1'))
    report = audit.run(Liar(ledger, digit))
    said = [d.derived for d in report.differences if d.subject == "SessionMeterVerified"]
    assert [text.partition(",")[0] for text in said] == ["not allowed"]
    assert "WrongRecord: no record of digest" in said[0]


def test_audit__meter_did_not_sign__is_not_allowed(acts: Desk, ledger: Ledger) -> None:
    def forged(data: bytes) -> bytes:
        at = data.index(b"OCMF|")
        length = int.from_bytes(data[at - 32 : at], "big")
        signature = at + (length + 31) // 32 * 32 + 32
        return data[:signature] + bytes(64) + data[signature + 64 :]

    report = audit.run(Liar(ledger, inputs(ledger, "prove", forged)))
    assert any("BadMeterSignature" in text for text in texts(report))


def test_audit__another_signature_than_the_participants__is_nothing(
    acts: Desk, ledger: Ledger
) -> None:
    def forged(data: bytes) -> bytes:
        return data[:-96] + bytes(31) + b"\1" + data[-64:]

    report = audit.run(Liar(ledger, inputs(ledger, "consentBySignature", forged)))
    (found,) = report.differences
    assert found.subject.startswith("CorrectionConsented.by: participant")
    assert found.derived == "nothing signed for it"


def test_audit__another_sender__is_no_party(acts: Desk, ledger: Ledger) -> None:
    class Swapping(NodeSource):
        def transactions(self, hashes: Any) -> list[Transaction]:
            stranger = acts.anybody.address.lower()
            selector = abi.functions("Corrections")["consent"].selector
            return [
                t._replace(sender=stranger) if t.calldata[:4] == selector else t
                for t in super().transactions(hashes)
            ]

    report = audit.run(Swapping(ledger))
    assert any("NotAParticipant" in text for text in texts(report))


# -------------------------------------------------------------------------------- over JSON-RPC


@pytest.fixture
def node(acts: Desk) -> Iterator[Node]:
    with node_before(acts.traffic.anvil.url) as running:
        yield running


def caught(node: Node, ledger: Ledger, lie: Lie) -> str:
    node.lie = lie
    with pytest.raises(FalseAnswerError) as error:
        audit.run(audit.open_source(node.url, ledger.address, processes=1))
    return str(error.value)


@pytest.mark.parametrize(
    "kind", ["CorrectionConsented", "SessionCorrected", "SessionMeterVerified"]
)
def test_node__omits_an_event_of_the_corrections__is_caught(
    node: Node, ledger: Ledger, kind: str
) -> None:
    topic = next(e.topic for e in abi.events("Corrections") if e.name == kind)

    def lie(method: str, params: list[Any], result: Any) -> Any:
        if method == "eth_getBlockReceipts":
            for receipt in result or ():
                kept = [log for log in receipt["logs"] if log["topics"][0] != "0x" + topic.hex()]
                receipt["logs"] = kept
        return result

    assert "its receipts do not hash to the root in its header" in caught(node, ledger, lie)


def test_node__changes_a_record_in_the_input__is_caught(node: Node, ledger: Ledger) -> None:
    selector = "0x" + abi.functions("Corrections")["prove"].selector.hex()

    def lie(method: str, params: list[Any], result: Any) -> Any:
        if method.startswith("eth_getBlockBy") and params[1]:
            for tx in result["transactions"]:
                if tx["input"].startswith(selector):
                    tx["input"] = tx["input"].replace(b'"RV":6'.hex(), b'"RV":7'.hex())
        return result

    assert "its transactions do not hash to the root" in caught(node, ledger, lie)


# ------------------------------------------------------------------------------ what was stored


def word(value: int) -> bytes:
    return value.to_bytes(32, "big")


def slots_of(desk: Desk, *keys: int) -> list[str]:
    """Where a mapping, nested as often as there are keys, may have the value."""
    found = []
    for base in range(12):
        slot = word(base)
        for key in keys:
            slot = keccak(word(key) + slot)
        found.append("0x" + slot.hex())
    return found


def stored(desk: Desk, slot: str) -> int:
    w3, address = desk.traffic.ledger.w3, desk.corrections.address
    return int.from_bytes(w3.eth.get_storage_at(address, slot))


@pytest.mark.parametrize(
    ("offset", "bit", "field"), [(0, 3, "content"), (1, 0, "version"), (1, 16, "disputed")]
)
def test_audit__file_changed_in_storage__is_named(
    acts: Desk, ledger: Ledger, offset: int, bit: int, field: str
) -> None:
    content = int.from_bytes(acts.corrections.standing(2, 1).content)
    (slot,) = [s for s in slots_of(acts, 2, 1) if stored(acts, s) == content]
    slot = f"0x{int(slot, 16) + offset:064x}"
    changed = f"0x{stored(acts, slot) ^ 1 << bit:064x}"
    acts.traffic.anvil.rpc("anvil_setStorageAt", acts.corrections.address, slot, changed)
    (found,) = audit.run(NodeSource(ledger)).differences
    assert (found.subject, found.field) == ("standing of station 2, session 1", field)


def test_audit__marks_consents_and_pages_taken_out_of_storage__are_missed(
    acts: Desk, ledger: Ledger
) -> None:
    meter = int.from_bytes(ledger.meter_of(2))
    present = acts.corrections.corrected(2, 1)[0]
    content = int.from_bytes(acts.corrections.content_of(present))
    for keys in ((2, 0), (meter, 0), (content, present.grid_operator)):
        for slot in slots_of(acts, *keys):
            empty = "0x" + bytes(32).hex()
            acts.traffic.anvil.rpc("anvil_setStorageAt", acts.corrections.address, slot, empty)
    subjects = [
        (d.subject.partition(" 0x")[0], d.field) for d in audit.run(NodeSource(ledger)).differences
    ]
    assert subjects == [
        ("standing of station 2, session 1", "verified"),
        ("standing of station 2, session 2", "verified"),
        (f"consent of {present.grid_operator} to", ""),
        ("meter", ""),
        ("meter", ""),
    ]
