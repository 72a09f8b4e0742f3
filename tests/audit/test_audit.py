"""An honest chain agrees; whatever is changed about it is named."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import lying_node
import pytest
from eth_utils.crypto import keccak
from traffic import Traffic

from gridroam import audit
from gridroam.audit.source import Block, NodeSource, Transaction
from gridroam.chain import events
from gridroam.chain.ledger import Ledger
from gridroam.errors import ChainError


class Liar(NodeSource):
    """A node that changes what it tells of transactions or events."""

    def __init__(
        self,
        ledger: Ledger,
        transaction: Callable[[str, bytes], bytes] = lambda _, calldata: calldata,
        event: Callable[[events.Event], events.Event | None] = lambda event: event,
    ) -> None:
        super().__init__(ledger)
        self._transaction = transaction
        self._event = event

    def transactions(self, hashes: Sequence[bytes]) -> list[Transaction]:
        true = zip(hashes, super().transactions(hashes), strict=True)
        return [
            sent._replace(calldata=self._transaction("0x" + tx_hash.hex(), sent.calldata))
            for tx_hash, sent in true
        ]

    def events(self, first: int, last: int) -> list[events.Event]:
        changed = (self._event(event) for event in super().events(first, last))
        return [event for event in changed if event is not None]


def texts(report: audit.Report) -> list[str]:
    return [str(difference) for difference in report.differences]


def test_audit__honest_chain__agrees(one_session: list[str], ledger: Ledger) -> None:
    report = audit.run(NodeSource(ledger))
    assert texts(report) == []
    assert report.ok
    assert report.counts["messages"] == 6
    assert (report.counts["cleared"], report.counts["settled"]) == (1, 2)
    assert report.rejected == {"session-used": 1, "malformed": 1, "report-used": 1}
    assert [(e.import_wh, e.export_wh) for e in report.energy] == [(3_500, 100)]
    assert report.vault.surplus == 0


def test_audit__nothing_happened_yet__agrees(ledger: Ledger) -> None:
    report = audit.run(NodeSource(ledger))
    assert report.ok
    assert report.counts["messages"] == 0


def test_audit__up_to_an_older_block__compares_the_state_of_then(
    one_session: list[str], ledger: Ledger
) -> None:
    block = ledger.w3.eth.get_transaction(one_session[1])["blockNumber"]
    report = audit.run(NodeSource(ledger), block=block)
    assert report.ok
    assert report.counts["messages"] == 5


def test_audit__a_byte_of_a_reading__names_transaction_message_and_signature(
    one_session: list[str], ledger: Ledger
) -> None:
    def change(tx_hash: str, calldata: bytes) -> bytes:
        if tx_hash != one_session[1]:
            return calldata
        reading = ledger.session(2).import_register - 500
        return calldata.replace(reading.to_bytes(6, "big"), (reading + 1).to_bytes(6, "big"), 1)

    report = audit.run(Liar(ledger, change))
    found = [d for d in report.differences if d.transaction == one_session[1]]
    assert found[0].message == 1
    assert "bad-signature" in found[0].derived
    assert "ReportSettled" in found[0].on_chain
    assert any(d.field == "root" for d in found)
    assert any(d.subject == "batch 2: root" for d in report.differences)


def test_audit__calldata_of_something_else__is_named(
    one_session: list[str], ledger: Ledger
) -> None:
    report = audit.run(Liar(ledger, lambda tx, data: data[:50] if tx == one_session[0] else data))
    assert report.differences[0].transaction == one_session[0]
    assert report.differences[0].field == "input"


def test_audit__omitted_log__is_missed(one_session: list[str], ledger: Ledger) -> None:
    def omit(event: events.Event) -> events.Event | None:
        return None if isinstance(event, events.MessageRejected) and event.station == 0 else event

    report = audit.run(Liar(ledger, event=omit))
    (found,) = report.differences
    assert (found.transaction, found.message) == (one_session[1], 2)
    assert found.derived.startswith("MessageRejected(station=0, reason=malformed")
    assert found.on_chain == "nothing"


def test_audit__altered_log__names_the_field(one_session: list[str], ledger: Ledger) -> None:
    def alter(event: events.Event) -> events.Event:
        if isinstance(event, events.ReportSettled) and event.last:
            return replace(event, service_fee=event.service_fee + 1)
        return event

    report = audit.run(Liar(ledger, event=alter))
    (found,) = report.differences
    assert (found.transaction, found.message) == (one_session[2], 0)
    assert found.field == "service_fee"
    assert int(found.on_chain) == int(found.derived) + 1


def test_audit__omitted_batch__is_told_once_and_in_the_state(
    one_session: list[str], ledger: Ledger
) -> None:
    def omit(event: events.Event) -> events.Event | None:
        return None if "0x" + event.at.tx_hash.hex() == one_session[1] else event

    report = audit.run(Liar(ledger, event=omit))
    assert texts(report)[0].endswith("BatchRecorded.batch: derived 2, on chain 3")
    assert any(d.subject.startswith("journal") for d in report.differences)


@pytest.mark.parametrize("name", ["balance", "reserved", "owed"])
def test_audit__storage_changed__names_account_and_field(
    one_session: list[str], traffic: Traffic, name: str
) -> None:
    """The account is one word in a slot that is found by looking for where the value shows up."""
    slot, word = account_slot(traffic, 1)
    shift = {"balance": 0, "reserved": 96, "owed": 176}[name]
    traffic.anvil.rpc(
        "anvil_setStorageAt", traffic.ledger.address, slot, f"0x{word + (1 << shift):064x}"
    )
    report = audit.run(NodeSource(traffic.ledger))
    (found,) = report.differences
    assert (found.subject, found.field) == ("account 1", name)


def account_slot(traffic: Traffic, participant: int) -> tuple[str, int]:
    expected = traffic.ledger.account(participant).balance
    for base in range(16):
        slot = "0x" + keccak(participant.to_bytes(32, "big") + base.to_bytes(32, "big")).hex()
        word = int.from_bytes(traffic.ledger.w3.eth.get_storage_at(traffic.ledger.address, slot))
        if word & (1 << 96) - 1 == expected:
            return slot, word
    raise AssertionError("the account is nowhere")


def test_audit__donation_to_the_vault__is_noted_and_no_difference(traffic: Traffic) -> None:
    traffic.govern("TestEuro", "mint", traffic.ledger.vault_address, 3)
    report = audit.run(NodeSource(traffic.ledger))
    assert report.ok
    assert report.vault.surplus == 3_000
    assert any("0.000003 EUR were given" in line for line in report.lines())


def test_audit__tokens_missing_in_the_vault__differs(traffic: Traffic) -> None:
    class Poor(Ledger):
        def holdings(self, block: object = "latest") -> int:
            return super().holdings() - 1

    ledger = traffic.ledger
    poor = Poor(
        ledger.w3,
        ledger.address,
        ledger.registry_address,
        ledger.vault_address,
        ledger.domain.chain_id,
    )
    (found,) = audit.run(NodeSource(poor)).differences
    assert (found.subject, found.field) == ("vault", "balance")


def test_audit__tariff_before_its_notice__is_not_allowed(ledger: Ledger) -> None:
    def hurry(event: events.Event) -> events.Event:
        if isinstance(event, events.TariffPublished):
            early = replace(event.tariff, valid_from=event.tariff.valid_from - 900)
            return replace(event, tariff=early)
        return event

    report = audit.run(Liar(ledger, event=hurry))
    assert report.differences[0].derived.startswith("not allowed, TooEarly")


def test_audit__chain_changes_meanwhile__cannot_be_done(
    one_session: list[str], ledger: Ledger
) -> None:
    class Reorganising(NodeSource):
        asked = 0

        def blocks(self, numbers: Sequence[int]) -> list[Block]:
            self.asked += numbers == [self.newest()]
            forked = {"hash": bytes(32)} if self.asked > 1 else {}
            return [block._replace(**forked) for block in super().blocks(numbers)]

    with pytest.raises(ChainError, match="changed its block"):
        audit.run(Reorganising(ledger))


def test_audit__several_processes__find_the_same(
    one_session: list[str], traffic: Traffic, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = audit.run(NodeSource(traffic.ledger))
    monkeypatch.setattr("gridroam.audit.source.FEW", 0)
    source = audit.open_source(traffic.anvil.url, traffic.ledger.address, processes=2)
    assert audit.run(source) == alone


def test_audit__process_that_dies__is_told(
    one_session: list[str], traffic: Traffic, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gridroam.audit.source.FEW", 0)
    monkeypatch.setattr("gridroam.audit.workers.read", lying_node.die)
    source = audit.open_source(traffic.anvil.url, traffic.ledger.address, processes=1)
    with pytest.raises(ChainError, match="has ended before its work"):
        audit.run(source)


def test_audit__batches_as_they_must_be__are_compared_as_bytes(
    one_session: list[str], traffic: Traffic, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Event by event only what differs, or has something rare in it."""
    slowly: list[object] = []
    monkeypatch.setattr("gridroam.audit.batches.compare", lambda *given: slowly.append(given))
    source = audit.open_source(traffic.anvil.url, traffic.ledger.address)
    report = audit.run(source)
    assert report.counts["batches"] == 3
    assert slowly == []
    slowly_too = audit.run(NodeSource(traffic.ledger))
    assert len(slowly) == 3
    assert slowly_too == report


def test_pages__busy_time_after_a_quiet_one__are_cut_short(
    one_session: list[str], traffic: Traffic, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A page that was to be long for its few events ends where it has too many."""
    monkeypatch.setattr("gridroam.audit.reader.MOST", 5)
    monkeypatch.setattr("gridroam.chain.blocks.AT_ONCE", 2)
    monkeypatch.setattr("gridroam.audit.reader.FIRST_PAGE", 1_000)
    source = audit.open_source(traffic.anvil.url, traffic.ledger.address)
    found = list(source.pages(0, source.newest()))
    assert len(found) > 3
    assert [page.first for page in found[1:]] == [page.last + 1 for page in found[:-1]]
    assert [page.parent for page in found[1:]] == [page.hash for page in found[:-1]]
    assert found[-1].last == source.newest()
    assert audit.run(source).ok
