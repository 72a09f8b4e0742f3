"""Who disputed, consented or proved, through whatever contract; and what is derived after it."""

from typing import Any

import pytest
from desk import FORWARDER, FORWARDER_CODE, UNTIL, Desk
from eth_account import Account
from eth_account.signers.local import LocalAccount
from player import Player
from test_audit import texts
from test_layouts import words
from traffic import Traffic

from gridroam import audit
from gridroam.audit.source import NodeSource, Transaction
from gridroam.chain import abi
from gridroam.chain.ledger import Ledger
from gridroam.evidence.corrections import Corrections, proof


@pytest.fixture
def desk(traffic: Traffic, ledger: Ledger) -> Desk:
    anybody: LocalAccount = Account.from_key(traffic.anvil.keys[2])
    return Desk(traffic, Corrections(ledger), anybody)


def test_audit__goes_on_after_a_proposal__knows_what_was_agreed_to(
    desk: Desk, ledger: Ledger, tmp_path: Any
) -> None:
    Player(desk.traffic).session(6_000)
    change, present = desk.less(500), desk.present
    grid = desk.party(present.grid_operator).account
    desk.corrections.send(grid, "propose", desk.story.as_argument(), change)
    state = audit.StateFile(tmp_path / "state")
    assert audit.run(NodeSource(ledger), state=state).ok
    operator = desk.party(present.station_operator).account
    desk.corrections.send(operator, "consent", present, change)
    report = audit.run(NodeSource(ledger), state=state)
    assert texts(report) == []
    assert report.counts["corrected"] == 1
    assert state.notes == []


def test_audit__correction_that_is_not_covered__derives_the_claim(
    desk: Desk, ledger: Ledger
) -> None:
    Player(desk.traffic).session(6_000)
    supplier = desk.party(desk.present.shares[0].supplier)
    account = ledger.account(supplier.number)
    rest = account.balance - account.reserved - 10**7
    assert desk.traffic.act(supplier.key, "Vault", "withdraw", rest, supplier.address)
    desk.corrections.send(supplier.account, "propose", desk.story.as_argument(), desk.less(-50_000))
    assert ledger.account(supplier.number).owed
    report = audit.run(NodeSource(ledger))
    assert texts(report) == []
    assert report.counts["corrected"] == 1


def test_audit__through_another_contract__finds_proof_and_signature_in_the_input(
    desk: Desk, ledger: Ledger
) -> None:
    player = Player(desk.traffic)
    player.put_meter_on_file()
    evidence = desk.evidence(wrong=10)
    player.session(6_000, evidence.digest)
    change, present = desk.less(500), desk.present
    grid = desk.party(present.grid_operator)
    desk.corrections.send(grid.account, "propose", desk.story.as_argument(), change)
    operator = desk.party(present.station_operator)
    digest = desk.corrections.consent_digest(present, change, operator.number, UNTIL)
    signature = bytes(operator.account.unsafe_sign_hash(digest).signature)
    brought = present, change, operator.number, UNTIL, signature
    desk.forward(desk.anybody, "consentBySignature", *brought)
    desk.traffic.wait(1)
    raw = proof(desk.story, evidence, desk.present)
    desk.forward(desk.anybody, "proveAll", [raw])
    report = audit.run(NodeSource(ledger))
    assert texts(report) == []
    assert (report.counts["corrected"], report.counts["verified"]) == (2, 1)


def moved_to_a_contract(desk: Desk, number: int) -> None:
    desk.traffic.anvil.rpc("anvil_setCode", FORWARDER, FORWARDER_CODE)
    assert desk.traffic.act(desk.party(number).key, "Registry", "moveAccount", FORWARDER)


def test_audit__account_that_is_a_contract__acts_by_itself(desk: Desk, ledger: Ledger) -> None:
    Player(desk.traffic).session(6_000)
    change, present = desk.less(500), desk.present
    moved_to_a_contract(desk, present.grid_operator)
    desk.forward(desk.anybody, "propose", desk.story.as_argument(), change)
    operator = desk.party(present.station_operator).account
    desk.corrections.send(operator, "consent", present, change)
    report = audit.run(NodeSource(ledger))
    assert texts(report) == []
    assert report.counts["corrected"] == 1


def test_audit__account_that_is_none__cannot_have_acted_through_a_contract(
    desk: Desk, ledger: Ledger
) -> None:
    Player(desk.traffic).session(6_000)
    moved_to_a_contract(desk, desk.present.grid_operator)
    desk.forward(desk.anybody, "dispute", desk.story.as_argument(), 1, bytes(32))
    desk.traffic.anvil.mine()
    desk.traffic.anvil.rpc("anvil_setCode", FORWARDER, "0x")
    desk.traffic.anvil.mine()
    # the node still has the state of then, in which it was one
    assert texts(audit.run(NodeSource(ledger))) == []

    class Forgetful(NodeSource):
        """The act came through a contract whose account has never been one."""

        def transactions(self, hashes: Any) -> list[Transaction]:
            return [t._replace(to="0x" + "ee" * 20) for t in super().transactions(hashes)]

    grid = desk.party(desk.present.station_operator)
    desk.corrections.send(grid.account, "disputeVersion", desk.present, 1, bytes(32))
    report = audit.run(Forgetful(ledger))
    whose = f"SessionDisputed.by: participant {grid.number}"
    assert any(whose in text and "nothing signed for it" in text for text in texts(report))


# -------------------------------------------------------------------------------- strange layouts


def test_audit__input_in_another_order__is_read_as_the_contract_reads_it(
    desk: Desk, ledger: Ledger
) -> None:
    player = Player(desk.traffic)
    player.put_meter_on_file()
    evidence = desk.evidence(wrong=10)
    player.session(6_000, evidence.digest)
    change, present = desk.less(500), desk.present
    grid, operator = desk.party(present.grid_operator), desk.party(present.station_operator)
    desk.corrections.send(grid.account, "propose", desk.story.as_argument(), change)
    consent = abi.functions("Corrections")["consent"]
    call = consent.calldata(present, change)[4:]
    first, second = (int.from_bytes(call[at : at + 32], "big") for at in (0, 32))
    swapped = words(64 + len(call) - second, 64) + call[second:] + call[first:second]
    wallet = desk.traffic.wallet(operator.key)
    wallet.wait([wallet.post(desk.corrections.address, consent.selector + swapped)])
    desk.traffic.wait(1)
    raw = words(96, 7, 7) + proof(desk.story, evidence, desk.present)[32:]
    array = words(1, 64, 7, len(raw)) + raw
    prove_all = abi.functions("Corrections")["proveAll"].selector + words(96, 0, 2**255) + array
    desk.traffic.send(desk.corrections.address, prove_all)
    report = audit.run(NodeSource(ledger))
    assert texts(report) == []
    assert (report.counts["corrected"], report.counts["verified"]) == (2, 1)
